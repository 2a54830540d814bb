// One game: what it starts from, what is held, and when the next frame is asked for.

import { UPLOAD } from "./gallery.js";
import { Link } from "./link.js";
import { recall, remember } from "./memory.js";

const CHOICE = "playworld-choice";

export class Game {
  /**
   * `view` draws: `started()`, `pressed(button)`, `picture(bitmap, number, delay)`,
   * `chosen(choice)`, `changed()` (paused, keepsGoing, lost).
   */
  constructor(world, view) {
    this.world = world;
    this.view = view;
    this.choice = recall(CHOICE);
    this.held = null; // the button under a finger now
    this.last = null; // the newest one that was
    this.isPaused = false;
    this.keepsGoing = false;
    this.isReady = false; // there is a frame to go on from
    this.lost = null; // the close code while there is no connection
    this.requests = 0; // id of the newest request
    this.start = null; // the newest start until it is answered
    this.startId = 0; // its id: answers to anything older are of a game that was left
    this.presses = new Map(); // id -> {button, at} of presses under way
    this.due = 0; // when a held button asks for its next frame
    this.timer = 0;
    this.turn = 0; // pictures decode out of turn: `drawn` is the newest one on the screen
    this.drawn = 0;
    this.link = new Link({
      joined: (playing) => this.joined(playing),
      frame: (id, number, png) => this.frame(id, number, png),
      lost: (code) => this.disconnected(code),
    });
    this.link.open();
  }

  joined(playing) {
    this.lost = null;
    this.presses.clear();
    if (this.start !== null) {
      this.ask(this.start); // it was said into a line that was dead
    } else if (playing) {
      this.startId = 0; // the frame where the game stood follows by itself
      this.view.chosen(this.choice);
    } else {
      // A new session knows no upload, and what was chosen may have been of another world.
      const { length } = this.world.prompts;
      if (length > 0) this.begin(Number(this.choice) < length ? String(Number(this.choice)) : "0");
    }
    this.view.changed();
  }

  disconnected(code) {
    this.lost = code;
    this.isReady = false;
    this.view.changed();
  }

  /** Start from the world's picture "0", "1", ... or from the one that was uploaded. */
  begin(choice) {
    this.choice = choice;
    remember(CHOICE, choice);
    this.view.chosen(choice);
    this.ask({ type: "start", prompt: choice === UPLOAD ? null : Number(choice) });
  }

  /** The same picture again, and the same chance. */
  reset() {
    if (this.isReady) this.ask({ type: "reset" });
  }

  ask(start) {
    this.setPaused(false);
    this.setGoing(false);
    this.last = null;
    this.presses.clear();
    this.requests += 1;
    this.start = start;
    this.startId = this.requests;
    if (!this.link.send({ ...start, id: this.startId })) this.link.open();
  }

  /** The player holds another button than before, or none (null). */
  hold(button) {
    this.held = button;
    if (button === null) return;
    this.last = button;
    if (this.lost !== null) this.link.open();
    this.advance(true);
  }

  /** Ask for the next frame: at once on a new press, else in step with the world's clock. */
  advance(isNewPress = false) {
    clearTimeout(this.timer);
    const button = this.held ?? (this.keepsGoing ? this.last : null);
    if (button === null || this.isPaused || !this.isReady) return;
    if (!isNewPress && this.presses.size > 0) return; // the frame under way calls again
    const now = performance.now();
    const period = 1000 / this.world.fps;
    if (isNewPress) {
      this.due = now;
    } else if (this.due - now > 1) {
      this.timer = setTimeout(() => this.advance(), this.due - now);
      return;
    }
    this.due = Math.max(this.due, now - period) + period; // a late timer is made up for
    this.requests += 1;
    this.presses.set(this.requests, { button, at: now });
    this.link.send({ type: "press", id: this.requests, button });
  }

  async frame(id, number, png) {
    if (id !== 0 && id < this.startId) return;
    const press = this.presses.get(id);
    this.isReady = true;
    if (press !== undefined) {
      // The server has dropped what was pressed before this: the newest press wins.
      for (const older of this.presses.keys()) if (older <= id) this.presses.delete(older);
      this.view.pressed(press.button);
    } else if (id === this.startId && id !== 0) {
      this.start = null;
      this.view.started();
    }
    this.view.changed();
    this.advance();
    this.turn += 1;
    const turn = this.turn;
    const bitmap = await createImageBitmap(png);
    if (turn > this.drawn) {
      this.drawn = turn;
      this.view.picture(bitmap, number, press && performance.now() - press.at);
    }
    bitmap.close();
  }

  setPaused(isPaused) {
    this.isPaused = isPaused;
    this.view.changed();
    this.advance();
  }

  /** Whether the last button stays held when it is let go. */
  setGoing(keepsGoing) {
    this.keepsGoing = keepsGoing;
    this.view.changed();
    this.advance();
  }

  /** Send the player's picture, then start from it. Throws an Error with a sentence to show. */
  async useFile(file) {
    const limit = this.world.max_upload_bytes;
    if (file.size > limit) {
      throw new Error(`This file is larger than ${Math.round(limit / 1e6)} MB. Send a smaller one.`);
    }
    const headers = { "X-Playworld-Session": this.link.session ?? "" };
    let answer;
    try {
      answer = await fetch("api/v1/picture", { method: "POST", headers, body: file });
    } catch {
      throw new Error("The picture could not be sent. Is the server still running?");
    }
    if (!answer.ok) throw new Error((await answer.json()).detail);
    this.begin(UPLOAD);
  }
}
