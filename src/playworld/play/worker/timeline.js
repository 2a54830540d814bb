// One game's tree of frames, as in play/timeline.py: every frame stays reachable, and a few states
// are kept, the sparser the longer ago. The others are computed again from the tokens.

const KEPT_STATES = 12;

export class Timeline {
  constructor(prompt, seed, state, png) {
    Object.assign(this, { prompt, seed, nodes: [], at: 0 });
    this.kept = new Map(); // node -> {state, base: the nearest kept node before it, age}
    this.counter = 0;
    this.add({ parent: null, button: null, frame: 0, sampler: null }, state, png);
  }

  get here() {
    return this.nodes[this.at];
  }

  /** The frame that a press brought; the player is there then. */
  grow(button, sampler, state, png) {
    this.add({ parent: this.at, button, frame: this.here.frame + 1, sampler }, state, png);
  }

  add(node, state, png) {
    const { parent } = node;
    this.at = this.nodes.push({ ...node, tokens: state.tokens, png }) - 1;
    this.keep(this.at, state, parent ?? 0);
  }

  keep(node, state, base) {
    this.counter += 1;
    if (!this.kept.has(node)) this.kept.set(node, { state, base: this.kept.has(base) ? base : 0, age: this.counter });
    if (this.kept.size > KEPT_STATES) this.forgetOne(node);
  }

  /** `{last, state, missing}`: the last node on the way here with a state, and those that lack one. */
  nearest() {
    const missing = [];
    let node = this.at;
    for (; !this.kept.has(node); node = this.nodes[node].parent) missing.unshift(node);
    const kept = this.kept.get(node);
    kept.age = this.counter;
    return { last: node, state: kept.state, missing };
  }

  /** The nodes from `first` to `last`, which comes after it. */
  path(first, last) {
    const path = [last];
    while (path[0] > first) path.unshift(this.nodes[path[0]].parent); // a parent's number is lower
    return path;
  }

  /** As `GET /api/v1/timeline` answers. */
  describe() {
    const settings = {};
    this.nodes.forEach(({ sampler }, node) => {
      if (sampler !== null) settings[node] = [sampler.steps, sampler.temperature];
    });
    const nodes = this.nodes.map(({ parent, button, frame }) => [parent, button, frame]);
    return { nodes, at: this.at, seed: this.seed, prompt: this.prompt, settings };
  }

  /** What costs least to compute again, for how long ago it was needed. */
  forgetOne(newest) {
    const worth = (node) => {
      const { base, age } = this.kept.get(node);
      return (this.nodes[node].frame - this.nodes[base].frame) / (this.counter - age + 1);
    };
    const spare = [...this.kept.keys()].filter((node) => node !== 0 && node !== newest);
    const least = spare.reduce((best, node) => (worth(node) < worth(best) ? node : best));
    const { base } = this.kept.get(least);
    this.kept.delete(least);
    for (const kept of this.kept.values()) if (kept.base === least) kept.base = base;
  }
}
