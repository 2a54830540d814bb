// Who can play instead of the player. An agent's `next(frame)` is the button to press after that
// many frames since the start; null ends its play. `holds`: whether a frame more or less of a button
// makes no difference, so that it can be held like one under a finger.

/** Holds one button drawn at random for a few frames, then another. */
export class RandomAgent {
  name = "Random play";
  holds = true;

  constructor(buttons) {
    this.buttons = buttons;
    this.until = -Infinity;
  }

  next(frame) {
    const isElsewhere = frame < this.from; // the player has gone back
    if (isElsewhere || frame >= this.until) {
      this.button = Math.floor(Math.random() * this.buttons);
      this.from = frame;
      this.until = frame + 2 + Math.floor(Math.random() * 8);
    }
    return this.button;
  }
}

/** Presses again what was pressed once. */
export class Replay {
  holds = false;

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
