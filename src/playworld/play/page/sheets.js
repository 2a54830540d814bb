// Sheets of tried buttons that were asked for and have not come yet.

export class Sheets {
  constructor() {
    this.waiting = new Map(); // id of the request -> whoever waits for it
  }

  wait(id) {
    this.refuseAll(); // the server answers the newest one alone
    return new Promise((resolve, refuse) => this.waiting.set(id, { resolve, refuse }));
  }

  answer({ id, png }) {
    this.waiting.get(id)?.resolve(png);
    this.waiting.delete(id);
  }

  refuseAll() {
    for (const { refuse } of this.waiting.values()) refuse(new Error("The sheet did not come. Try again."));
    this.waiting.clear();
  }
}
