// What the page says about the game: connection, pause, who plays, which buttons are on.

import { tell } from "./notice.js";

const LOST = {
  1012: "The server is ending. Trying again.",
  4408: "Put away after a long rest. Press a button to go on.",
  4410: "This game goes on in another tab. Press a button to play it here.",
  4503: "Every place is taken. Trying again in half a minute.",
  4504: "The server cannot reach its store of games. Trying again.",
  worker: "The world is not running.",
};
const FULL = "This film is full. Download it under Share, or go on in a new film from this frame.";
const element = (id) => document.getElementById(id);
let [saidFull, saidIdle] = [false, false];

export function showState(game, world, { pad, share, startHere }) {
  const press = (id, isOn) => element(id).setAttribute("aria-pressed", String(isOn));
  press("pause", game.player.isPaused);
  press("keep", game.player.keepsGoing);
  press("watch", game.player.agent !== null);
  say("note", sentence(game, world));
  say("badge", share.isRecording ? `Recording ${share.seconds()} s` : game.player.agent?.name ?? "");
  element("badge").toggleAttribute("data-recording", share.isRecording);
  element("stage").toggleAttribute("data-waiting", game.starting !== null && game.lost === null);
  pad.show(game.player.agent === null ? null : game.player.presses.newest ?? game.timeline.buttons[game.timeline.at]);
  if (game.isFull && !saidFull) tell(FULL, { label: "Go on from this frame", act: startHere });
  saidFull = game.isFull;
  sayIdle(game);
}

/** A game that is put away can be made again, but that takes time. */
function sayIdle(game) {
  const isIdle = game.idle !== null;
  if (isIdle === saidIdle) return;
  saidIdle = isIdle;
  if (isIdle) tell(`Still there? In ${Math.round(game.idle)} seconds the server puts this game away.`, { label: "Keep it", act: () => game.stay() });
  else tell("");
}

function sentence(game, world) {
  if (game.lost !== null) return LOST[game.lost] ?? "The connection is lost. Trying again.";
  if (game.loaded !== null) return `Loading the world: ${Math.round(game.loaded / 1e6)} MB`;
  if (game.keeper.remake !== null) return `Making ${game.keeper.remake.progress(game.timeline.length)} again`;
  if (game.said !== "") return game.said;
  if (game.player.isPaused) return "Paused";
  if (world.prompts.length === 0 && !game.isReady) return "This world brings no pictures. Give it one of yours.";
  return "";
}

function say(id, text) {
  if (element(id).textContent !== text) element(id).textContent = text; // said once
}
