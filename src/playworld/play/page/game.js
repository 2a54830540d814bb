// One game: what it starts from, where in its film the player is, and what the server answers.

import { Keeper } from "./keeper.js";
import { tab } from "./memory.js";
import { isFullOfPictures } from "./pictures.js";
import { Player } from "./player.js";
import { portable } from "./saved.js";
import { Sheets } from "./sheets.js";
import { Timeline } from "./timeline.js";

const HINT_MS = 2500;
const isOwnWay = ({ steps, temperature }) => steps === null && temperature === null;

export class Game {
  /**
   * `view` draws: `film()` (another one than before), `resumed()` (the same one again),
   * `picture(bitmap, node, frame, delay)`, `changed()` (whatever else this object holds),
   * `problem(sentence)`, `left(record)` (a game was left for another), `remaking(record)` and
   * `remade(record)` (one that the server no longer had).
   */
  constructor(engine, world, pictures, view) {
    Object.assign(this, { engine, world, pictures, view });
    this.timeline = new Timeline();
    this.player = new Player(this, world.fps);
    this.keeper = new Keeper(this, world);
    this.loaded = null; // bytes, while the world is loaded
    this.idle = null; // seconds until the server puts the game away, once it has said so
    this.chosen = []; // the pictures that this film starts from; null where they are not known here
    this.seed = 0;
    this.isReady = false; // there is a frame to go on from
    this.isFull = false; // the film has no room for another frame
    this.lost = null; // the close code while there is no connection
    this.requests = 0; // id of the newest request
    this.starting = null; // the newest start until it is answered
    this.startId = 0; // its id: answers to anything older are of a film that was left
    this.going = null; // {id, node} of a rewind under way
    this.sheets = new Sheets(); // of what every button does
    this.turn = 0; // pictures decode out of turn: `drawn` is the newest one on the screen
    this.drawn = 0;
    this.said = ""; // a hint that passes
    this.joining = null; // resolves the wait for a new session
    engine.connect({
      joined: (message) => this.joined(message),
      answer: (answer) => (answer.kind === 1 ? this.sheets.answer(answer) : this.frame(answer)),
      released: (id) => {
        this.player.presses.end(id);
        this.view.changed();
        this.advance();
      },
      full: () => this.full(),
      untried: () => this.sheets.refuseAll(),
      idle: (seconds) => this.warn(seconds),
      loading: (bytes) => {
        this.loaded = bytes;
        this.view.changed();
      },
      lost: (code) => this.disconnected(code),
      refused: (sentence) => this.view.problem(sentence),
    });
  }

  /** Go to the server; `first()` is what to do there instead of going on where the game was. */
  open(first = null) {
    this.first = first;
    this.engine.open();
  }

  async joined({ playing, at }) {
    this.lost = null;
    this.loaded = null;
    this.player.presses.clear();
    this.going = null;
    this.player.samplerIsNew = true; // what the session was told last is not known here
    this.joining?.();
    const { first } = this;
    this.first = null;
    if (first !== null) {
      this.keeper.leave(this.keeper.saved.now());
      await first();
    } else if (this.starting !== null) await this.start(this.chosen, this.seed, this.keeper.remake?.record); // said into a dead line
    else if (playing && at !== null) await this.takeUp();
    else if (!playing && this.joining === null) this.startAnyhow();
    this.view.changed();
  }

  /** The session goes on: its whole film, and where in it the player was. */
  async takeUp() {
    try {
      const film = await this.engine.timeline();
      this.timeline.load(film);
      this.seed = film.seed;
      this.chosen = this.pictures.named(film.prompt, this.engine.session);
      if (this.chosen !== null) this.timeline.origin = { prompt: portable(this.chosen), seed: film.seed };
      this.isReady = true;
      this.view.film();
      this.view.resumed();
      this.view.changed();
      this.advance();
    } catch (error) {
      this.view.problem(error.message);
      this.startAnyhow();
    }
  }

