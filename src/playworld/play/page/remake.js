// A game is made again from its record: every branch, in the order in which its frames were made, so
// that each has the number that it had. `Keeper` (keeper.js) begins it when the server has lost
// the game, and goes on with each frame.

import { Pace } from "./pace.js";

export class Remake {
  /** `sampler`: how the player wants frames drawn once it is done. */
  constructor(record, sampler) {
    Object.assign(this, { record, sampler });
    this.pace = new Pace(Infinity);
  }

  /** The next step in a film of so many frames: `{parent, button, sampler}`; null after the last. */
  next(made) {
    const node = this.record.nodes[made];
    if (node === undefined) return null;
    const [parent, button, steps = null, temperature = null] = node;
    return { parent, button, sampler: { steps, temperature } };
  }

  /** "12 of 300 frames" */
  progress(made) {
    return `${Math.max(0, made - 1)} of ${this.record.nodes.length - 1} frames`;
  }
}
