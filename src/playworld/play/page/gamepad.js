// A gamepad: the stick and the cross are arrows, A is the large button, the others follow in order.

const CROSS = { 12: "↑", 13: "↓", 14: "←", 15: "→" }; // the "standard" mapping
const COMMANDS = { 8: "over", 9: "pause" };
const BUTTONS = 8;
const FACE = "button ";
const DEAD = 0.5; // how far the stick must lean

export class Gamepads {
  /**
   * `inOrder`: what A, B, X, Y and so on hold. `on.hold(what, isDown)` and `on.command(name)` as for
   * Keys; `on.changed(name)`: null for none.
   */
  constructor(inOrder, on) {
    Object.assign(this, { inOrder, on });
    this.down = new Set();
    this.isWatching = false;
    addEventListener("gamepadconnected", (event) => {
      on.changed(event.gamepad.id);
      if (!this.isWatching) this.watch();
    });
    addEventListener("gamepaddisconnected", () => {
      if (this.pads().length === 0) on.changed(null);
    });
  }

  pads() {
    return [...navigator.getGamepads()].filter((pad) => pad?.connected);
  }

  watch() {
    const pads = this.pads();
    this.take(new Set(pads.flatMap((pad) => [...this.pressed(pad)])));
    this.isWatching = pads.length > 0;
    if (this.isWatching) requestAnimationFrame(() => this.watch());
  }

  take(now) {
    const before = this.down;
    this.down = now;
    for (const what of before) if (!now.has(what)) this.tell(what, false);
    for (const what of now) if (!before.has(what)) this.tell(what, true);
  }

  tell(what, isDown) {
    if (Object.values(COMMANDS).includes(what)) {
      if (isDown) this.on.command(what);
    } else {
      const face = what.startsWith(FACE) ? this.inOrder[Number(what.slice(FACE.length))] : what;
      this.on.hold(face, isDown, `gamepad ${what}`);
    }
  }

  /** What is held now: arrows, buttons and commands. */
  *pressed({ buttons, axes }) {
    for (const [i, button] of buttons.entries()) {
      if (!button.pressed) continue;
      if (i in CROSS) yield CROSS[i];
      else if (i in COMMANDS) yield COMMANDS[i];
      else if (i < Math.min(BUTTONS, this.inOrder.length)) yield `${FACE}${i}`;
    }
    if (axes[0] < -DEAD) yield "←";
    if (axes[0] > DEAD) yield "→";
    if (axes[1] < -DEAD) yield "↑";
    if (axes[1] > DEAD) yield "↓";
  }
}
