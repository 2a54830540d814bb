// Cut a picture to the world's shape: a box that is dragged and zoomed, by finger, mouse or keys.

import { dialog } from "./dialogs.js";

const WIDEST = 480; // of the picture in the dialog, in CSS pixels
const HIGHEST = 400;
const DEEPEST = 12; // zoom

/** Resolves to a canvas of the world's size, or to null where the player turned back. */
export async function askForCrop(bitmap, world, which) {
  if (bitmap.width === world.width && bitmap.height === world.height) {
    return shrink(bitmap, [0, 0, bitmap.width, bitmap.height], world); // there is nothing to cut
  }
  const element = document.getElementById("crop");
  element.querySelector("#crop-which").textContent = which;
  const crop = new Crop(element, bitmap, world);
  const answer = await dialog(element, { onClose: () => crop.end() });
  return answer === "use" ? shrink(bitmap, crop.box(), world) : null;
}

class Crop {
  constructor(element, bitmap, world) {
    Object.assign(this, { element, bitmap, world });
    [this.canvas, this.preview] = element.querySelectorAll("canvas");
    this.slider = element.querySelector("input");
    this.scale = Math.min(WIDEST / bitmap.width, HIGHEST / bitmap.height, (innerWidth - 64) / bitmap.width);
    this.canvas.width = Math.round(bitmap.width * this.scale);
    this.canvas.height = Math.round(bitmap.height * this.scale);
    [this.preview.width, this.preview.height] = [world.width, world.height];
    const shape = world.width / world.height;
    this.most = Math.min(bitmap.width, bitmap.height * shape); // the widest box that fits
    Object.assign(this, { shape, zoom: 1, x: bitmap.width / 2, y: bitmap.height / 2 });
    this.fingers = new Map();
    this.listening = new AbortController();
    this.listen({ signal: this.listening.signal });
    this.change({});
  }

  end() {
    this.listening.abort();
  }

  listen(once) {
    const { canvas } = this;
    this.slider.addEventListener("input", () => this.change({ zoom: DEEPEST ** Number(this.slider.value) }), once);
    canvas.addEventListener("keydown", (event) => this.key(event), once);
    this.element.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.target instanceof HTMLButtonElement) return; // which it presses
      event.preventDefault();
      this.element.close("use");
    }, once);
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.change({ zoom: this.zoom * 1.0015 ** -event.deltaY });
    }, once);
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.fingers.set(event.pointerId, [event.clientX, event.clientY]);
    }, once);
    canvas.addEventListener("pointermove", (event) => this.drag(event), once);
    for (const end of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(end, (event) => this.fingers.delete(event.pointerId), once);
    }
  }

  drag(event) {
    const before = this.fingers.get(event.pointerId);
    if (before === undefined) return;
    const now = [event.clientX, event.clientY];
    const other = [...this.fingers].find(([finger]) => finger !== event.pointerId)?.[1];
    this.fingers.set(event.pointerId, now);
    if (other !== undefined) {
      this.change({ zoom: (this.zoom * distance(before, other)) / Math.max(1, distance(now, other)) });
      return;
    }
    const shown = this.canvas.getBoundingClientRect().width / this.bitmap.width;
    this.change({ x: this.x + (now[0] - before[0]) / shown, y: this.y + (now[1] - before[1]) / shown });
  }

  key(event) {
    const far = (event.shiftKey ? 0.1 : 0.02) * this.bitmap.width;
    const moves = {
      ArrowLeft: { x: this.x - far }, ArrowRight: { x: this.x + far },
      ArrowUp: { y: this.y - far }, ArrowDown: { y: this.y + far },
    };
    const move = moves[event.key] ?? { "+": { zoom: this.zoom * 1.1 }, "-": { zoom: this.zoom / 1.1 } }[event.key];
    if (move === undefined) return;
    event.preventDefault();
    this.change(move);
  }

  change(what) {
    Object.assign(this, what);
    this.zoom = Math.min(DEEPEST, Math.max(1, this.zoom));
    const [, , width, height] = this.box();
    this.x = Math.min(this.bitmap.width - width / 2, Math.max(width / 2, this.x));
    this.y = Math.min(this.bitmap.height - height / 2, Math.max(height / 2, this.y));
    this.slider.value = String(Math.log(this.zoom) / Math.log(DEEPEST));
    this.draw();
  }

  /** [left, top, width, height] in pixels of the picture. */
  box() {
    const width = this.most / this.zoom;
    const height = width / this.shape;
    return [this.x - width / 2, this.y - height / 2, width, height];
  }

  draw() {
    const { canvas, bitmap, preview } = this;
    const context = canvas.getContext("2d");
    const box = this.box();
    const shown = box.map((side) => side * this.scale);
    context.imageSmoothingQuality = "high";
    context.globalAlpha = 1;
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.globalAlpha = 0.3;
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    context.globalAlpha = 1;
    context.drawImage(bitmap, ...box, ...shown);
    context.strokeStyle = "#f2b233";
    context.lineWidth = 3;
    context.strokeRect(shown[0] + 1.5, shown[1] + 1.5, shown[2] - 3, shown[3] - 3);
    const small = preview.getContext("2d");
    small.imageSmoothingQuality = "high";
    small.drawImage(bitmap, ...box, 0, 0, preview.width, preview.height);
  }
}

function distance([x, y], [toX, toY]) {
  return Math.hypot(toX - x, toY - y);
}

async function shrink(bitmap, box, { width, height }) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d");
  context.fillStyle = "white"; // what shines through a picture
  context.fillRect(0, 0, width, height);
  const [x, y, wide, high] = box.map(Math.round);
  const size = { resizeWidth: width, resizeHeight: height, resizeQuality: "high" };
  context.drawImage(await createImageBitmap(bitmap, x, y, Math.max(1, wide), Math.max(1, high), size), 0, 0);
  return canvas;
}
