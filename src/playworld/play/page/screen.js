// The newest frame, at a whole number of screen pixels for each of its own.

export class Screen {
  constructor(canvas, width, height) {
    Object.assign(this, { canvas, width, height });
    canvas.width = width;
    canvas.height = height;
    this.context = canvas.getContext("2d");
    addEventListener("resize", () => this.fit());
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
  }

  draw(bitmap) {
    this.context.drawImage(bitmap, 0, 0, this.width, this.height);
  }
}
