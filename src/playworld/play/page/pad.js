// The world's buttons: on the page, under fingers, on keys and gamepads. Says which one is held.
// Where each lies, and which one an arrow presses, is the server's `layout`.

import { arrowGlyph } from "./glyphs.js";
import { tab } from "./memory.js";

const ROWS = ["↖↑↗", "←•→", "↙↓↘"];
const ORDER = "←→↑↓↖↗↙↘"; // for Tab and for screen readers
const AXES = { "←": "x", "→": "x", "↑": "y", "↓": "y" };

export class Pad {
  /**
   * `on.hold(button)` hears of each change: the newest button held, or null. `on.nowhere(arrow)`:
   * an arrow is held, and no button leads there.
   */
  constructor(element, { buttons, layout }, on) {
    Object.assign(this, { layout, on });
    this.holds = new Map(); // what holds (a key, a finger) -> button; the last entry counts
    this.ways = new Map(); // what holds an arrow (a key, a stick, a finger) -> the arrow, newest last
    this.keys = buttons.map((button, i) => makeKey(button, i));
    this.whats = new Map(this.keys.map((key, i) => [key, i])); // key -> what it holds
    this.large = this.makeLarge(buttons);
    for (const arrow of Object.keys(AXES)) {
      // Held together with another arrow it may be a third button, as on a keyboard.
      if (arrow in layout.cross) this.whats.set(this.keys[layout.cross[arrow]], arrow);
    }
    element.append(...this.parts());
    this.listenToFingers(element);
    for (const [key, what] of this.whats) this.listenToKey(key, what);
    addEventListener("blur", () => this.releaseAll());
  }

  get held() {
    return [...this.holds.values()].at(-1) ?? null;
  }

  /** A second, larger key for an arrow that jumps, or a button made large; null for neither. */
  makeLarge(buttons) {
    const { large, ways } = this.layout;
    if (large === null) return null;
    const key = large in AXES ? makeKey(buttons[ways[large]]) : this.keys[large];
    key.classList.add("large");
    this.whats.set(key, large);
    return key;
  }

  *parts() {
    const { cross, actions, more } = this.layout;
    const of = (numbers) => numbers.map((i) => this.keys[i]);
    if (Object.keys(cross).length > 0) yield this.crossOf(cross);
    if (this.large !== null) yield this.large;
    if (actions.length > 0) yield group("div", "actions", of(actions));
    if (more.length === 0) return;
    const summary = document.createElement("summary");
    summary.textContent = more.length === 1 ? "1 more button" : `${more.length} more buttons`;
    summary.title = "Buttons that stay put, or do nearly the same as another";
    const rest = group("details", "more", [summary, group("div", "actions", of(more))]);
    rest.open = tab.recall("more") ?? false;
    rest.addEventListener("toggle", () => tab.remember("more", rest.open));
    yield rest;
  }

  crossOf(cross) {
    const used = ROWS.filter((row) => [...row].some((arrow) => arrow in cross));
    for (const [arrow, i] of Object.entries(cross)) {
      const row = used.findIndex((places) => places.includes(arrow));
      Object.assign(this.keys[i].style, { gridRow: row + 1, gridColumn: used[row].indexOf(arrow) + 1 });
    }
    const arrows = [...ORDER].filter((arrow) => arrow in cross);
    return group("div", "cross", arrows.map((arrow) => this.keys[cross[arrow]]));
  }

  /** `source` (a key, a finger) now holds an arrow or the number of a button; null for nothing. */
  take(source, what) {
    if (what === (this.ways.get(source) ?? this.holds.get(source) ?? null)) return;
    const isArrow = what in AXES;
    this.ways.delete(source);
    if (isArrow) this.ways.set(source, what);
    this.set(source, isArrow ? null : what);
    const button = this.findWay();
    this.set("arrows", button);
    if (isArrow && button === null) this.on.nowhere(what);
  }

