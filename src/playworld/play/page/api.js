// What is asked for over plain HTTP. Every failure is an Error with a sentence for the player.

export class Refused extends Error {
  constructor(sentence, status) {
    super(sentence);
    this.status = status;
  }
}

export async function getWorld() {
  return (await ask("api/v1/world")).json();
}

const NO_SOCKET = "The server answers, but not to WebSockets: a proxy on the way must pass on Upgrade and Connection, as deploy/nginx.conf does.";

/**
 * Why the server lets this page not in, in a sentence; null where it does, or does not answer.
 * `isLasting`: WebSockets have failed more than once, so that the way to it is at fault.
 */
export async function refusal(isLasting) {
  try {
    await ask("api/v1/welcome", { method: "POST" }); // browsers name the page's Origin in a POST
    if (isLasting) return NO_SOCKET;
  } catch (error) {
    if (error.status === 401) location.reload(); // to be asked for the token
    if (error.status === 403) return error.message;
  }
  return null;
}

/** What the world's makers say of it, Markdown. */
export async function getCard() {
  return (await ask("api/v1/card")).text();
}

export class Api {
  /** `session()` is the id of the session that is played now. */
  constructor(session) {
    this.session = session;
  }

  /** Hand over a picture; returns the number by which this session knows it. */
  async upload(png) {
    const answer = await this.ask("api/v1/picture", { method: "POST", body: png });
    return (await answer.json()).picture;
  }

  /** The server need not keep this picture any longer. */
  forget(picture) {
    return this.ask(`api/v1/picture/${picture}`, { method: "DELETE" });
  }

  /** Every frame of the session: `{nodes: [[parent, button, frame], ...], at, seed, prompt}`. */
  async timeline() {
    return (await this.ask("api/v1/timeline")).json();
  }

  async frame(node) {
    return (await this.ask(`api/v1/frames/${node}`)).blob();
  }

  /** The frames from node `from` to node `to` as one file. */
  async download(format, from, to, scale) {
    const query = new URLSearchParams({ from, to, scale });
    return (await this.ask(`api/v1/download/${format}?${query}`)).blob();
  }

  ask(path, options = {}) {
    return ask(path, { ...options, headers: { "X-Playworld-Session": this.session() ?? "" } });
  }
}

async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Refused("The server does not answer. Is it still running?", 0);
  }
  if (answer.ok) return answer;
  const { detail } = await answer.json().catch(() => ({}));
  throw new Refused(detail ?? `The server refused this (${answer.status}).`, answer.status);
}
