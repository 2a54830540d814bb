// When a held button asks for its next frame: in step with the world's clock.

const SHORTEST = 12; // ms between frames: a server hears at most 100 messages a second

export class Pace {
  constructor(fps) {
    this.fps = fps;
    this.speed = 1; // of the world's own frame rate; Infinity: as fast as it goes
    this.due = 0;
    this.timer = 0;
  }

  /** Whether it is time, as it always is for a new press; where it is not, `later` is called then. */
  isTime(isNewPress, later) {
    const now = performance.now();
    const period = Math.max(SHORTEST, 1000 / (this.fps * this.speed));
    if (isNewPress) this.due = now;
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