  /** A new session knows no film. */
  startAnyhow() {
    const { keeper } = this;
    const record = keeper.record() ?? keeper.saved.now();
    if (record !== null) {
      this.timeline.clear();
      keeper.remake = null;
      return keeper.restore(record);
    }
    // What was chosen may have been of another world.
    const keys = tab.recall("chosen") ?? [];
    const chosen = keys.map((key) => this.pictures.find(key));
    const known = chosen.length > 0 && !chosen.includes(null);
    const pictures = known ? chosen : this.pictures.ofWorld.slice(0, 1);
    if (pictures.length > 0) this.start(pictures);
  }

  disconnected(code) {
    this.lost = code;
    this.loaded = null;
    this.idle = null;
    this.isReady = false;
    if (code === 4400) this.starting = null; // the server cannot take it: not again and again
    this.sheets.refuseAll();
    this.view.changed();
  }

  /** A new film from these pictures, which are one prompt, the oldest first; `record`: to be made again. */
  async start(pictures, seed = null, record = null) {
    if (this.starting === null) this.keeper.leave();
    if (record !== null) this.view.remaking(record);
    this.chosen = pictures;
    tab.remember("chosen", pictures.map((picture) => picture.key));
    this.keeper.begin(record);
    this.isFull = false;
    this.player.stop({ isPaused: false });
    this.isReady = false;
    try {
      const names = await this.pictures.names(pictures, this.engine);
      if (this.chosen !== pictures) return; // others were chosen meanwhile
      this.seed = seed ?? crypto.getRandomValues(new Uint32Array(1))[0];
      this.starting = { type: "start", pictures: names, seed: this.seed };
      this.sendStart();
    } catch (error) {
      if (!isFullOfPictures(error)) {
        this.keeper.remake = null;
        this.isReady = this.timeline.length > 0;
        return this.view.problem(error.message);
      }
      await new Promise((resolve) => {
        this.joining = resolve;
        this.engine.renew();
      });
      this.joining = null;
      await this.start(pictures, seed, record);
    }
  }

  sendStart() {
    this.player.last = null;
    this.player.presses.clear();
    this.going = null;
    this.startId = this.ask(this.starting);
    this.view.changed();
  }

  ask(message) {
    this.requests += 1;
    if (!this.engine.send({ ...message, id: this.requests })) this.engine.open();
    return this.requests;
  }

  /** Go to any frame of the film. From there on, another button makes another branch. */
  go(node) {
    if (!this.isReady || node === null || this.keeper.remake !== null) return;
    this.player.stop();
    this.sendGo(node);
  }

  sendGo(node) {
    this.player.release();
    this.going = { node, id: this.ask({ type: "go", node }) };
  }

  /** One frame back; once more for each call, also before the first is answered. */
  back() {
    this.go(this.timeline.parents[this.going?.node ?? this.timeline.at] ?? null);
  }

  /** Say something for a moment, such as why a key does nothing. */
  hint(sentence) {
    this.said = sentence;
    clearTimeout(this.hinting);
    if (sentence !== "") this.hinting = setTimeout(() => this.hint(""), HINT_MS);
    this.view.changed();
  }

  full() {
    this.player.presses.clear();
    if (this.keeper.remake !== null) this.keeper.end();
    this.isFull = true;
    this.player.stop();
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

  /** The next press, where one is due: of a game that is made again, or of the player. */
  advance(isNewPress = false) {
    this.player.pace.stop();
    if (!this.isReady || this.going !== null || this.starting !== null) return;
    if (this.keeper.remake !== null) this.keeper.advance();
    else this.player.advance(isNewPress);
  }

  /** What every button does from here: resolves to a PNG, one row per button, one column per press. */
  tryAll(presses) {
    if (!this.isReady) throw new Error("There is no frame yet to try the buttons on.");
    return this.sheets.wait(this.ask({ type: "try", presses }));
  }

  async frame({ id, node, frame, png }) {
    if (id !== 0 && id < this.startId) return;
    const { press, isBeyond } = this.player.presses.receive(id);
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
    if (press?.fps) this.engine.send({ type: "shown", id, frames: (press.shown += 1) });
  }

  answered(id, node, press) {
    this.player.presses.answered(id);
    if (id === this.startId && this.starting !== null) {
      this.starting = null;
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
