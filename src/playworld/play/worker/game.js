// The game of this page: what is asked for, in the messages that docs/serve.md describes, becomes
// frames, one after another.

import { toPixels, toPng } from "./pixels.js";
import { Requests } from "./requests.js";
import { Timeline } from "./timeline.js";

const [PICTURE, SHEET] = [0, 1]; // kinds of answers
const PACED = 30; // frames after which the page is told how long one takes

export function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
}

export class Game {
  /** `about` is page.json; `post(message)` says something to the page; `prompt(number)` is a Blob. */
  constructor(world, about, prompt, post) {
    Object.assign(this, { world, about, prompt, post });
    this.requests = new Requests();
    this.timeline = null;
    this.sampler = null; // how frames are drawn from now on; null: the world's own way
    this.uploads = [];
    this.spent = []; // milliseconds of the first frames
  }

  /** A message of the page. */
  take(message) {
    const { requests } = this;
    if (message.type === "settings") this.sampler = this.own(message);
    else if (message.type === "shown") requests.acknowledge(message);
    else if (message.type === "release") requests.release(message);
    else if (message.type !== "stay") requests.ask({ ...message, sampler: this.sampler });
  }

  own({ steps, temperature }) {
    const { sampler } = this.about;
    const chosen = { steps: steps ?? sampler.steps, temperature: temperature ?? sampler.temperature };
    return chosen.steps === sampler.steps && chosen.temperature === sampler.temperature ? null : chosen;
  }

  /** Answer requests for ever. */
  async run() {
    for (;;) {
      const request = await this.requests.next();
      await this[request.type](request);
    }
  }

  async start({ id, pictures, seed }) {
    const [source, number] = pictures[0].split(":");
    const { width, height } = this.about;
    const pixels = source === "upload" ? this.uploads[number] : await toPixels(await this.prompt(number), width, height);
    const { frame, state } = await this.world.start(pixels, seed);
    this.timeline = new Timeline(pictures, seed, state, await this.png(frame));
    this.here(id);
  }

  async go({ id, node }) {
    this.timeline.at = node;
    this.here(id);
    await this.catchUp(); // so that the first press need not wait for it
  }

  async press(press) {
    const { requests, timeline } = this;
    if (timeline.nodes.length >= this.about.max_nodes) {
      requests.held = null;
      return this.post({ type: "full", id: press.id });
    }
    const state = await this.catchUp();
    if (state === null) return;
    const began = performance.now();
    const next = await this.world.step(state, press.button, press.sampler ?? this.about.sampler);
    this.spent.push(performance.now() - began);
    if (this.spent.length === PACED) this.post({ type: "pace", milliseconds: median(this.spent) });
    timeline.grow(press.button, press.sampler, next.state, await this.png(next.frame));
    requests.made(press);
    this.here(press.id);
  }

  released({ id }) {
    this.post({ type: "released", id });
  }

  /** What every button does from here: one row per button, one column per press. Anything else goes first. */
  async try({ id, presses, sampler }) {
    const { about: { buttons, width, height }, timeline } = this;
    const begun = await this.catchUp();
    const sheet = new Uint8Array(buttons.length * height * presses * width * 3);
    for (let button = 0; button < buttons.length; button += 1) {
      for (let press = 0, state = begun; press < presses; press += 1) {
        if (this.requests.waiting.size > 0) return this.post({ type: "untried" });
        const next = await this.world.step(state, button, sampler ?? this.about.sampler);
        state = next.state;
        for (let y = 0; y < height; y += 1) {
          const row = next.frame.subarray(y * width * 3, (y + 1) * width * 3);
          sheet.set(row, (((button * height + y) * presses) + press) * width * 3);
        }
      }
    }
    const png = await toPng(sheet, presses * width, buttons.length * height);
    this.post({ kind: SHEET, id, node: timeline.at, frame: timeline.here.frame, png });
  }

  /** The state of the frame where the player is; null where they left before it was ready. */
  async catchUp() {
    const { timeline } = this;
    let { last, state, missing } = timeline.nearest();
    for (const number of missing) {
      if (this.requests.isElsewhere) return null;
      const { button, tokens } = timeline.nodes[number];
      ({ state } = await this.world.replay(state, button, tokens));
      timeline.keep(number, state, last);
      last = number;
    }
    return state;
  }

  here(id) {
    const { at, here: { frame, png } } = this.timeline;
    this.post({ kind: PICTURE, id, node: at, frame, png });
  }

  png(frame) {
    return toPng(frame, this.about.width, this.about.height);
  }

  /** What the page calls, each by its name. */
  calls = {
    upload: async (png) => this.uploads.push(await toPixels(png, this.about.width, this.about.height)) - 1,
    forget: (number) => { delete this.uploads[number]; },
    timeline: () => this.timeline.describe(),
    frame: (node) => this.timeline.nodes[node].png,
    frames: (from, to) => this.timeline.path(from, to).map((node) => this.timeline.nodes[node].png),
  };
}