  set(source, button) {
    const before = this.held;
    if (button !== null && this.holds.get(source) === button) return;
    this.holds.delete(source);
    if (button !== null) this.holds.set(source, button);
    this.mark("data-held", new Set(this.holds.values()));
    const { large } = this.layout;
    if ([...this.ways.values()].includes(large)) this.large.toggleAttribute("data-held", true); // with another arrow
    if (this.held !== before || button !== null) this.on.hold(this.held);
  }

  mark(attribute, numbers) {
    this.keys.forEach((key, i) => key.toggleAttribute(attribute, numbers.has(i)));
    const { large, ways } = this.layout;
    if (large in AXES) this.large.toggleAttribute(attribute, numbers.has(ways[large]));
  }

  releaseAll() {
    this.ways.clear();
    for (const source of [...this.holds.keys()]) this.set(source, null);
  }

  /** Show which button somebody else (an agent) presses; null for none. */
  show(button) {
    this.mark("data-shown", new Set([button]));
  }

  /** What is printed in the corner of each button, and of the large one. */
  label(signs, large) {
    this.keys.forEach((key, i) => sign(key, signs[i]));
    if (this.large !== null) sign(this.large, large);
  }

  /** The button for the arrows that are held: the newest of each axis. */
  findWay() {
    const newest = new Map();
    for (const arrow of this.ways.values()) {
      newest.delete(AXES[arrow]);
      newest.set(AXES[arrow], arrow);
    }
    return this.layout.ways[[...newest.values()].join("")] ?? null;
  }

  listenToFingers(element) {
    const under = (event) => {
      const there = document.elementFromPoint(event.clientX, event.clientY);
      const key = there?.closest(".key, .large");
      return { what: this.whats.get(key) ?? null, isCross: there?.closest(".cross") != null };
    };
    element.addEventListener("pointerdown", (event) => {
      const { what, isCross } = under(event);
      if (event.button !== 0 || (what === null && !isCross)) return;
      element.setPointerCapture(event.pointerId);
      this.take(`pointer ${event.pointerId}`, what);
    });
    element.addEventListener("pointermove", (event) => {
      // A thumb may slide from one key to the next, and keeps the last one on the way there.
      if (!element.hasPointerCapture(event.pointerId)) return;
      const { what, isCross } = under(event);
      if (what !== null || !isCross) this.take(`pointer ${event.pointerId}`, what);
    });
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
      element.addEventListener(end, (event) => this.take(`pointer ${event.pointerId}`, null));
    }
    element.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  listenToKey(key, what) {
    const activates = (event) => event.code === "Space" || event.code === "Enter";
    key.addEventListener("keydown", (event) => {
      if (!activates(event)) return;
      event.preventDefault();
      if (!event.repeat) this.take("focus", what);
    });
    key.addEventListener("keyup", (event) => {
      if (!activates(event)) return;
      event.preventDefault();
      this.take("focus", null);
    });
    key.addEventListener("blur", () => this.take("focus", null));
    key.addEventListener("click", (event) => {
      if (event.detail !== 0) return; // fingers and mice have been heard already
      this.take("assistant", what); // a screen reader clicks without touching
      this.take("assistant", null);
    });
  }
}

/** The key of button `i`; without `i` one that does the same as another. */
function makeKey({ label, arrow }, i = null) {
  const key = document.createElement("button");
  key.type = "button";
  key.className = i === null ? "" : "key";
  const name = i === null ? "Large button" : `Button ${i + 1}`;
  key.setAttribute("aria-label", label === String(i + 1) ? name : `${name}: ${label}`);
  const glyph = arrowGlyph(arrow);
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

function group(tag, kind, children) {
  const element = document.createElement(tag);
  element.className = kind;
  element.append(...children);
  return element;
}

function sign(key, text) {
  key.querySelector(".digit").textContent = text;
  key.setAttribute("aria-keyshortcuts", text);
  key.title = text === "" ? "Hold it: the world moves as long as you do" : `Hold it, or the key ${text}`;
}
