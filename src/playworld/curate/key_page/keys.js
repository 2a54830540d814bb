// One moment at a time: a key answers and shows the next; "name the buttons" ends it.

import { at, note, Pace, strike } from "./desk.js";
import { Player, Shelf } from "./film.js";

const TYPED = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓" };
const SHOWN = { " ": "Space" };

let about, shelf, player, current;
let place = 0;
let ended = false;
let sending = Promise.resolve();
let waiting = 0; // keys on their way to the disk
const pace = new Pace();

/** Marks the frames between which the key was pressed. */
class Moment extends Player {
  draw() {
    super.draw();
    const now = this.stretch && [about.change, about.change + 1].includes(this.frame);
    this.screen.parentElement.toggleAttribute("data-now", Boolean(now));
  }
}

async function begin() {
  note("Choosing moments ...");
  about = await told("api/v1/moments");
  for (const link of document.querySelectorAll("[data-play]")) {
    Object.assign(link, { hidden: about.play === "", href: about.play });
  }
  at("closing").hidden = about.play !== "";
  for (const { key, name } of about.keys) offer(key, name);
  shelf = new Shelf(about.total);
  player = new Moment(at("screen"), at("strip"), about);
  await go(0);
  addEventListener("keydown", typed);
  at("other").addEventListener("input", other);
  for (const [id, act] of Object.entries(moves)) at(id).addEventListener("click", (event) => act(unfocused(event)));
}

/** What the server answers; throws its sentence where it refuses. */
async function told(address, options) {
  const reply = await fetch(address, options);
  const said = await reply.json();
  if (!reply.ok) throw new Error(said.detail);
  return said;
}

/** A button for a key, unless it has one. */
function offer(key, name) {
  if (at(`key-${key.codePointAt(0)}`)) return;
  const button = document.createElement("button");
  const [large, small] = [document.createElement("b"), document.createElement("span")];
  button.type = "button";
  button.id = `key-${key.codePointAt(0)}`;
  button.dataset.name = name;
  large.textContent = SHOWN[key] ?? key;
  small.textContent = name;
  button.append(large, ...(name === key ? [] : [small]));
  button.addEventListener("click", (event) => answer(key, unfocused(event)));
  at("keys").append(button);
}

/** A button that a pointer has pressed takes no keys after that. */
function unfocused(event) {
  if (event.detail) event.currentTarget.blur();
}

async function go(to) {
  if (to < 0 || to > about.total) return;
  place = to;
  current = null;
  if (to < about.total) {
    const moment = await shelf.get(to);
    if (place !== to) return; // another key came meanwhile
    current = moment;
    player.show(moment);
    note(moment.problem ?? "");
  } else {
    note("That was the last moment.");
  }
  pace.ask();
  draw();
}

function draw() {
  for (const button of at("keys").children) {
    button.setAttribute("aria-pressed", current?.label === button.dataset.name);
    button.disabled = place === about.total;
  }
  at("progress").max = about.total;
  at("progress").value = place;
  at("done").textContent = `moment ${Math.min(place + 1, about.total)} of ${about.total}, ${about.given} with a key`;
  at("pace").textContent = pace;
  at("back").disabled = place === 0;
  at("skip").disabled = place === about.total;
  at("end").disabled = about.given === 0;
  at("end").toggleAttribute("data-ready", place === about.total);
  document.body.dataset.place = place;
  document.body.dataset.saving = waiting;
}

/** Give this moment a key, and go on without waiting for the disk. */
function answer(key) {
  if (!current) return;
  const moment = current, here = place;
  pace.answered();
  strike(at(`key-${key.codePointAt(0)}`));
  send(here, key, moment);
  go(here + 1);
}

function back() {
  if (place === 0) return;
  const to = place - 1;
  send(to, null, null);
  go(to);
}

/** Keys go to the server one after the other. */
function send(where, key, moment) {
  waiting++;
  const headers = { "content-type": "application/json" };
  sending = sending.then(async () => {
    try {
      const address = `api/v1/stretches/${where}/key?id=${about.desk}`;
      const said = await told(address, { method: "PUT", headers, body: JSON.stringify({ key }) });
      about.given = said.given;
      if (key !== null) offer(key, said.name);
      await shelf.said(where, said.name ?? undefined);
    } catch (error) {
      if (moment) await go(where);
      note(`Not saved: ${error.message}`);
    }
    waiting--;
    draw();
  });
}

async function end() {
  await sending;
  if (ended || about.given === 0) return;
  ended = true;
  note("Naming the buttons ...");
  try {
    const { buttons } = await told(`api/v1/end?id=${about.desk}`, { method: "POST" });
    buttons.forEach(row);
    at("asking").hidden = true;
    at("named").hidden = false;
    document.querySelector("h1").textContent = `The buttons of ${about.world}`;
    document.querySelector("footer").hidden = true;
    document.body.dataset.ended = "";
  } catch (error) {
    ended = false;
    note(`Not named: ${error.message}`);
  }
}

function row({ arrow, label, keys }, index) {
  const line = at("buttons").insertRow();
  for (const text of [`${index + 1} ${arrow}`, label, keys]) line.insertCell().textContent = text;
}

const moves = { back, skip: () => go(Math.min(place + 1, about.total)), end };

function other() {
  const key = at("other").value;
  at("other").value = "";
  at("other").blur();
  if (key) answer(key);
}

function typed(event) {
  if (ended || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const focus = document.activeElement;
  if (focus === at("other")) return;
  const onButton = focus instanceof HTMLButtonElement;
  if (onButton && ["Enter", " ", "Tab"].includes(event.key)) return; // it is pressed, or left
  const key = TYPED[event.key] ?? (event.key.length === 1 ? event.key : null);
  if (event.key === "Tab" && event.shiftKey) return; // goes to the buttons
  const act = { Tab: moves.skip, Backspace: back, Enter: end }[event.key] ?? (key && (() => answer(key)));
  if (!act) return;
  event.preventDefault();
  act();
}

begin().catch((error) => note(`The page cannot begin: ${error.message}`));
