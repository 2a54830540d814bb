// How fast frames follow one another: those of a held button by the server's clock, those of an
// agent by this one.

const MOST = 80; // frames a second: a server reads at most 100 messages a second

export class Pace {
  constructor(fps) {
    this.fps = fps;
    this.speed = 1; // of the world's own frame rate; Infinity: as fast as it goes
    this.due = 0;
    this.timer = 0;
  }

  /** Frames per second. */
  get rate() {
    return Math.min(MOST, this.fps * this.speed);
  }

  /** Whether it is time; where it is not, `later` is called then. */
  isTime(later) {
    const now = performance.now();
    const period = 1000 / this.rate;
    if (this.due - now > 1) {
      this.timer = setTimeout(later, this.due - now);
      return false;
    }
    this.due = Math.max(this.due, now - period) + period; // a late timer is made up for
    return true;
  }

  stop() {
    clearTimeout(this.timer);
  }
}
