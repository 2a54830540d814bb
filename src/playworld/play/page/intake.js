// The ways in for the player's own pictures: chosen, dropped, pasted, photographed or drawn. Each
// is cut to the world's shape before it is used.

import { askForCrop } from "./crop.js";
import { askForPhoto } from "./webcam.js";

const NOT_A_PICTURE = "This file is not a picture that can be read here. Try a PNG, JPEG, WebP or GIF.";

export class Intake {
  /** `most` pictures may be one prompt. `onPictures(canvases)`: they are of the world's size. `onProblem(sentence)`: "" clears it. */
  constructor(world, most, { input, camera, paste }, onPictures, onProblem) {
    Object.assign(this, { world, most, onPictures, onProblem });
    input.multiple = most > 1;
    input.addEventListener("change", () => {
      const files = [...input.files];
      input.value = ""; // the same file again is a choice too
      this.take(files);
    });
    camera.addEventListener("click", () => this.photograph());
    paste.hidden = navigator.clipboard?.read === undefined;
    paste.addEventListener("click", () => this.readClipboard());
    addEventListener("paste", (event) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (files.length > 0) this.take(files);
    });
    listenToDrops((files) => this.take(files));
  }

  /** Several files are one prompt, the first one the oldest frame. */
  async take(files) {
    this.onProblem("");
    try {
      const bitmaps = await Promise.all(files.slice(0, this.most).map((file) => createImageBitmap(file)));
      await this.cut(bitmaps);
    } catch {
      this.onProblem(NOT_A_PICTURE);
    }
  }

  async cut(bitmaps) {
    const canvases = [];
    for (const [i, bitmap] of bitmaps.entries()) {
      const which = bitmaps.length > 1 ? `Picture ${i + 1} of ${bitmaps.length}` : "";
      const canvas = await askForCrop(bitmap, this.world, which);
      if (canvas === null) return; // the player thought better of it
      canvases.push(canvas);
    }
    if (canvases.length > 0) this.onPictures(canvases);
  }

  async photograph() {
    this.onProblem("");
    try {
      const photo = await askForPhoto();
      if (photo !== null) await this.cut([photo]);
    } catch (error) {
      this.onProblem(error.message);
    }
  }

  async readClipboard() {
    try {
      const items = await navigator.clipboard.read();
      const item = items.find(({ types }) => types.some((type) => type.startsWith("image/")));
      if (item === undefined) return this.onProblem("There is no picture on the clipboard. Copy one first.");
      await this.take([await item.getType(item.types.find((type) => type.startsWith("image/")))]);
    } catch {
      this.onProblem("The browser did not let the page read the clipboard. Press Ctrl+V instead.");
    }
  }
}

function listenToDrops(onFiles) {
  const hasFile = (event) => event.dataTransfer?.types.includes("Files");
  const body = document.body;
  addEventListener("dragover", (event) => {
    if (!hasFile(event)) return;
    event.preventDefault();
    body.toggleAttribute("data-dropping", true);
  });
  addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) body.toggleAttribute("data-dropping", false);
  });
  addEventListener("drop", (event) => {
    if (!hasFile(event)) return;
    event.preventDefault();
    body.toggleAttribute("data-dropping", false);
    if (event.dataTransfer.files.length > 0) onFiles([...event.dataTransfer.files]);
  });
}
