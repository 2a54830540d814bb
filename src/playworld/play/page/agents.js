// Who can play instead of the player. An agent's `next(frame)` is the button to press after that
// many frames since the start; null ends its play.

/** Holds one button drawn at random for a few frames, then another. */
export class RandomAgent {
  name = "Random play";

  constructor(buttons) {
    this.buttons = buttons;
    this.button = 0;
    this.left = 0;
  }

  next() {
    if (this.left === 0) {
      this.button = Math.floor(Math.random() * this.buttons);
      this.left = 2 + Math.floor(Math.random() * 8);
    }
    this.left -= 1;
    return this.button;
  }
}

/** Presses again what was pressed once. */
export class Replay {
  /** `samplers`: [frame, {steps, temperature}] in order, each in force from that frame on. */
  constructor(actions, samplers, setSampler) {
    Object.assign(this, { actions, samplers: [...samplers], setSampler });
  }

  get name() {
    return `Replay of ${this.actions.length} frames`;
  }

  next(frame) {
    while (this.samplers.length > 0 && this.samplers[0][0] <= frame) this.setSampler(this.samplers.shift()[1]);
    return this.actions[frame] ?? null;
  }
}
