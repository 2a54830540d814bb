// One game: what it starts from, who presses, and when the next frame is asked for.

import { Api } from "./api.js";
import { Link } from "./link.js";
import { tab } from "./memory.js";
import { Pace } from "./pace.js";
import { isFullOfPictures } from "./pictures.js";
import { Presses } from "./presses.js";
import { Remake } from "./remake.js";
import { portable, recordOf, Saved } from "./saved.js";
import { Sheets } from "./sheets.js";
import { Timeline } from "./timeline.js";

const OWN_WAY = { steps: null, temperature: null }; // the sampler that the world brings
const HINT_MS = 2500;
const KEEP_MS = 5000;
const isOwnWay = ({ steps, temperature }) => steps === null && temperature === null;

export class Game {
  /**
   * `view` draws: `film()` (another one than before), `resumed()` (the same one again),
   * `picture(bitmap, node, frame, delay)`, `changed()` (whatever else this object holds),
   * `problem(sentence)`, `left(record)` (a game was left for another), `remaking(record)` and
   * `remade(record)` (one that the server no longer had).
   */
  constructor(world, pictures, view) {
    Object.assign(this, { world, pictures, view });
    this.timeline = new Timeline();
    this.saved = new Saved(world);
    this.remake = null; // a game that is made again
    this.idle = null; // seconds until the server puts the game away, once it has said so
    this.chosen = []; // the pictures that this film starts from; null where they are not known here
    this.seed = 0;
    this.sampler = tab.recall("sampler") ?? OWN_WAY;
    this.held = null; // the button under a finger now
    this.last = null; // the newest one that was
    this.agent = null; // who plays instead
    this.isPaused = false;
    this.keepsGoing = false;
    this.pace = new Pace(world.fps);
    this.isReady = false; // there is a frame to go on from
    this.isFull = false; // the film has no room for another frame
    this.lost = null; // the close code while there is no connection
    this.requests = 0; // id of the newest request
    this.start = null; // the newest start until it is answered
    this.startId = 0; // its id: answers to anything older are of a film that was left
    this.going = null; // {id, node} of a rewind under way
    this.presses = new Presses();
    this.sheets = new Sheets(); // of what every button does
    this.samplerIsNew = false; // the server has not heard of it
    this.turn = 0; // pictures decode out of turn: `drawn` is the newest one on the screen
    this.drawn = 0;
    this.said = ""; // a hint that passes
    this.joining = null; // resolves the wait for a new session
    this.link = new Link({
      joined: (message) => this.joined(message),
      answer: (answer) => (answer.kind === 1 ? this.sheets.answer(answer) : this.frame(answer)),
      released: (id) => {
        this.presses.end(id);
        this.view.changed();
        this.advance();
      },
      full: () => this.full(),
      idle: (seconds) => this.warn(seconds),
      lost: (code) => this.disconnected(code),
      refused: (sentence) => this.view.problem(sentence),
    });
    this.api = new Api(() => this.link.session);
    addEventListener("pagehide", () => this.keep());
    setInterval(() => this.keep(), KEEP_MS);
  }

  /** The tab remembers the game, in case the server does not. */
  keep() {
    const { length, at, origin } = this.timeline;
    const now = String([length, at, origin?.seed]);
    if (length > 0 && now !== this.kept) this.saved.keep(this.record());
    this.kept = now;
  }

  record() {
    return this.remake?.record ?? recordOf(this);
  }

  /** The game that is played makes room for another. */
  leave(record = this.record()) {
    if (record === null) return;
    this.saved.add(record);
    this.view.left(record);
  }

  /** Go to the server; `begin()` is what to do there instead of going on where the game was. */
  open(begin = null) {
    this.first = begin;
    this.link.open();
  }

  async joined({ playing, at }) {
    this.lost = null;
    this.presses.clear();
    this.going = null;
    this.samplerIsNew = true; // what the session was told last is not known here
    this.joining?.();
    const { first } = this;
    this.first = null;
    if (first !== null) {
      this.leave(this.saved.now());
      await first();
    } else if (this.start !== null) await this.begin(this.chosen, this.seed, this.remake?.record); // said into a dead line
    else if (playing && at !== null) await this.takeUp();
    else if (!playing && this.joining === null) this.beginAnyhow();
    this.view.changed();
  }

  /** The session goes on: its whole film, and where in it the player was. */
  async takeUp() {
    try {
      const film = await this.api.timeline();
      this.timeline.load(film);
      this.seed = film.seed;
      this.chosen = this.pictures.named(film.prompt, this.link.session);
      if (this.chosen !== null) this.timeline.origin = { prompt: portable(this.chosen), seed: film.seed };
      this.isReady = true;
      this.view.film();
      this.view.resumed();
      this.advance();
    } catch (error) {
      this.view.problem(error.message);
      this.beginAnyhow();
    }
  }

