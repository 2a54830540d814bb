// What plays the game: the pad, keys, gamepads, and the row of controls under the pad.

import { RandomAgent } from "./agents.js";
import { listenToFullScreen } from "./full.js";
import { Gamepads } from "./gamepad.js";
import { showHelp } from "./help.js";
import { Keys } from "./keys.js";
import { Pad } from "./pad.js";
import { showSheet } from "./sheet.js";

const element = (id) => document.getElementById(id);
const NO_GAMEPAD = "No gamepad yet: connect one, and press any of its buttons.";
const SHOWN_ON = { pause: "pause", step: "step", keep: "keep", over: "over", watch: "watch", back: "time-back" };

export function listenToControls(game, world, screen) {
  const commands = {
    pause: () => game.player.set({ isPaused: !game.player.isPaused }),
    step: () => game.player.step(),
    back: () => game.back(),
    over: () => game.go(0),
    keep: () => game.player.set({ keepsGoing: !game.player.keepsGoing, agent: null }),
    full: listenToFullScreen(element("full"), screen),
    help: () => showHelp(keys, world.buttons),
    watch: () => game.player.set({ agent: game.player.agent === null ? new RandomAgent(world.buttons.length) : null, isPaused: false }),
  };
  const pad = new Pad(element("pad"), world, {
    hold: (button) => game.player.hold(button),
    nowhere: (arrow) => game.hint(world.layout.nowhere[arrow]),
  });
  const { large, actions, more } = world.layout;
  const hold = (what, isDown, source) => pad.take(source, isDown ? what : null);
  const command = (name) => commands[name]();
  let keys = null;
  const changed = () => keys && showKeys(keys, pad, world);
  keys = new Keys(world.buttons.length, world.layout, { hold, command, changed });
  changed();
  const inOrder = [...(large === null ? [] : [large]), ...actions, ...more];
  new Gamepads(inOrder, { hold, command, changed: (name) => {
    const first = large === null ? "button 1" : "the large button";
    element("set-gamepad").textContent = name === null ? NO_GAMEPAD : `Gamepad: ${name}. Its stick or cross are arrows, A is ${first}, B, X, Y and so on are the others.`;
  } });
  for (const id of ["pause", "step", "keep", "over", "watch", "help"]) element(id).addEventListener("click", commands[id]);
  element("what").addEventListener("click", () => {
    game.player.set({ isPaused: game.player.isPaused, keepsGoing: false, agent: null });
    showSheet(game, world, screen.canvas);
  });
  element("speed").addEventListener("change", () => {
    game.player.pace.speed = Number(element("speed").value);
    game.advance();
  });
  document.querySelectorAll("select").forEach(letGoOfTheKeys);
  addEventListener("click", ({ detail, target }) => {
    // A button that a mouse has pressed would take Space and Enter from the game.
    if (detail > 0) target.closest?.("button:not([data-own-keys]), summary")?.blur();
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) return;
    pad.releaseAll();
    if (game.player.keepsGoing || game.player.agent !== null) game.player.set({ isPaused: true });
  });
  return { pad, keys };
}

function showKeys(keys, pad, world) {
  for (const [action, id] of Object.entries(SHOWN_ON)) {
    element(id).querySelector("kbd").textContent = keys.label(action);
    element(id).setAttribute("aria-keyshortcuts", keys.label(action));
  }
  pad.label(world.buttons.map((_, i) => keys.label(`button ${i}`)), keys.label("large"));
  const { keys: typed, cross } = world.layout;
  const named = typed.length > 9 ? `1–9, ${[...typed.slice(9)].join(", ").toUpperCase()}` : `1–${typed.length}`;
  element("pad-keys").textContent = Object.keys(cross).length > 0 ? `arrows or ${named}` : `keys ${named}`;
}

/** A mouse that has chosen from a list wants the arrows to play again. */
function letGoOfTheKeys(select) {
  let byPointer = false;
  select.addEventListener("pointerdown", () => { byPointer = true; });
  select.addEventListener("keydown", () => { byPointer = false; });
  select.addEventListener("change", () => { if (byPointer) select.blur(); });
}
