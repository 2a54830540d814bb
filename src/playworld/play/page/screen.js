// The newest frame, at a whole number of screen pixels for each of its own.

const LEAST = 0.3; // of the window's height, however much else wants to be seen

export class Screen {
  constructor(canvas, width, height) {
    Object.assign(this, { canvas, width, height });
    canvas.width = width;
    canvas.height = height;
    this.context = canvas.getContext("2d");
    addEventListener("resize", () => this.fit());
    // A world with more buttons leaves less room for the screen above them.
    new ResizeObserver(() => this.fit()).observe(document.querySelector(".play"));
    this.fit();
  }

  /** Make the frame as large as the window allows, beside what layout.css wants in view. */
  fit() {
    const root = document.documentElement;
    const ratio = window.devicePixelRatio || 1;
    const value = (name) => getComputedStyle(root).getPropertyValue(name).trim();
    const others = [...document.querySelectorAll(value("--in-view"))].map((element) => element.offsetHeight);
    const rest = others.reduce((sum, high) => sum + high, parseFloat(value("--gaps")));
    const wide = root.clientWidth - parseFloat(value("--beside"));
    const high = Math.max(LEAST * root.clientHeight, root.clientHeight - rest); // without a phone's address bar
    const fits = Math.min(wide / this.width, high / this.height) * ratio;
    // Each pixel of the world covers a whole number of the screen's, unless they are so small that
    // one more or less cannot be seen, or the window is so small that half of one counts.
    const step = fits > 4 ? 1 : 0.5;
    const scale = (fits > 12 ? fits : Math.max(step, Math.floor(fits / step) * step)) / ratio;
    this.canvas.style.width = `${this.width * scale}px`;
    this.canvas.style.height = `${this.height * scale}px`;
    root.style.setProperty("--screen-width", `${this.width * scale}px`);
  }

  draw(bitmap) {
    this.context.drawImage(bitmap, 0, 0, this.width, this.height);
  }
}
