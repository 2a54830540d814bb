// The sheet that is drawn on: strokes, fills, undo; a cursor for those who draw with keys.

const UNDOS = 60;

export class Paper {
  constructor(canvas, world) {
    Object.assign(this, { canvas, width: world.width, height: world.height });
    [canvas.width, canvas.height] = [world.width, world.height];
    canvas.style.aspectRatio = `${world.width} / ${world.height}`;
    this.context = canvas.getContext("2d", { willReadFrequently: true });
    Object.assign(this, { colour: "#000000", size: 1, isFilling: false });
    this.past = [];
    this.fingers = new Map(); // pointer -> where it was last
    this.cursor = null; // [x, y] while keys draw
    this.listen();
  }

  listen() {
    const { canvas } = this;
    const place = (event) => {
      const box = canvas.getBoundingClientRect();
      return [((event.clientX - box.left) / box.width) * this.width, ((event.clientY - box.top) / box.height) * this.height];
    };
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      this.begin(place(event));
      if (!this.isFilling) this.fingers.set(event.pointerId, place(event));
    });
    canvas.addEventListener("pointermove", (event) => {
      const from = this.fingers.get(event.pointerId);
      if (from === undefined) return;
      // A quick finger makes many moves between two pictures: all of them are the line.
      const moves = event.getCoalescedEvents?.() ?? [];
      let last = from;
      for (const move of moves.length > 0 ? moves : [event]) {
        this.line(last, place(move));
        last = place(move);
      }
      this.fingers.set(event.pointerId, last);
    });
    for (const end of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(end, (event) => this.fingers.delete(event.pointerId));
    }
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("blur", () => this.showCursor(null));
  }

  /** Arrows move the cursor by a brush's width, and draw while Shift is held; Space makes a dot. */
  key(event) {
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const from = this.cursor ?? [this.width / 2, this.height / 2];
    if (event.key in ways) {
      const [x, y] = ways[event.key];
      const inside = (value, most) => Math.min(most - 1, Math.max(0, value));
      const to = [inside(from[0] + x * this.size, this.width), inside(from[1] + y * this.size, this.height)];
      if (event.shiftKey) {
        this.keep();
        this.line(from, to);
      }
      this.showCursor(to);
    } else if (event.key === " " || event.key === "Enter") {
      this.begin(from);
      this.showCursor(from);
    } else {
      return;
    }
    event.preventDefault();
  }

  showCursor(place) {
    this.cursor = place;
    const mark = this.canvas.nextElementSibling;
    mark.hidden = place === null;
    if (place === null) return;
    mark.style.left = `${(100 * place[0]) / this.width}%`;
    mark.style.top = `${(100 * place[1]) / this.height}%`;
  }

  begin(place) {
    this.keep();
    if (this.isFilling) this.fill(place.map(Math.floor));
    else this.line(place, place);
  }

  line([fromX, fromY], [toX, toY]) {
    const { context, size } = this;
    context.fillStyle = this.colour;
    const steps = Math.max(1, Math.ceil(Math.max(Math.abs(toX - fromX), Math.abs(toY - fromY))));
    for (let i = 0; i <= steps; i += 1) {
      const [x, y] = [fromX + ((toX - fromX) * i) / steps, fromY + ((toY - fromY) * i) / steps];
      context.fillRect(Math.floor(x - (size - 1) / 2), Math.floor(y - (size - 1) / 2), size, size);
    }
  }

  /** Colour the whole area of one colour around a pixel. */
  fill([startX, startY]) {
    const { context, width, height } = this;
    const image = context.getImageData(0, 0, width, height);
    const pixels = new Uint32Array(image.data.buffer);
    context.fillStyle = this.colour;
    context.fillRect(startX, startY, 1, 1);
    const wanted = new Uint32Array(context.getImageData(startX, startY, 1, 1).data.buffer)[0];
    const old = pixels[startY * width + startX];
    const waiting = old === wanted ? [] : [startY * width + startX];
    while (waiting.length > 0) {
      const place = waiting.pop();
      if (pixels[place] !== old) continue;
      pixels[place] = wanted;
      const x = place % width;
      if (x > 0) waiting.push(place - 1);
      if (x < width - 1) waiting.push(place + 1);
      if (place >= width) waiting.push(place - width);
      if (place < width * (height - 1)) waiting.push(place + width);
    }
    context.putImageData(image, 0, 0);
  }

  clear(colour) {
    this.keep();
    this.context.fillStyle = colour;
    this.context.fillRect(0, 0, this.width, this.height);
  }

  /** Something to begin with: ground, with a figure on it. */
  scene({ background, ground, figure }) {
    this.clear(background);
    const unit = Math.max(1, Math.round(this.width / 16));
    const floor = Math.round(this.height / 2) + unit;
    this.context.fillStyle = ground;
    this.context.fillRect(0, floor, this.width, this.height);
    this.context.fillRect(11 * unit, floor - 2 * unit, 3 * unit, 2 * unit);
    this.context.fillStyle = figure;
    this.context.fillRect(Math.round(this.width / 2 - unit / 2), floor - 2 * unit, unit, 2 * unit);
  }

  copy(canvas) {
    this.keep();
    this.context.drawImage(canvas, 0, 0, this.width, this.height);
  }

  keep() {
    this.past.push(this.context.getImageData(0, 0, this.width, this.height));
    if (this.past.length > UNDOS) this.past.shift();
  }

  undo() {
    const before = this.past.pop();
    if (before !== undefined) this.context.putImageData(before, 0, 0);
  }

  forget() {
    this.past = [];
  }

  /** A copy: the sheet itself can be drawn on again. */
  picture() {
    return copyOf(this.canvas);
  }
}

export function copyOf(source) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [source.width, source.height];
  canvas.getContext("2d").drawImage(source, 0, 0);
  return canvas;
}
