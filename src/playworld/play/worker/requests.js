// What the player waits for, as in play/requests.py: at most one request of each kind, of which the
// newest replaces an older one. A press that is held comes again whenever its next frame is due.

const ORDER = ["start", "go", "try", "press"];
const AHEAD = 2; // frames that may be made before the page has shown the older: no more than it keeps

export class Requests {
  waiting = new Map(); // type -> request
  held = null; // the press whose first frame was asked for already
  wake = () => {};

  ask(request) {
    if (request.type === "start" || request.type === "go") {
      for (const later of ORDER.slice(ORDER.indexOf(request.type))) this.waiting.delete(later);
    }
    this.waiting.set(request.type, { ...request, made: 0, shown: 0, due: performance.now(), isReleased: false });
    this.wake();
  }

  /** The page has shown so many frames of press `id`. */
  acknowledge({ id, frames }) {
    const press = this.find(id);
    if (press !== undefined) press.shown = frames;
    this.wake();
  }

  release({ id }) {
    const press = this.find(id);
    if (press !== undefined) press.isReleased = true;
    this.wake();
  }

  find(id) {
    return [this.held, this.waiting.get("press")].find((press) => press?.id === id);
  }

  /** A frame of this press was made. */
  made(press) {
    const [now, period] = [performance.now(), 1000 / (press.fps ?? 1)];
    press.made += 1;
    press.due = Math.max(press.due, now - period) + period;
  }

  /** Whether the player wants to be elsewhere: what is in hand need not be finished. */
  get isElsewhere() {
    return this.waiting.has("start") || this.waiting.has("go");
  }

  /** The next request: `{type: "released", id}` once a held press has ended, else by `ORDER`. */
  async next() {
    for (;;) {
      const request = this.take();
      if (request !== null) return request;
      await this.change();
    }
  }

  take() {
    const { held } = this;
    if (held?.isReleased) {
      this.held = null;
      return { type: "released", id: held.id };
    }
    const type = ORDER.find((one) => this.waiting.has(one));
    if (type === undefined) return this.delay() <= 0 ? held : null;
    const request = this.waiting.get(type);
    this.waiting.delete(type);
    if (type !== "try") this.held = type === "press" ? request : null;
    return request;
  }

  /** Milliseconds until the held press wants a frame. */
  delay() {
    const { held } = this;
    const isWanted = held !== null && held.fps !== null && held.made - held.shown < AHEAD;
    return isWanted ? held.due - performance.now() : Infinity;
  }

  change() {
    const delay = this.delay();
    return new Promise((resolve) => {
      const timer = delay < Infinity ? setTimeout(resolve, delay) : 0;
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
