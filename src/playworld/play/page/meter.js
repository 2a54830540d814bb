// How fast it goes: frames per second, milliseconds from a press to its picture, frames so far.

export class Meter {
  constructor(rate, delay, count) {
    Object.assign(this, { rate, delay, count });
    this.times = [];
    this.delays = [];
    setInterval(() => this.showRate(), 500);
  }

  /** A picture was drawn; `delay` is undefined where nobody had pressed, null where only the rate counts. */
  picture(frame, delay) {
    const now = performance.now();
    this.count.textContent = String(frame);
    if (delay === undefined) return;
    this.times = [...this.times, now].filter((time) => now - time < 2000);
    if (delay === null) return;
    this.delays = [...this.delays, delay].slice(-9);
    const middle = this.delays.toSorted((a, b) => a - b)[this.delays.length >> 1];
    this.delay.textContent = String(Math.round(middle));
  }

  showRate() {
    const now = performance.now();
    const moving = this.times.length > 2 && now - this.times.at(-1) < 700;
    const seconds = (this.times.at(-1) - this.times[0]) / 1000;
    this.rate.textContent = moving ? ((this.times.length - 1) / seconds).toFixed(1) : "–";
  }
}
