// Who presses: a finger, the button that keeps going, or an agent; and when the next press is due.

import { tab } from "./memory.js";
import { Pace } from "./pace.js";
import { Presses } from "./presses.js";

const OWN_WAY = { steps: null, temperature: null }; // the sampler that the world brings

export class Player {
  constructor(game, fps) {
    this.game = game;
    this.held = null; // the button under a finger now
    this.last = null; // the newest one that was
    this.agent = null; // who plays instead
    this.isPaused = false;
    this.keepsGoing = false;
    this.pace = new Pace(fps);
    this.presses = new Presses();
    this.sampler = tab.recall("sampler") ?? OWN_WAY;
    this.samplerIsNew = false; // the server has not heard of it
  }

  /** The player holds another button than before, or none (null). */
  hold(button) {
    const { game } = this;
    this.held = button;
    game.idle = null;
    if (game.keeper.remake !== null) return;
    if (button === null) return game.advance();
    this.agent = null; // the player takes over
    game.said = "";
    this.last = button;
    if (game.lost !== null) game.engine.open();
    game.advance(true);
    game.view.changed();
  }

  /** One frame, paused or not: with the agent's button, or with the last one. */
  step() {
    const { isReady, keeper } = this.game;
    if (isReady && this.presses.size === 0 && keeper.remake === null) this.press(this.nextButton(this.last ?? 0));
  }

  /** Nobody presses any more. */
  stop(changes = {}) {
    Object.assign(this, { keepsGoing: false, agent: null }, changes);
    this.pace.stop();
    this.release();
    this.game.view.changed();
  }

  /** Change `isPaused`, `keepsGoing` (the last button stays held) or `agent`. */
  set(changes) {
    Object.assign(this, changes);
    this.game.view.changed();
    this.game.advance();
  }

  /** See to it that what is held is what the server makes frames of, or that an agent presses. */
  advance(isNewPress) {
    if (this.isPaused) {
      this.release();
      if (isNewPress) this.press(this.held);
    } else if (this.held !== null || this.agent === null) this.holdOn(this.held ?? (this.keepsGoing ? this.last : null));
    else if (this.agent.holds) this.holdOn(this.nextButton(null));
    else this.advanceAgent();
  }

  /** Presses that have to be exact follow one another: each at the pace's time, after the one before. */
  advanceAgent() {
    this.release();
    if (this.presses.size > 0 || !this.pace.isTime(() => this.game.advance())) return;
    this.press(this.nextButton(null));
  }

  /** The server makes frames of this button, and of no other (null: of none), at the pace's rate. */
  holdOn(button) {
    const { rate } = this.pace;
    if (this.presses.holds(button, rate, this.sampler)) return;
    this.release();
    this.press(button, rate);
  }

  release() {
    const message = this.presses.release();
    if (message !== null) this.game.engine.send(message);
  }

  nextButton(otherwise) {
    if (this.agent === null) return otherwise;
    const { frames, at } = this.game.timeline;
    const button = this.agent.next(frames[at]);
    if (button === null) this.stop();
    return button;
  }

  /** One frame; with `fps` one after another until the release. */
  press(button, fps = null) {
    if (button === null) return;
    if (this.samplerIsNew) this.game.ask({ type: "settings", ...this.sampler });
    this.samplerIsNew = false;
    this.presses.add(this.game.ask({ type: "press", button, fps }), button, fps, this.sampler);
  }

  /** How the player wants frames drawn: `{steps, temperature}`, null for the world's own way. */
  setSampler(sampler) {
    const { remake } = this.game.keeper;
    if (remake !== null) remake.sampler = sampler;
    else this.draw(sampler);
    tab.remember("sampler", sampler);
    this.game.view.changed();
  }

  draw(sampler) {
    if (sampler.steps === this.sampler.steps && sampler.temperature === this.sampler.temperature) return;
    this.sampler = sampler;
    this.samplerIsNew = true;
  }
}
