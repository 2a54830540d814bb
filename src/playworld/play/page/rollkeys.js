// The film under the keyboard: a cursor that walks along it and from branch to branch.

export class RollKeys {
  constructor(roll, timeline, world) {
    Object.assign(this, { roll, timeline, world });
    this.cursor = null;
    const { box } = roll;
    box.addEventListener("keydown", (event) => this.key(event));
    box.addEventListener("focus", () => this.describe(timeline.at));
    box.addEventListener("blur", () => this.look(null));
  }

  key(event) {
    const { timeline } = this;
    const here = this.cursor ?? timeline.at;
    const { line } = this.roll.layout;
    const moves = {
      ArrowLeft: () => timeline.parents[here],
      ArrowRight: () => timeline.next[here],
      ArrowUp: () => this.beside(here, -1),
      ArrowDown: () => this.beside(here, 1),
      Home: () => line[0],
      End: () => line.at(-1),
      PageUp: () => line[Math.max(0, timeline.frames[here] - 10)],
      PageDown: () => line[Math.min(line.length - 1, timeline.frames[here] + 10)],
    };
    if (event.code in moves) {
      event.preventDefault();
      this.look(moves[event.code]() ?? here);
    } else if (event.code === "Enter" || event.code === "Space") {
      event.preventDefault();
      this.roll.onGo(here);
    } else if (event.code === "Escape") {
      this.look(null);
    }
  }

  /** The frame at the same time on the next branch, or where that branch comes nearest to it. */
  beside(node, direction) {
    const { line, branches } = this.roll.layout;
    const lanes = [line, ...branches.toSorted((a, b) => a.row - b.row).map((branch) => branch.nodes)];
    const mine = lanes.findIndex((nodes) => nodes.includes(node));
    const other = lanes[mine + direction];
    if (other === undefined) return node;
    const wanted = this.timeline.frames[node] - this.timeline.frames[other[0]];
    return other[Math.min(other.length - 1, Math.max(0, wanted))];
  }

  look(node) {
    this.cursor = node;
    this.roll.peek(node);
    this.describe(node ?? this.timeline.at);
  }

  describe(node) {
    const { timeline, world, roll } = this;
    if (node >= timeline.length) return;
    const button = world.buttons[timeline.buttons[node]];
    const pressed = button === undefined ? "the start" : `made by ${button.label || `button ${timeline.buttons[node] + 1}`}`;
    const branch = roll.layout.branches.findIndex(({ nodes }) => nodes.includes(node));
    const where = branch < 0 ? "" : `, on branch ${branch + 1}`;
    roll.box.setAttribute("aria-valuemax", timeline.frames.reduce((most, frame) => Math.max(most, frame), 0));
    roll.box.setAttribute("aria-valuenow", timeline.frames[node]);
    roll.box.setAttribute("aria-valuetext", `Frame ${timeline.frames[node]}, ${pressed}${where}`);
  }
}
