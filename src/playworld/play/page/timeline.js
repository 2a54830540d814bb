// Every frame that was made since the start, as a tree: going back and on again makes a branch.

export class Timeline {
  constructor() {
    this.clear();
  }

  clear() {
    this.origin = null; // {prompt, seed} where it is known
    this.parents = [];
    this.buttons = [];
    this.samplers = []; // {steps, temperature}, null for the world's own
    this.frames = []; // how far below the start
    this.next = []; // the child through which the player went last
    this.at = 0;
  }

  get length() {
    return this.parents.length;
  }

  /** What the server says of the film. */
  load({ nodes, at, settings }) {
    this.clear();
    nodes.forEach(([parent, button], node) => {
      const [steps, temperature] = settings?.[node] ?? [];
      this.add(parent, button, steps === undefined ? null : { steps, temperature });
    });
    this.go(at);
  }

  /** A new frame below `parent` (null: the start), which is where the player then is. */
  add(parent, button, sampler = null) {
    const node = this.length;
    this.parents.push(parent);
    this.buttons.push(button);
    this.samplers.push(sampler);
    this.frames.push(parent === null ? 0 : this.frames[parent] + 1);
    this.next.push(null);
    if (parent !== null) this.next[parent] = node;
    this.at = node;
  }

  go(node) {
    this.at = node;
    for (let child = node; this.parents[child] !== null; child = this.parents[child]) {
      this.next[this.parents[child]] = child;
    }
  }

  /** From the start to `node`, both included. */
  path(node = this.at) {
    const path = [];
    for (let step = node; step !== null; step = this.parents[step]) path.push(step);
    return path.reverse();
  }

  /** The first frames of which `a` and `b` are both later ones, at their newest. */
  meeting(a, b) {
    const ancestors = new Set(this.path(a));
    return this.path(b).findLast((node) => ancestors.has(node));
  }

  /** `node`, and then always the way that was last taken. */
  onwards(node) {
    const nodes = [];
    for (let step = node; step !== null; step = this.next[step]) nodes.push(step);
    return nodes;
  }

  /**
   * The line that the player is on, to its end; and all branches beside it, oldest first, each in a
   * row where it overlaps no other: `{line, branches: [{nodes, row}], rows}`.
   */
  layout() {
    if (this.length === 0) return { line: [], branches: [], rows: 0 };
    const line = this.onwards(0); // `go` and `add` lead it through `at`
    const isStart = (_, node) => node > 0 && this.next[this.parents[node]] !== node;
    const starts = this.parents.map((_, node) => node).filter(isStart);
    const ends = []; // of each row
    const branches = starts.map((start) => ({ nodes: this.onwards(start), row: 0 }));
    branches.sort((a, b) => this.frames[a.nodes[0]] - this.frames[b.nodes[0]]);
    for (const branch of branches) {
      const first = this.frames[branch.nodes[0]];
      const free = ends.findIndex((end) => end + 3 < first);
      branch.row = free < 0 ? ends.length : free;
      ends[branch.row] = first + branch.nodes.length;
    }
    return { line, branches, rows: ends.length };
  }
}