  /** A new session knows no film. */
  beginAnyhow() {
    const record = this.record() ?? this.saved.now();
    if (record !== null) {
      this.timeline.clear();
      this.remake = null;
      return this.restore(record);
    }
    // What was chosen may have been of another world.
    const keys = tab.recall("chosen") ?? [];
    const chosen = keys.map((key) => this.pictures.find(key));
    const known = chosen.length > 0 && !chosen.includes(null);
    const pictures = known ? chosen : this.pictures.ofWorld.slice(0, 1);
    if (pictures.length > 0) this.begin(pictures);
  }

  disconnected(code) {
    this.lost = code;
    this.idle = null;
    this.isReady = false;
    if (code === 4400) this.start = null; // the server cannot take it: not again and again
    this.sheets.refuseAll();
    this.view.changed();
  }

  /** Make a game again that was left, or that the server lost. */
  restore(record) {
    const pictures = record.prompt.map((name) => this.pictures.find(name) ?? this.pictures.add(name));
    return this.begin(pictures, record.seed, record);
  }

  /** A new film from these pictures, which are one prompt, the oldest first; `record`: to be made again. */
  async begin(pictures, seed = null, record = null) {
    if (this.start === null) this.leave();
    if (record !== null) this.view.remaking(record);
    this.chosen = pictures;
    tab.remember("chosen", pictures.map((picture) => picture.key));
    this.stop({ isPaused: false, isFull: false, remake: record && new Remake(record, this.sampler) });
    this.isReady = false;
    try {
      const names = await this.pictures.names(pictures, this.api);
      if (this.chosen !== pictures) return; // others were chosen meanwhile
      this.seed = seed ?? crypto.getRandomValues(new Uint32Array(1))[0];
      this.start = { type: "start", pictures: names, seed: this.seed };
      this.sendStart();
    } catch (error) {
      if (!isFullOfPictures(error)) {
        Object.assign(this, { remake: null, isReady: this.timeline.length > 0 });
        return this.view.problem(error.message);
      }
      await new Promise((resolve) => {
        this.joining = resolve;
        this.link.renew();
      });
      this.joining = null;
      await this.begin(pictures, seed, record);
    }
  }

  /** The next frame of a game that is made again. */
  remakeNext() {
    if (this.presses.size > 0 || !this.remake.pace.isTime(false, () => this.advance())) return;
    const next = this.remake.next(this.timeline.length);
    if (next === null) return this.endRemake();
    if (next.parent !== this.timeline.at) return this.visit(next.parent);
    this.draw(next.sampler);
    this.press(next.button);
  }

  /** All of it is there, or the player wants no more of it: that stays among the games left. */
  endRemake() {
    const { record, sampler } = this.remake;
    const isWhole = this.timeline.length === record.nodes.length;
    this.remake = null;
    this.draw(sampler);
    if (isWhole) this.saved.drop(record);
    else this.saved.add(record);
    if (isWhole && record.at !== this.timeline.at) this.visit(record.at);
    this.view.remade(record, isWhole);
    this.view.resumed();
    this.view.changed();
  }

  sendStart() {
    this.last = null;
    this.presses.clear();
    this.going = null;
    this.startId = this.ask(this.start);
    this.view.changed();
  }

  ask(message) {
    this.requests += 1;
    if (!this.link.send({ ...message, id: this.requests })) this.link.open();
    return this.requests;
  }

  /** Go to any frame of the film. From there on, another button makes another branch. */
  go(node) {
    if (!this.isReady || node === null || this.remake !== null) return;
    this.stop();
    this.visit(node);
  }

  visit(node) {
    this.release();
    this.going = { node, id: this.ask({ type: "go", node }) };
  }

  /** One frame back; once more for each call, also before the first is answered. */
  back() {
    this.go(this.timeline.parents[this.going?.node ?? this.timeline.at] ?? null);
  }

  /** The player holds another button than before, or none (null). */
  hold(button) {
    this.held = button;
    this.idle = null;
    if (this.remake !== null) return;
    if (button === null) return this.advance();
    this.agent = null; // the player takes over
    this.said = "";
    this.last = button;
    if (this.lost !== null) this.link.open();
    this.advance(true);
    this.view.changed();
  }

  /** Say something for a moment, such as why a key does nothing. */
  hint(sentence) {
    this.said = sentence;
    clearTimeout(this.hinting);
    if (sentence !== "") this.hinting = setTimeout(() => this.hint(""), HINT_MS);
    this.view.changed();
  }

