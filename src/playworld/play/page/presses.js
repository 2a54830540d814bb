// Presses under way: which frames are theirs, and which of these the server takes back.

const BEYOND = 2; // frames that the server keeps of those that come after a release

export class Presses {
  constructor() {
    this.clear();
  }

  clear() {
    this.all = new Map(); // id -> press
    this.held = null; // the one that makes frames until its release
  }

  get size() {
    return this.all.size;
  }

  /** The button of the newest one, or undefined. */
  get newest() {
    return [...this.all.values()].at(-1)?.button;
  }

  /** `fps`: how many frames a second until the release; null for one frame alone. */
  add(id, button, fps, sampler) {
    const press = { id, button, fps, sampler, at: performance.now(), received: 0, shown: 0, limit: Infinity };
    this.all.set(id, press);
    if (fps !== null) this.held = press;
  }

  /** Whether just this is held. */
  holds(button, fps, sampler) {
    const { held } = this;
    return held?.button === button && held.fps === fps && held.sampler === sampler;
  }

  /** The message that ends the one that is held; null where none is. */
  release() {
    if (this.held === null) return null;
    const { id, received } = this.held;
    this.held.limit = received + BEYOND;
    this.held = null;
    return { type: "release", id, frames: received };
  }

  /** Count a frame: the press that it answers, or undefined; `isBeyond` where it is taken back. */
  receive(id) {
    const press = this.all.get(id);
    const isBeyond = press !== undefined && press.received === press.limit;
    if (press !== undefined && !isBeyond) press.received += 1;
    return { press, isBeyond };
  }

  /** A frame of `id` is here: the server has dropped what waited before it, as the newest press wins. */
  answered(id) {
    for (const [older, { fps }] of this.all) if (older < id || (older === id && fps === null)) this.end(older);
  }

  /** No more frames of it will come. */
  end(id) {
    this.all.delete(id);
  }
}
