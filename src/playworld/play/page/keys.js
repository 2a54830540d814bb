// Which key does what: found by its place on the keyboard, changed by the player, remembered.

import { browser } from "./memory.js";

const KEPT = "keys";
const COMMANDS = {
  pause: ["KeyP"], step: ["Period"], back: ["Comma"], over: ["KeyR"], keep: ["KeyK"], watch: ["KeyV"],
  full: ["KeyF"],
};
const NAMES = {
  left: "Left", right: "Right", up: "Up", down: "Down", large: "Large button", pause: "Pause", step: "One frame",
  back: "One frame back", over: "Start over", keep: "Keep going", watch: "Watch it play", full: "Full screen",
};
const DIRECTIONS = {
  left: ["ArrowLeft", "KeyA"], right: ["ArrowRight", "KeyD"], up: ["ArrowUp", "KeyW"], down: ["ArrowDown", "KeyS"],
};
const ARROWS = { left: "←", right: "→", up: "↑", down: "↓" };
const ACTIVATED = "button, summary, a, label"; // by Space and Enter, where they have the focus
const SIGNS = {
  ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Period: ".", Comma: ",", Slash: "/",
  Semicolon: ";", Quote: "'", BracketLeft: "[", BracketRight: "]", Minus: "-", Equal: "=", Backslash: "\\",
};
const WITH_KEYS_OF_THEIR_OWN = "input, select, textarea, [data-own-keys]";

/** What an action is called: `button 3`, or one of NAMES. */
export function actionName(action, buttons) {
  if (action in NAMES) return NAMES[action];
  const number = Number(action.split(" ")[1]);
  const { label } = buttons[number];
  return label ? `Button ${number + 1}: ${label}` : `Button ${number + 1}`;
}

export class Keys {
  /**
   * `layout`: which keys there are for buttons, and what the large button holds.
   * `on.hold(what, isDown)`: an arrow or the number of a button.
   * `on.command(name)`: one of COMMANDS. `on.changed()`: a key does something else than before.
   */
  constructor(buttons, { keys, large }, on) {
    Object.assign(this, { buttons, keys, large, on });
    this.bound = { ...this.defaults(), ...browser.recall(KEPT) };
    this.down = new Map(); // code -> what it holds
    this.layout = null;
    // Only some browsers tell what is printed on a key; elsewhere it is what a US keyboard has there.
    navigator.keyboard?.getLayoutMap?.().then((layout) => {
      this.layout = layout;
      on.changed();
    }, () => {});
    addEventListener("keydown", (event) => this.keyDown(event));
    addEventListener("keyup", (event) => this.release(event.code));
    addEventListener("blur", () => this.releaseAll());
  }

  defaults() {
    const buttons = [...this.keys].map((key, i) => [`button ${i}`, codesOf(key)]);
    return { ...Object.fromEntries(buttons), ...DIRECTIONS, large: ["Space"], ...COMMANDS };
  }

  /** What can be bound, in the order in which it is shown. */
  get actions() {
    const buttons = Array.from({ length: this.buttons }, (_, i) => `button ${i}`);
    return [...buttons, ...Object.keys(DIRECTIONS), ...(this.large === null ? [] : ["large"]), ...Object.keys(COMMANDS)];
  }

  keyDown(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.closest?.(WITH_KEYS_OF_THEIR_OWN) || document.querySelector("dialog[open]")) return;
    if (["Space", "Enter"].includes(event.code) && event.target.closest?.(ACTIVATED)) return;
    if (event.key === "?") return this.on.command("help"); // wherever a keyboard has it
    const action = this.actions.find((action) => this.bound[action]?.includes(event.code));
    if (action === undefined) return;
    event.preventDefault(); // the arrows would scroll
    if (event.repeat && action !== "back") return;
    if (action in COMMANDS) {
      this.on.command(action);
      return;
    }
    const what = action === "large" ? this.large : ARROWS[action] ?? Number(action.split(" ")[1]);
    this.down.set(event.code, what);
    this.on.hold(what, true, event.code);
  }

  release(code) {
    if (!this.down.has(code)) return;
    this.on.hold(this.down.get(code), false, code);
    this.down.delete(code);
  }

  releaseAll() {
    for (const code of [...this.down.keys()]) this.release(code);
  }

  /** From now on `code` does this, and nothing else does. */
  bind(action, code) {
    for (const other of this.actions) {
      this.bound[other] = (this.bound[other] ?? []).filter((bound) => bound !== code);
    }
    this.bound[action] = [code];
    browser.remember(KEPT, this.bound);
    this.on.changed();
  }

  reset() {
    this.bound = this.defaults();
    browser.remember(KEPT, null);
    this.on.changed();
  }

  /** What is printed on the keys of an action, the first of them alone if `isShort`. */
  label(action, isShort = true) {
    const codes = (this.bound[action] ?? []).filter((code) => !code.startsWith("Numpad"));
    const labels = codes.map((code) => this.sign(code));
    return isShort ? labels[0] ?? "" : labels.join(" ");
  }

  sign(code) {
    const printed = this.layout?.get(code)?.toUpperCase();
    return SIGNS[code] ?? printed ?? code.replace(/^(Key|Digit)/, "");
  }
}

function codesOf(key) {
  return /[0-9]/.test(key) ? [`Digit${key}`, `Numpad${key}`] : [`Key${key.toUpperCase()}`];
}
