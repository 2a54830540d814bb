// What is asked for over plain HTTP. Every failure is an Error with a sentence for the player.

export class Refused extends Error {
  constructor(sentence, status) {
    super(sentence);
    this.status = status;
  }
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

/** The answer to a request; throws Refused. */
export async function ask(path, options) {
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
