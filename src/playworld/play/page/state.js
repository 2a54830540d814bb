// What the page says about the game: connection, pause, who plays, which buttons are on.

import { tell } from "./notice.js";

const LOST = {
  1012: "The server is ending. Trying again.",
  4408: "Put away after a long rest. Press a button to play again.",
  4410: "This game goes on in another tab. Press a button to play it here.",
  4503: "Every place is taken. Trying again in half a minute.",
};
const FULL = "This film is full. Download it under Share, or go on in a new film from this frame.";
const element = (id) => document.getElementById(id);
let saidFull = false;

export function showState(game, world, { pad, share, startHere }) {
  const press = (id, isOn) => element(id).setAttribute("aria-pressed", String(isOn));
  press("pause", game.isPaused);
  press("keep", game.keepsGoing);
  press("watch", game.agent !== null);
  say("note", sentence(game, world));
  say("badge", share.isRecording ? "Recording" : game.agent?.name ?? "");
  element("badge").toggleAttribute("data-recording", share.isRecording);
  element("stage").toggleAttribute("data-waiting", game.start !== null && game.lost === null);
  pad.show(game.agent === null ? null : [...game.presses.values()].at(-1)?.button ?? game.timeline.buttons[game.timeline.at]);
  if (game.isFull && !saidFull) tell(FULL, { label: "Go on from this frame", act: startHere });
  saidFull = game.isFull;
}

function sentence(game, world) {
  if (game.lost !== null) return LOST[game.lost] ?? "The connection is lost. Trying again.";
  if (game.said !== "") return game.said;
  if (game.isPaused) return "Paused";
  if (world.prompts.length === 0 && !game.isReady) return "This world brings no pictures. Give it one of yours.";
  return "";
}

function say(id, text) {
  if (element(id).textContent !== text) element(id).textContent = text; // said once
}