  /** One frame, paused or not: with the agent's button, or with the last one. */
  step() {
    if (this.isReady && this.presses.size === 0 && this.remake === null) this.press(this.nextButton(this.last ?? 0));
  }

  /** Nobody presses any more. */
  stop(changes = {}) {
    Object.assign(this, { keepsGoing: false, agent: null }, changes);
    this.pace.stop();
    this.release();
    this.view.changed();
  }

  full() {
    this.presses.clear();
    if (this.remake !== null) this.endRemake();
    this.stop({ isFull: true });
  }

  /** The server is about to put the game away. */
  warn(seconds) {
    this.idle = seconds;
    this.view.changed();
  }

  /** Somebody is there. */
  stay() {
    this.idle = null;
    this.ask({ type: "stay" });
    this.view.changed();
  }

  /** Change `isPaused`, `keepsGoing` (the last button stays held) or `agent`. */
  set(changes) {
    Object.assign(this, changes);
    this.view.changed();
    this.advance();
  }

  /** See to it that what is held is what the server makes frames of, or that an agent presses. */
  advance(isNewPress = false) {
    this.pace.stop();
    if (!this.isReady || this.going !== null || this.start !== null) return;
    if (this.remake !== null) return this.remakeNext();
    if (this.isPaused) {
      this.release();
      if (isNewPress) this.press(this.held);
    } else if (this.held === null && this.agent !== null) {
      this.release();
      this.advanceAgent();
    } else this.holdOn(this.held ?? (this.keepsGoing ? this.last : null));
  }

  /** An agent's presses follow one another: each at the pace's time, and after the one before. */
  advanceAgent() {
    if (this.presses.size > 0 || !this.pace.isTime(false, () => this.advance())) return;
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
    if (message !== null) this.link.send(message);
  }

  nextButton(otherwise) {
    if (this.agent === null) return otherwise;
    const button = this.agent.next(this.timeline.frames[this.timeline.at]);
    if (button === null) this.stop();
    return button;
  }

  /** One frame; with `fps` one after another until the release. */
  press(button, fps = null) {
    if (button === null) return;
    if (this.samplerIsNew) this.ask({ type: "settings", ...this.sampler });
    this.samplerIsNew = false;
    this.presses.add(this.ask({ type: "press", button, fps }), button, fps, this.sampler);
  }

  /** How the player wants frames drawn: `{steps, temperature}`, null for the world's own way. */
  setSampler(sampler) {
    if (this.remake !== null) this.remake.sampler = sampler;
    else this.draw(sampler);
    tab.remember("sampler", sampler);
    this.view.changed();
  }

  draw(sampler) {
    if (sampler.steps === this.sampler.steps && sampler.temperature === this.sampler.temperature) return;
    this.sampler = sampler;
    this.samplerIsNew = true;
  }

  /** What every button does from here: resolves to a PNG, one row per button, one column per press. */
  tryAll(presses) {
    if (!this.isReady) throw new Error("There is no frame yet to try the buttons on.");
    return this.sheets.wait(this.ask({ type: "try", presses }));
  }

  async frame({ id, node, frame, png }) {
    if (id !== 0 && id < this.startId) return;
    const { press, isBeyond } = this.presses.receive(id);
    if (isBeyond) return;
    const isFirst = press?.received === 1;
    this.idle = null;
    if (id !== 0) this.answered(id, node, press);
    else if (!this.isReady) this.takeUp(); // a start that a broken line had lost
    this.view.changed();
    this.advance();
    this.turn += 1;
    const { turn, startId } = this;
    const bitmap = await createImageBitmap(png);
    if (startId !== this.startId) return bitmap.close(); // of a film that was left meanwhile
    if (turn > this.drawn) this.drawn = turn;
    const isNewest = turn === this.drawn;
    this.view.picture(bitmap, node, { frame, isNewest, delay: isFirst ? performance.now() - press.at : press && null });
    if (press?.fps) this.link.send({ type: "shown", id, frames: (press.shown += 1) });
  }

  answered(id, node, press) {
    this.presses.answered(id);
    if (id === this.startId && this.start !== null) {
      this.start = null;
      this.isReady = true;
      this.timeline.clear();
      this.timeline.add(null, null);
      this.timeline.origin = { prompt: portable(this.chosen), seed: this.seed };
      this.view.film();
    } else if (press !== undefined && node === this.timeline.length) {
      this.timeline.add(this.timeline.at, press.button, isOwnWay(press.sampler) ? null : press.sampler);
    } else if (node < this.timeline.length) {
      this.timeline.go(node);
    }
    if (this.going !== null && this.going.id <= id) this.going = null;
  }
}
