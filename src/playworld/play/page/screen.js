// What is seen: the frame at a whole number of screen pixels each, the roll of what was pressed,
// and how fast it goes.

const LANE = 6; // height of a lane of the roll, in CSS pixels
const STEP = 6; // width of a frame on the roll
const MARGIN = 6;

export class Screen {
  constructor(canvas, roll, width, height, lanes) {
    Object.assign(this, { canvas, roll, width, height, lanes });
    canvas.width = width;
    canvas.height = height;
    this.context = canvas.getContext("2d");
    this.punched = []; // button of every frame since the start
    addEventListener("resize", () => this.fit());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.drawRoll());
    this.fit();
  }

  /** Make the frame as large as the window allows. */
  fit() {
    const root = document.documentElement;
    const ratio = window.devicePixelRatio || 1;
    const value = (name) => parseFloat(getComputedStyle(root).getPropertyValue(name));
    const wide = root.clientWidth - 2 * value("--margin") - value("--beside");
    const high = (innerHeight * value("--screen-share")) / 100;
    const fits = Math.min(wide / this.width, high / this.height) * ratio;
    // Each pixel of the world covers a whole number of the screen's, unless they are so small that
    // one more or less cannot be seen.
    const scale = (fits > 12 ? fits : Math.max(1, Math.floor(fits))) / ratio;
    this.canvas.style.width = `${this.width * scale}px`;
    this.canvas.style.height = `${this.height * scale}px`;
    root.style.setProperty("--screen-width", `${this.width * scale}px`);
    const rollHeight = this.lanes * LANE + 2 * MARGIN;
    this.roll.style.height = `${rollHeight}px`;
    this.roll.width = Math.round(this.width * scale * ratio);
    this.roll.height = Math.round(rollHeight * ratio);
    this.drawRoll();
  }

  draw(bitmap) {
    this.context.drawImage(bitmap, 0, 0, this.width, this.height);
  }

  clearRoll() {
    this.punched = [];
    this.drawRoll();
  }

  punch(button) {
    this.punched.push(button);
    this.drawRoll();
  }

  drawRoll() {
    const ratio = window.devicePixelRatio || 1;
    const style = getComputedStyle(this.roll);
    const context = this.roll.getContext("2d");
    const width = this.roll.width / ratio;
    const height = this.roll.height / ratio;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const columns = Math.floor((width - 2 * MARGIN) / STEP);
    const shown = this.punched.slice(-columns);
    const first = this.punched.length - shown.length;
    context.fillStyle = style.getPropertyValue("--roll-guide");
    for (let column = 0; column < columns; column += 1) {
      // A faint mark for every tenth frame travels with the paper.
      if ((first + column) % 10 === 9) {
        context.fillRect(MARGIN + column * STEP + STEP - 1, MARGIN, 1, height - 2 * MARGIN);
      }
    }
    shown.forEach((button, column) => {
      const isNewest = column === shown.length - 1;
      context.fillStyle = style.getPropertyValue(isNewest ? "--coin" : "--roll-hole");
      context.fillRect(MARGIN + column * STEP, MARGIN + button * LANE + 1, STEP - 1, LANE - 2);
    });
  }
}

export class Meter {
  constructor(rate, delay, count) {
    Object.assign(this, { rate, delay, count });
    this.times = [];
    this.delays = [];
    setInterval(() => this.showRate(), 500);
  }

  frame(number, delay) {
    const now = performance.now();
    this.times = [...this.times, now].filter((time) => now - time < 2000);
    if (delay !== null) this.delays = [...this.delays, delay].slice(-9);
    const middle = this.delays.toSorted((a, b) => a - b)[this.delays.length >> 1];
    this.delay.textContent = middle === undefined ? "–" : String(Math.round(middle));
    this.count.textContent = String(number);
  }

  showRate() {
    const now = performance.now();
    const moving = this.times.length > 2 && now - this.times.at(-1) < 700;
    const seconds = (this.times.at(-1) - this.times[0]) / 1000;
    this.rate.textContent = moving ? ((this.times.length - 1) / seconds).toFixed(1) : "–";
  }
}
