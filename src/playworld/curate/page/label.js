// One stretch at a time: a key labels it and shows the next at once; saving follows in order.

import { at, note, Pace, strike } from "./desk.js";
import { Player, Shelf } from "./film.js";

const SPEEDS = [1, 2, 4];
const keys = [...document.querySelectorAll("[data-label]")];

let shelf, player, summary, current;
let place = 0;
let sending = Promise.resolve();
let waiting = 0; // changes on their way to the disk
const pace = new Pace();

async function begin() {
  summary = await (await fetch("api/v1/clips")).json();
  at("clips").textContent = summary.clips;
  at("file").textContent = summary.file;
  shelf = new Shelf(summary.total);
  player = new Player(at("screen"), at("strip"), summary);
  await go(Math.min(summary.next, summary.total - 1));
  if (summary.next >= summary.total) note("Every stretch is labelled.");
  addEventListener("keydown", press);
  for (const key of keys) key.addEventListener("click", () => give(Number(key.dataset.label)));
  for (const [id, act] of Object.entries(moves)) at(id).addEventListener("click", act);
}

/** Show the stretch at a place. */
async function go(to) {
  if (to < 0 || to >= summary.total) return;
  place = to;
  const stretch = await shelf.get(to);
  if (place !== to) return; // another key came meanwhile
  current = stretch;
  pace.ask();
  player.show(stretch);
  note(stretch.problem ?? "");
  draw();
}

function draw() {
  const said = current?.label;
  for (const key of keys) {
    const label = Number(key.dataset.label);
    key.setAttribute("aria-pressed", said === label);
    key.querySelector("i").textContent = summary.counts[label - 1];
  }
  const given = summary.counts.reduce((sum, count) => sum + count, 0);
  at("progress").max = summary.total;
  at("progress").value = given + summary.skipped;
  at("done").textContent = `${given} labelled, ${summary.skipped} skipped, of ${summary.total}`;
  at("pace").textContent = pace;
  at("about").textContent = current?.source
    ? `${place + 1}: ${current.source}, ${current.begin.toFixed(1)} to ${current.end.toFixed(1)} s${said === null ? ", skipped" : ""}`
    : "";
  at("back").disabled = place === 0;
  at("forward").disabled = place === summary.total - 1;
  document.body.dataset.place = place;
  document.body.dataset.saving = waiting;
}

/** Label what is on the screen (null skips it) and go on without waiting for the disk. */
async function give(label) {
  if (!current) return;
  const here = place, old = current.label, looksBack = old !== undefined;
  strike(keys[label - 1] ?? at("skip"));
  count(old, -1);
  count(label, +1);
  current.label = label;
  pace.answered();
  send(`api/v1/stretches/${here}/label`, "PUT", { label }, async () => {
    count(label, -1);
    count(old, +1);
    await shelf.said(here, old);
    await go(here);
  });
  current = null; // until the next one is there, keys mean nothing
  const last = summary.total - 1;
  let next = here + 1;
  while (!looksBack && next < last && (await shelf.get(next)).label !== undefined) next++;
  if (next <= last) return go(next);
  await go(last);
  note("This was the last stretch.");
}

function count(label, by) {
  if (label === null) summary.skipped += by;
  else if (label !== undefined) summary.counts[label - 1] += by;
}

function undo() {
  send("api/v1/undo", "POST", undefined, null, ({ place: back }) => {
    if (back === null) return note("There is nothing to undo.");
    shelf.said(back, undefined);
    go(back);
  });
}

/** Changes go to the server one after the other; its counts replace ours once all are there. */
function send(address, method, body, failed, done) {
  waiting++;
  const headers = { "content-type": "application/json" };
  sending = sending.then(async () => {
    try {
      const answer = await fetch(address, { method, headers, body: body && JSON.stringify(body) });
      const said = await answer.json();
      if (!answer.ok) throw new Error(said.detail);
      if (waiting === 1) summary = { ...summary, ...said };
      done?.(said);
    } catch (error) {
      await failed?.();
      note(`Not saved: ${error.message}`);
    }
    waiting--;
    draw();
  });
}

const moves = {
  back: () => go(place - 1),
  forward: () => go(place + 1),
  undo,
  skip: () => give(null),
  pause: () => (player.paused = !player.paused),
  speed: () => {
    player.speed = SPEEDS[(SPEEDS.indexOf(player.speed) + 1) % SPEEDS.length];
    at("speed").querySelector("span").textContent = player.speed;
  },
};
const ACTS = {
  ArrowLeft: moves.back, ArrowRight: moves.forward, Backspace: moves.undo, u: moves.undo,
  s: moves.skip, 0: moves.skip, " ": moves.pause, f: moves.speed,
};

function press(event) {
  if (event.ctrlKey && event.key === "z") return undo();
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const act = /^[1-5]$/.test(event.key) ? () => give(Number(event.key)) : ACTS[event.key.toLowerCase()] ?? ACTS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
}

begin().catch((error) => note(`The page cannot begin: ${error.message}`));
