// Draw a picture to play in: pixel by pixel at the world's own size, by finger, mouse or keys.

import { dialog } from "./dialogs.js";
import { Paper } from "./paper.js";
import { worldColours } from "./palette.js";

const BRUSHES = [1 / 64, 1 / 32, 1 / 16, 1 / 8]; // of the picture's width
const BRUSH_NAMES = ["Fine", "Small", "Broad", "Very broad"];

export class Drawing {
  /** `frame()` is the canvas with the frame on the screen: it can be painted over. */
  constructor(element, world, frame) {
    Object.assign(this, { element, world, frame });
    this.find = (id) => element.querySelector(`#draw-${id}`);
    this.paper = new Paper(this.find("canvas"), world);
    this.colours = null;
    this.find("undo").addEventListener("click", () => this.paper.undo());
    this.find("clear").addEventListener("click", () => this.paper.clear(this.colours.background));
    this.find("scene").addEventListener("click", () => this.paper.scene(this.colours));
    this.find("over").addEventListener("click", () => this.paper.copy(frame()));
    this.find("fill").addEventListener("click", () => this.use({ isFilling: !this.paper.isFilling }));
    this.find("own").addEventListener("input", (event) => this.use({ colour: event.target.value }));
    element.addEventListener("keydown", (event) => {
      if (event.key.toLowerCase() !== "z" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      this.paper.undo();
    });
    this.find("brushes").append(...BRUSHES.map((share, i) => this.brush(share, i)));
  }

  /** Resolves to a canvas of the world's size, or null. What was drawn stays for the next time. */
  async ask() {
    if (this.colours === null) {
      this.colours = await worldColours(this.world.prompts.map((prompt) => prompt.url));
      const hints = { 0: "background", 1: "ground", 2: "figure" };
      this.find("colours").prepend(...this.colours.all.map((colour, i) => this.swatch(colour, hints[i])));
      this.paper.clear(this.colours.background);
      this.paper.forget();
      this.use({ colour: this.colours.ground, size: this.size(BRUSHES[2]) });
    }
    const answer = await dialog(this.element);
    return answer === "use" ? this.paper.picture() : null;
  }

  size(share) {
    return Math.max(1, Math.round(share * this.world.width));
  }

  use(what) {
    Object.assign(this.paper, what);
    const mark = (button, isOn) => button.setAttribute("aria-pressed", String(isOn));
    for (const button of this.find("colours").querySelectorAll("button")) {
      mark(button, button.dataset.colour === this.paper.colour);
    }
    for (const button of this.find("brushes").children) {
      mark(button, Number(button.dataset.size) === this.paper.size);
    }
    mark(this.find("fill"), this.paper.isFilling);
    this.find("own").value = this.paper.colour;
  }

  swatch(colour, hint) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.colour = colour;
    button.style.background = colour;
    button.title = hint === undefined ? "Draw in this colour" : `The colour of the world's ${hint}`;
    button.setAttribute("aria-label", hint === undefined ? `Colour ${colour}` : `Colour of the ${hint}`);
    if (hint !== undefined) {
      const name = document.createElement("span");
      name.textContent = hint;
      button.append(name);
    }
    button.addEventListener("click", () => this.use({ colour }));
    return button;
  }

  brush(share, i) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.size = this.size(share);
    button.title = `${BRUSH_NAMES[i]} brush`;
    button.setAttribute("aria-label", button.title);
    const dot = document.createElement("span");
    dot.style.width = dot.style.height = `${3 + 5 * i}px`;
    button.append(dot);
    button.addEventListener("click", () => this.use({ size: this.size(share), isFilling: false }));
    return button;
  }
}
