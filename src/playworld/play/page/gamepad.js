// A gamepad: the stick and the cross are arrows, its buttons 1 to 8 are the world's.

const CROSS = { 12: "up", 13: "down", 14: "left", 15: "right" }; // the "standard" mapping
const COMMANDS = { 8: "over", 9: "pause" };
const BUTTONS = 8;
const DEAD = 0.5; // how far the stick must lean

export class Gamepads {
  /** `on.hold(what, isDown)` and `on.command(name)` as for Keys; `on.changed(name)`: null for none. */
  constructor(on) {
    this.on = on;
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
    this.take(new Set(pads.flatMap((pad) => [...pressed(pad)])));
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
      this.on.hold(what, isDown, `gamepad ${what}`);
    }
  }
}

function* pressed({ buttons, axes }) {
  for (const [i, button] of buttons.entries()) {
    if (!button.pressed) continue;
    if (i in CROSS) yield CROSS[i];
    else if (i in COMMANDS) yield COMMANDS[i];
    else if (i < BUTTONS) yield i;
  }
  if (axes[0] < -DEAD) yield "left";
  if (axes[0] > DEAD) yield "right";
  if (axes[1] < -DEAD) yield "up";
  if (axes[1] > DEAD) yield "down";
}
