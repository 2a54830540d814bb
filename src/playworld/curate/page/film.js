// Stretches as pictures: fetched ahead, played in a loop, and laid out as a strip.

const AHEAD = 8;
const KEPT = 40;
const STRIP = 8;
const HOLD = 3; // frames for which the last one stands, so that the end can be told

/** The stretches around a place, fetched before they are asked for. */
export class Shelf {
  constructor(total) {
    this.total = total;
    this.loading = new Map();
  }

  /** {frames, columns, source, begin, end, label?, sheet}, or {problem}. */
  async get(place) {
    const wanted = this.fetch(place);
    for (let next = place + 1; next <= place + AHEAD && next < this.total; next++) this.fetch(next);
    for (const old of this.loading.keys()) {
      if (this.loading.size <= KEPT) break;
      if (Math.abs(old - place) > AHEAD) this.loading.delete(old);
    }
    return wanted;
  }

  fetch(place) {
    if (!this.loading.has(place)) {
      const loading = load(place);
      this.loading.set(place, loading);
      loading.then((stretch) => stretch.frames || this.loading.delete(place)); // to be tried again
    }
    return this.loading.get(place);
  }

  /** What is known by now of the label at a place, once its stretch has come. */
  async said(place, label) {
    const stretch = await this.fetch(place);
    if (label === undefined) delete stretch.label;
    else stretch.label = label;
  }
}

async function load(place) {
  const address = `api/v1/stretches/${place}`;
  try {
    const [about, frames] = await Promise.all([fetch(address), fetch(`${address}/frames`)]);
    if (!about.ok) throw new Error((await about.json()).detail);
    const stretch = await about.json();
    if (!frames.ok) return { ...stretch, problem: (await frames.json()).detail };
    return { ...stretch, sheet: await createImageBitmap(await frames.blob()) };
  } catch (error) {
    return { problem: `This stretch did not come: ${error.message}` };
  }
}

/** A canvas on which a stretch runs in a loop, above its strip. */
export class Player {
  constructor(screen, strip, { width, height, fps }) {
    Object.assign(this, { screen, strip, width, height, fps, speed: 1, paused: false });
    this.stretch = null;
    this.time = 0; // frames into the loop
    Object.assign(screen, { width, height });
    this.fit();
    addEventListener("resize", () => this.fit());
    let before = performance.now();
    const tick = (now) => {
      if (!this.paused) this.time += ((now - before) / 1000) * this.fps * this.speed;
      before = now;
      this.draw();
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }

  /** As large as the window allows, in whole pixels of the picture where that is possible. */
  fit() {
    const room = Math.min(this.screen.parentElement.clientWidth / this.width, (innerHeight * 0.5) / this.height);
    const scale = room >= 1 ? Math.floor(room) : room;
    this.screen.style.width = `${scale * this.width}px`;
  }

  show(stretch) {
    this.stretch = stretch.sheet ? stretch : null;
    this.time = 0;
    this.lay();
    this.draw();
  }

  /** The frame that is on the screen. */
  get frame() {
    const { frames } = this.stretch;
    return Math.min(Math.floor(this.time) % (frames + HOLD), frames - 1);
  }

  draw() {
    const pen = this.screen.getContext("2d");
    if (!this.stretch) return pen.clearRect(0, 0, this.width, this.height);
    this.put(pen, this.frame, 0, 0, this.width, this.height);
  }

  lay() {
    const { strip } = this;
    Object.assign(strip, { width: STRIP * (this.width + 2) - 2, height: this.height });
    if (!this.stretch) return;
    const pen = strip.getContext("2d");
    for (let i = 0; i < STRIP; i++) {
      const frame = Math.round((i * (this.stretch.frames - 1)) / (STRIP - 1));
      this.put(pen, frame, i * (this.width + 2), 0, this.width, this.height);
    }
  }

  put(pen, frame, x, y, width, height) {
    const { sheet, columns } = this.stretch;
    const left = (frame % columns) * this.width;
    const top = Math.floor(frame / columns) * this.height;
    pen.drawImage(sheet, left, top, this.width, this.height, x, y, width, height);
  }
}
