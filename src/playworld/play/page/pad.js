// The world's buttons: on the page, under fingers, on keys. Says which one is held.

import { arrowGlyph } from "./glyphs.js";

const DIGITS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "0"];
const DIRECTIONS = {
  ArrowLeft: [-1, 0], KeyA: [-1, 0], ArrowRight: [1, 0], KeyD: [1, 0],
  ArrowUp: [0, -1], KeyW: [0, -1], ArrowDown: [0, 1], KeyS: [0, 1],
};
const COMPASS = ["↖", "↑", "↗", "←", "", "→", "↙", "↓", "↘"];

export class Pad {
  /** `onHold(button)` hears of each change: the newest button held, or null. */
  constructor(element, buttons, onHold) {
    this.buttons = buttons;
    this.onHold = onHold;
    this.holds = new Map(); // what holds (a key, a finger) -> button; the last entry counts
    this.directions = []; // direction keys that are down, newest last
    this.keys = buttons.map((button, i) => makeKey(button, i));
    element.replaceChildren(...this.keys);
    this.listenToFingers(element);
    this.keys.forEach((key, i) => this.listenToKey(key, i));
    addEventListener("keydown", (event) => this.keyDown(event));
    addEventListener("keyup", (event) => this.keyUp(event));
    addEventListener("blur", () => this.releaseAll());
  }

  get held() {
    return [...this.holds.values()].at(-1) ?? null;
  }

  get hasArrows() {
    return this.buttons.some((button) => button.arrow !== "" && button.arrow !== "•");
  }

  /** `source` now holds `button`, or nothing (null). */
  set(source, button) {
    const before = this.held;
    if (button !== null && this.holds.get(source) === button) return;
    this.holds.delete(source);
    if (button !== null) this.holds.set(source, button);
    const held = new Set(this.holds.values());
    this.keys.forEach((key, i) => key.toggleAttribute("data-held", held.has(i)));
    if (this.held !== before || button !== null) this.onHold(this.held);
  }

  releaseAll() {
    this.directions = [];
    for (const source of [...this.holds.keys()]) this.set(source, null);
  }

  listenToFingers(element) {
    const under = (event) => {
      const key = document.elementFromPoint(event.clientX, event.clientY)?.closest(".key");
      const i = this.keys.indexOf(key);
      return i < 0 ? null : i;
    };
    element.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      element.setPointerCapture(event.pointerId);
      this.set(`pointer ${event.pointerId}`, under(event));
    });
    element.addEventListener("pointermove", (event) => {
      // A thumb may slide from one key to the next.
      if (element.hasPointerCapture(event.pointerId)) {
        this.set(`pointer ${event.pointerId}`, under(event));
      }
    });
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
      element.addEventListener(end, (event) => this.set(`pointer ${event.pointerId}`, null));
    }
    element.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  listenToKey(key, i) {
    const activates = (event) => event.code === "Space" || event.code === "Enter";
    key.addEventListener("keydown", (event) => {
      if (!activates(event)) return;
      event.preventDefault();
      if (!event.repeat) this.set("focus", i);
    });
    key.addEventListener("keyup", (event) => {
      if (!activates(event)) return;
      event.preventDefault();
      this.set("focus", null);
    });
    key.addEventListener("blur", () => this.set("focus", null));
    key.addEventListener("click", (event) => {
      if (event.detail !== 0) return; // fingers and mice have been heard already
      this.set("assistant", i); // a screen reader clicks without touching
      this.set("assistant", null);
    });
  }

  keyDown(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.code in DIRECTIONS && this.hasArrows) {
      event.preventDefault(); // the arrows would scroll
      if (event.repeat) return;
      this.directions = [...this.directions.filter((code) => code !== event.code), event.code];
      this.set("directions", this.findDirection());
      return;
    }
    const button = DIGITS.indexOf(event.key);
    if (button >= 0 && button < this.buttons.length && !event.repeat) {
      this.set(event.code, button);
    }
  }

  keyUp(event) {
    if (this.directions.includes(event.code)) {
      this.directions = this.directions.filter((code) => code !== event.code);
      this.set("directions", this.findDirection());
    }
    if (this.holds.has(event.code)) this.set(event.code, null);
  }

  /** The button for the direction keys that are down: both together, or else the newest one. */
  findDirection() {
    const steps = this.directions.map((code) => DIRECTIONS[code]);
    const newest = (axis) => steps.findLast((step) => step[axis] !== 0)?.[axis] ?? 0;
    const wanted = [[newest(0), newest(1)], ...steps.toReversed()];
    for (const [x, y] of wanted) {
      const arrow = COMPASS[3 * (y + 1) + x + 1];
      const i = this.buttons.findIndex((button) => arrow !== "" && button.arrow === arrow);
      if (i >= 0) return i;
    }
    return null;
  }
}

function makeKey(button, i) {
  const key = document.createElement("button");
  key.type = "button";
  key.className = "key";
  const name = String(i + 1);
  const label = button.label || name;
  key.setAttribute("aria-label", label === name ? `Button ${name}` : `Button ${name}: ${label}`);
  if (i < DIGITS.length) key.setAttribute("aria-keyshortcuts", DIGITS[i]);
  const glyph = arrowGlyph(button.arrow);
  if (glyph !== null) key.append(glyph);
  key.append(part("label", label));
  if (label !== name) key.append(part("digit", name));
  return key;
}

function part(kind, text) {
  const span = document.createElement("span");
  span.className = kind;
  span.textContent = text;
  return span;
}
