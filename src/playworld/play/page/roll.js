// The film of the game: thumbnails, what was pressed at each frame, and the branches beside it.

const STEP = 6; // width of a frame, in CSS pixels
const LANE = 6; // height of a button's lane
const MARGIN = 6;
const THUMB = 48; // height of a thumbnail
const BRANCH = 24; // of one on a branch
const ROW = BRANCH + 8;
const ROWS = 3; // of branches at a time; the others are scrolled to
const DIMMED = 0.4; // frames ahead, from which the player went back

export class Roll {
  /** `onGo(node)`: the player wants to go there. `onPeek(node)`: looks at it, null: no longer. */
  constructor(box, timeline, frames, world, { onGo, onPeek }) {
    Object.assign(this, { box, timeline, frames, onGo, onPeek });
    [this.canvas, this.spacer] = [box.querySelector("canvas"), box.querySelector("div")];
    this.lanes = world.buttons.length;
    this.shape = world.width / world.height;
    this.high = THUMB + this.lanes * LANE + 2 * MARGIN;
    this.range = null; // [from, to]: the nodes that are recorded
    this.looksAt = null;
    this.layout = timeline.layout();
    box.addEventListener("scroll", () => this.draw());
    box.addEventListener("pointermove", (event) => event.pointerType === "mouse" && this.peek(this.under(event)));
    box.addEventListener("pointerleave", () => this.peek(null));
    this.canvas.addEventListener("mousedown", (event) => event.preventDefault()); // the arrows go on playing
    box.addEventListener("click", (event) => {
      const node = this.under(event);
      if (node !== null) onGo(node);
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    new ResizeObserver(() => this.changed()).observe(box);
  }

  /** The film has grown, or the player is elsewhere in it. */
  changed() {
    this.layout = this.timeline.layout();
    const rows = Math.min(ROWS, this.layout.rows);
    const { box, canvas } = this;
    box.style.height = `${this.high + rows * ROW}px`;
    const longest = this.timeline.frames.reduce((most, frame) => Math.max(most, frame), 0);
    this.spacer.style.width = `${2 * MARGIN + (longest + 2) * STEP}px`;
    this.spacer.style.height = `${this.layout.rows * ROW}px`;
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [box.clientWidth, box.clientHeight].map((side) => Math.round(side * ratio));
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    canvas.style.height = `${box.clientHeight}px`;
    this.follow();
    this.draw();
  }

  /** Keep the place of the player in sight. */
  follow() {
    const { box } = this;
    const x = MARGIN + (this.timeline.frames[this.timeline.at] ?? 0) * STEP - box.scrollLeft;
    if (x > box.clientWidth - 2 * THUMB) box.scrollLeft += x - box.clientWidth + 2 * THUMB;
    if (x < MARGIN) box.scrollLeft += x - box.clientWidth / 3;
  }

  peek(node) {
    if (node === this.looksAt) return;
    this.looksAt = node;
    this.onPeek(node);
    this.draw();
  }

  /** The frame under a pointer, or null. */
  under(event) {
    const { left, top } = this.canvas.getBoundingClientRect();
    const frame = Math.floor((event.clientX - left - MARGIN + this.box.scrollLeft) / STEP);
    const y = event.clientY - top;
    if (y < this.high) return this.layout.line[Math.max(0, frame)] ?? null;
    const row = Math.floor((y - this.high + this.box.scrollTop) / ROW);
    return this.onBranch(row, frame);
  }

  onBranch(row, frame) {
    for (const branch of this.layout.branches) {
      const node = branch.nodes[frame - this.timeline.frames[branch.nodes[0]]];
      if (branch.row === row && node !== undefined) return node;
    }
    return null;
  }

  draw() {
    this.drawing ??= requestAnimationFrame(() => {
      this.drawing = undefined;
      this.paint();
    });
  }

  paint() {
    const ratio = window.devicePixelRatio || 1;
    const style = getComputedStyle(this.canvas);
    this.colour = (name) => style.getPropertyValue(`--${name}`);
    const context = (this.context = this.canvas.getContext("2d"));
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const [width, height] = [this.canvas.width / ratio, this.canvas.height / ratio];
    context.clearRect(0, 0, width, height);
    this.fill("film", 0, 0, width, THUMB);
    const left = this.box.scrollLeft;
    const first = Math.max(0, Math.floor((left - MARGIN) / STEP));
    this.sight = { first, end: first + Math.ceil(width / STEP) + 1, x: (frame) => MARGIN + frame * STEP - left };
    this.paintLine();
    context.save();
    context.beginPath();
    context.rect(0, this.high - MARGIN, width, height - this.high + MARGIN);
    context.clip();
    for (const branch of this.layout.branches) this.paintBranch(branch);
    context.restore();
    this.paintMark(this.looksAt, "focus");
  }

  fill(name, x, y, width, height) {
    this.context.fillStyle = this.colour(name);
    this.context.fillRect(x, y, width, height);
  }

  paintLine() {
    const { context, timeline, layout, sight } = this;
    const here = timeline.frames[timeline.at] ?? 0;
    const end = Math.min(sight.end, layout.line.length);
    this.paintThumbs(layout.line, 0, 0, THUMB, here);
    for (let frame = sight.first; frame < sight.end; frame += 1) {
      if (frame % 10 === 9) this.fill("roll-guide", sight.x(frame) + STEP - 1, THUMB + MARGIN, 1, this.high - THUMB - 2 * MARGIN);
    }
    for (let frame = Math.max(1, sight.first); frame < end; frame += 1) {
      const top = THUMB + MARGIN + timeline.buttons[layout.line[frame]] * LANE + 1;
      context.globalAlpha = frame > here ? DIMMED : 1;
      this.fill(frame === here ? "coin" : "roll-hole", sight.x(frame), top, STEP - 1, LANE - 2);
    }
    context.globalAlpha = 1;
    if (this.range !== null) {
      const [from, to] = this.range.map((node) => timeline.frames[node]);
      this.fill("coin", sight.x(from), THUMB - 3, (to - from + 1) * STEP, 3);
    }
    if (layout.line.length > 0) this.fill("coin", sight.x(here), 0, 2, THUMB);
  }

  /** A thumbnail wherever one fits, each over the frame that stands at its left edge. */
  paintThumbs(nodes, start, top, height, here = Infinity) {
    const { context, sight } = this;
    const every = Math.ceil((height * this.shape) / STEP);
    const from = Math.max(0, Math.floor((sight.first - start) / every) * every);
    context.imageSmoothingQuality = "medium";
    for (let i = from; i < nodes.length && start + i < sight.end; i += every) {
      const shown = Math.min(every, nodes.length - i) / every; // the newest one is still being wound on
      const picture = this.frames.get(nodes[i]) ?? this.frames.firstOf(nodes.slice(i, i + every)); // no gap meanwhile
      context.globalAlpha = start + i > here ? DIMMED : 1;
      if (picture === null) continue;
      const width = every * STEP - 2; // the line between two frames of a film
      context.drawImage(picture, 0, 0, picture.width * shown, picture.height, sight.x(start + i), top, width * shown, height);
    }
    context.globalAlpha = 1;
  }

  paintBranch({ nodes, row }) {
    const start = this.timeline.frames[nodes[0]];
    if (start > this.sight.end || start + nodes.length < this.sight.first) return;
    const top = this.high + row * ROW - this.box.scrollTop;
    const x = this.sight.x(start);
    this.fill("roll-hole", x - STEP, this.high - MARGIN, 1, top - this.high + MARGIN);
    this.fill("roll-hole", x - STEP, top, (nodes.length + 1) * STEP, 2);
    this.paintThumbs(nodes, start, top + 4, BRANCH);
  }

  paintMark(node, name) {
    if (node === null || node >= this.timeline.length) return;
    const x = this.sight.x(this.timeline.frames[node]);
    const branch = this.layout.branches.find(({ nodes }) => nodes.includes(node));
    const top = branch === undefined ? 0 : this.high + branch.row * ROW - this.box.scrollTop;
    this.fill(name, x, top, 2, branch === undefined ? this.high : ROW - 4);
  }
}
