// Puts the page together: the game, the screen, the pad, the gallery.

import { Game } from "./game.js";
import { Gallery, UPLOAD } from "./gallery.js";
import { Pad } from "./pad.js";
import { Meter, Screen } from "./screen.js";

const LOST = {
  4408: "Put away after a long rest. Press a button to play again.",
  4410: "This game goes on in another tab. Press a button to play it here.",
  4503: "Every place is taken. Trying again in half a minute.",
};
const element = (id) => document.getElementById(id);

async function main() {
  let world;
  try {
    world = await (await fetch("api/v1/world")).json();
  } catch {
    element("note").textContent = "The server does not answer. Start it, and load this page again.";
    return;
  }
  const screen = new Screen(element("screen"), element("roll"), world.width, world.height, world.buttons.length);
  const meter = new Meter(element("rate"), element("delay"), element("count"));
  const view = {
    started: () => screen.clearRoll(),
    pressed: (button) => screen.punch(button),
    picture(bitmap, number, delay) {
      screen.draw(bitmap);
      meter.frame(number, delay);
      element("screen").dataset.frame = number;
    },
    chosen: (choice) => gallery.mark(choice),
    changed: () => showState(game, world),
  };
  let file = null;
  let game = null;
  const useFile = async (chosen) => {
    element("problem").textContent = "";
    try {
      await game.useFile(chosen);
      file = chosen;
      gallery.showUpload(file);
      gallery.mark(UPLOAD);
    } catch (error) {
      element("problem").textContent = error.message;
    }
  };
  const gallery = new Gallery(element("gallery"), element("file"), world, {
    onChoose: (choice) => (choice === UPLOAD ? useFile(file) : game.begin(choice)),
    onFile: useFile,
  });
  game = new Game(world, view);
  const pad = new Pad(element("pad"), world.buttons, (button) => game.hold(button));
  describe(world, pad);
  listenToControls(game, pad);
}

function describe(world, pad) {
  document.title = `${world.name} · Playworld`;
  const facts = [world.name, `${world.width} × ${world.height}`, `${world.fps} frames a second`];
  element("facts").replaceChildren(...facts.map((fact) => {
    const span = document.createElement("span");
    span.textContent = fact;
    return span;
  }));
  const count = world.buttons.length;
  const digits = count > 9 ? "keys 1–9 and 0" : `keys 1–${count}`;
  element("pad-keys").textContent = pad.hasArrows ? `${digits}, arrows or WASD` : digits;
}

function listenToControls(game, pad) {
  const actions = {
    pause: () => game.setPaused(!game.isPaused),
    reset: () => game.reset(),
    going: () => game.setGoing(!game.keepsGoing),
  };
  const letters = { p: "pause", r: "reset", k: "going" };
  for (const [id, act] of Object.entries(actions)) element(id).addEventListener("click", act);
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    actions[letters[event.key.toLowerCase()]]?.();
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) return;
    pad.releaseAll();
    if (game.keepsGoing) game.setPaused(true);
  });
}

function showState(game, world) {
  if (game === null) return;
  element("pause").setAttribute("aria-pressed", String(game.isPaused));
  element("going").setAttribute("aria-pressed", String(game.keepsGoing));
  let note = "";
  if (game.lost !== null) note = LOST[game.lost] ?? "The connection is lost. Trying again.";
  else if (game.isPaused) note = "Paused";
  else if (world.prompts.length === 0 && !game.isReady) note = "This world brings no pictures. Give it one of yours.";
  if (element("note").textContent !== note) element("note").textContent = note; // said once
  element("stage").toggleAttribute("data-waiting", game.start !== null && game.lost === null);
}

main();
