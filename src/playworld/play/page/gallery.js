// The pictures that a game can start from, as a wall to choose from: one, or several as one prompt.

export class Gallery {
  /**
   * `most` pictures may be one prompt. `onStart(pictures)`: the player has chosen what to start from. `onRemove(picture)`: does not
   * want this one any longer.
   */
  constructor(list, several, pictures, world, most, { onStart, onRemove }) {
    Object.assign(this, { list, several, pictures, onStart, onRemove });
    this.marked = []; // keys of what the film starts from
    this.picked = []; // keys, while several are picked
    const zoom = Math.max(0.5, Math.round(64 / world.width)); // crisp: whole pixels, or every second
    list.style.setProperty("--thumb-width", `${world.width * zoom}px`);
    list.style.setProperty("--thumb-shape", `${world.width} / ${world.height}`);
    [this.toggle, this.go] = several.querySelectorAll("button");
    this.most = most;
    this.toggle.hidden = most === 1;
    this.toggle.addEventListener("click", () => this.pickSeveral(!this.isPicking));
    this.go.addEventListener("click", () => {
      const chosen = this.picked.map((key) => pictures.find(key));
      this.pickSeveral(false);
      onStart(chosen);
    });
    this.show();
  }

  get isPicking() {
    return this.toggle.getAttribute("aria-pressed") === "true";
  }

  /** Show all pictures, also those that came since. */
  show() {
    this.list.replaceChildren(...this.pictures.all.map((picture) => this.item(picture)));
    this.update();
  }

  item(picture) {
    const image = document.createElement("img");
    image.src = picture.url;
    image.alt = "";
    const button = document.createElement("button");
    button.type = "button";
    button.title = `Start from ${picture.label.toLowerCase()}`;
    button.dataset.key = picture.key;
    button.append(image);
    button.addEventListener("click", () => this.choose(picture));
    const item = document.createElement("li");
    item.append(button);
    if (!this.pictures.ofWorld.includes(picture)) item.append(this.bin(picture));
    return item;
  }

  bin(picture) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "bin";
    button.textContent = "×";
    button.title = "Delete this picture";
    button.setAttribute("aria-label", `Delete ${picture.label.toLowerCase()}`);
    button.addEventListener("click", () => {
      this.picked = this.picked.filter((key) => key !== picture.key);
      this.onRemove(picture);
      this.show();
    });
    return button;
  }

  choose(picture) {
    if (!this.isPicking) return this.onStart([picture]);
    if (this.picked.includes(picture.key)) this.picked = this.picked.filter((key) => key !== picture.key);
    else if (this.picked.length < this.most) this.picked.push(picture.key);
    this.update();
  }

  /** New pictures of the player: start from them, or pick them too. */
  add(pictures) {
    if (this.isPicking) this.picked.push(...pictures.map((picture) => picture.key).filter((key) => !this.picked.includes(key)));
    this.show();
    if (!this.isPicking) this.onStart(pictures);
  }

  /** What the film on the screen starts from; null where that is not known. */
  mark(pictures) {
    this.marked = (pictures ?? []).map((picture) => picture.key);
    if (pictures?.some((picture) => this.button(picture.key) === null)) this.show();
    else this.update();
  }

  pickSeveral(isPicking) {
    this.toggle.setAttribute("aria-pressed", String(isPicking));
    this.picked = [];
    this.update();
  }

  button(key) {
    return this.list.querySelector(`[data-key="${key}"]`);
  }

  update() {
    const chosen = this.isPicking ? this.picked : this.marked;
    for (const button of this.list.querySelectorAll("[data-key]")) {
      const place = chosen.indexOf(button.dataset.key);
      const { label } = this.pictures.find(button.dataset.key);
      button.setAttribute("aria-pressed", String(place >= 0));
      const isNumbered = place >= 0 && chosen.length > 1;
      button.setAttribute("aria-label", isNumbered ? `${label}, number ${place + 1} of the prompt` : label);
      button.dataset.place = isNumbered || (place >= 0 && this.isPicking) ? place + 1 : "";
    }
    this.several.toggleAttribute("data-picking", this.isPicking);
    this.go.hidden = !this.isPicking;
    this.go.disabled = this.picked.length === 0;
    this.go.textContent = this.picked.length === 1 ? "Start from this one" : `Start from these ${this.picked.length || ""}`;
  }
}
