// Keeps the game that is played, in case the server does not, and makes a game again from its record.

import { Remake } from "./remake.js";
import { recordOf, Saved } from "./saved.js";

const KEEP_MS = 5000;

export class Keeper {
  constructor(game, world) {
    this.game = game;
    this.saved = new Saved(world);
    this.remake = null; // a game that is made again
    addEventListener("pagehide", () => this.keep());
    setInterval(() => this.keep(), KEEP_MS);
  }

  /** The tab remembers the game. */
  keep() {
    const { length, at, origin } = this.game.timeline;
    const now = String([length, at, origin?.seed]);
    if (length > 0 && now !== this.kept) this.saved.keep(this.record());
    this.kept = now;
  }

  record() {
    return this.remake?.record ?? recordOf(this.game);
  }

  /** The game that is played makes room for another. */
  leave(record = this.record()) {
    if (record === null) return;
    this.saved.add(record);
    this.game.view.left(record);
  }

  /** Make a game again that was left, or that the server lost. */
  restore(record) {
    const { game } = this;
    const pictures = record.prompt.map((name) => game.pictures.find(name) ?? game.pictures.add(name));
    return game.start(pictures, record.seed, record);
  }

  /** From now on `record` is made again; null: none is. */
  begin(record) {
    this.remake = record && new Remake(record, this.game.player.sampler);
  }

  /** The next frame of the game that is made again. */
  advance() {
    const { game, remake } = this;
    if (game.player.presses.size > 0 || !remake.pace.isTime(() => game.advance())) return;
    const next = remake.next(game.timeline.length);
    if (next === null) return this.end();
    if (next.parent !== game.timeline.at) return game.sendGo(next.parent);
    game.player.draw(next.sampler);
    game.player.press(next.button);
  }

  /** All of it is there, or the player wants no more of it: that stays among the games left. */
  end() {
    const { game } = this;
    const { record, sampler } = this.remake;
    const isWhole = game.timeline.length === record.nodes.length;
    this.remake = null;
    game.player.draw(sampler);
    if (isWhole) this.saved.drop(record);
    else this.saved.add(record);
    if (isWhole && record.at !== game.timeline.at) game.sendGo(record.at);
    game.view.remade(record, isWhole);
    game.view.resumed();
    game.view.changed();
  }
}
