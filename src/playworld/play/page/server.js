// The engine that is a server: the game over a WebSocket, the rest over plain HTTP.

import { ask } from "./api.js";
import { Link } from "./link.js";

export class Engine extends Link {
  offers = {
    files: ["mp4", "gif", "png", "zip"],
    pictures: 16,
    alone: "It works on this machine alone: for others, start the server with --host 0.0.0.0.",
    says: {},
  };

  build = null;

  async world() {
    const world = await (await ask("api/v1/world")).json();
    world.prompts.forEach((prompt, number) => { prompt.url = `api/v1/prompts/${number}`; });
    return world;
  }

  async card() {
    return (await ask("api/v1/card")).text();
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
    return ask(path, { ...options, headers: { "X-Playworld-Session": this.session ?? "" } });
  }
}
