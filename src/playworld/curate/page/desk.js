// What the pages that ask for one answer after the other have in common.

const RECENT = 20; // answers whose pace is told
const PAUSE = 30; // seconds; longer ones are no labelling

export const at = (id) => document.getElementById(id);

export function note(text) {
  at("note").textContent = text;
}

/** Light a button up for a moment, as if it was pressed. */
export function strike(button) {
  if (!button) return;
  button.dataset.struck = "";
  setTimeout(() => delete button.dataset.struck, 150);
}

/** Seconds that the newest answers took. */
export class Pace {
  constructor() {
    this.spent = [];
    this.ask();
  }

  ask() {
    this.since = performance.now();
  }

  answered() {
    const seconds = (performance.now() - this.since) / 1000;
    if (seconds < PAUSE) this.spent = [...this.spent, seconds].slice(-RECENT);
  }

  toString() {
    const { spent } = this;
    if (spent.length < 3) return "";
    return `${(spent.reduce((a, b) => a + b) / spent.length).toFixed(1)} s each`;
  }
}
