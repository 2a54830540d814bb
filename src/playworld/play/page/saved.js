// Games as what it takes to make them again: the pictures, the seed, and every button of every
// branch. The tab keeps the one that is played, and the last few that were left for another.

import { tab } from "./memory.js";

const NOW = "game";
const LEFT = "left";
const MOST = 5; // games that were left

/** The pictures of a prompt as text that is good in any tab: names of the world's, or data URLs. */
export function portable(pictures) {
  return pictures.map(({ key, url }) => (key.startsWith("prompt:") ? key : url));
}

/** The game in `timeline`, or null where nothing was pressed, or its pictures are not known here. */
export function recordOf({ timeline, world }) {
  if (timeline.length < 2 || timeline.origin === null) return null;
  const nodes = timeline.parents.map((parent, node) => {
    const sampler = timeline.samplers[node];
    const pressed = [parent, timeline.buttons[node]];
    return sampler === null ? pressed : [...pressed, sampler.steps, sampler.temperature];
  });
  return { sha256: world.sha256, ...timeline.origin, nodes, at: timeline.at };
}

/** "120 frames", the start not counted. */
export function length({ nodes }) {
  return nodes.length === 2 ? "1 frame" : `${nodes.length - 1} frames`;
}

export class Saved {
  constructor(world) {
    this.world = world;
    this.left = (tab.recall(LEFT) ?? []).filter((record) => this.fits(record));
  }

  /** The game that this tab played last, if the server plays the same world. */
  now() {
    const record = tab.recall(NOW);
    return record !== null && this.fits(record) ? record : null;
  }

  keep(record) {
    tab.remember(NOW, record);
  }

  /** A game was left for another; the newest is first. */
  add(record) {
    this.left = [record, ...this.left.filter((other) => !isSame(other, record))].slice(0, MOST);
    tab.remember(LEFT, this.left);
  }

  drop(record) {
    this.left = this.left.filter((other) => !isSame(other, record));
    tab.remember(LEFT, this.left);
  }

  fits({ sha256, prompt }) {
    const isHere = (name) => !name.startsWith("prompt:") || Number(name.slice(7)) < this.world.prompts.length;
    return sha256 === this.world.sha256 && prompt.every(isHere);
  }
}

function isSame(one, other) {
  return one.seed === other.seed && String(one.prompt) === String(other.prompt);
}
