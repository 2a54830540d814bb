// The world's buttons: on the page, under fingers, on keys and gamepads. Says which one is held.

import { arrowGlyph } from "./glyphs.js";

const WAYS = { left: [-1, 0], right: [1, 0], up: [0, -1], down: [0, 1] };
const COMPASS = ["↖", "↑", "↗", "←", "", "→", "↙", "↓", "↘"];

export class Pad {
  /** `onHold(button)` hears of each change: the newest button held, or null. */
  constructor(element, buttons, onHold) {
    this.buttons = buttons;
    this.onHold = onHold;
    this.holds = new Map(); // what holds (a key, a finger) -> button; the last entry counts
    this.ways = new Map(); // what leads somewhere (an arrow key, a stick) -> where, newest last
    this.keys = buttons.map((button, i) => makeKey(button, i));
    element.replaceChildren(...this.keys);
    this.listenToFingers(element);
    this.keys.forEach((key, i) => this.listenToKey(key, i));
    addEventListener("blur", () => this.releaseAll());
  }

  get held() {
    return [...this.holds.values()].at(-1) ?? null;
  }

  get hasArrows() {
    return this.buttons.some((button) => button.arrow !== "" && button.arrow !== "•");
  }

  /** Somebody elsewhere (`source`) holds, or lets go of, a button or a way. */
  hold(what, isDown, source) {
    if (what in WAYS) {
      this.ways.delete(source);
      if (isDown) this.ways.set(source, what);
      this.set("ways", this.findWay());
    } else if (what < this.buttons.length) {
      this.set(source, isDown ? what : null);
    }
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
    this.ways.clear();
    for (const source of [...this.holds.keys()]) this.set(source, null);
  }

  /** Show which button somebody else (an agent) presses; null for none. */
  show(button) {
    this.keys.forEach((key, i) => key.toggleAttribute("data-shown", i === button));
  }

  /** What is printed in the corner of each button. */
  label(signs) {
    this.keys.forEach((key, i) => {
      key.querySelector(".digit").textContent = signs[i];
      key.setAttribute("aria-keyshortcuts", signs[i]);
    });
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

  /** The button for the ways that are held: two together, or else the newest one. */
  findWay() {
    const steps = [...this.ways.values()].map((way) => WAYS[way]);
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
  const glyph = arrowGlyph(button.arrow);
  if (glyph !== null) key.append(glyph);
  key.append(part("label", label), part("digit", ""));
  return key;
}

function part(kind, text) {
  const span = document.createElement("span");
  span.className = kind;
  span.textContent = text;
  return span;
}
