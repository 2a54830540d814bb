// How frames are drawn, the seed of the next start, and the keys.

import { actionName } from "./keys.js";

export class Settings {
  constructor(game, world, keys) {
    Object.assign(this, { game, world, keys });
    this.find = (id) => document.getElementById(`set-${id}`);
    [this.steps, this.temperature, this.seed] = ["steps", "temperature", "seed"].map(this.find);
    this.steps.placeholder = world.sampler.steps;
    this.temperature.placeholder = world.sampler.temperature;
    for (const field of [this.steps, this.temperature]) field.addEventListener("change", () => this.setSampler());
    this.find("own").addEventListener("click", () => game.player.setSampler({ steps: null, temperature: null }));
    this.find("start").addEventListener("click", () => {
      if (game.chosen !== null && this.seed.reportValidity()) game.start(game.chosen, this.nextSeed());
    });
    this.find("keys-reset").addEventListener("click", () => {
      keys.reset();
      this.showKeys();
    });
    this.find("keys").append(...keys.actions.map((action) => this.key(action)));
    this.showKeys();
  }

  /** The seed that the player wants, or null for a new one. */
  nextSeed() {
    return this.seed.value === "" || !this.seed.checkValidity() ? null : Number(this.seed.value);
  }

  setSampler() {
    const read = (field) => (field.value === "" || !field.checkValidity() ? null : Number(field.value));
    this.game.player.setSampler({ steps: read(this.steps), temperature: read(this.temperature) });
  }

  changed() {
    const { steps, temperature } = this.game.player.sampler;
    for (const [field, value] of [[this.steps, steps], [this.temperature, temperature]]) {
      if (document.activeElement !== field) field.value = value ?? "";
    }
    this.find("own").hidden = steps === null && temperature === null;
  }

  name(action) {
    return actionName(action, this.world.buttons);
  }

  /** A row of the table: click it, then press the key that shall do this. */
  key(action) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.action = action;
    button.setAttribute("data-own-keys", "");
    button.title = "Click, then press the key that shall do this";
    button.addEventListener("click", () => this.listen(button));
    button.addEventListener("blur", () => this.showKeys());
    button.addEventListener("keydown", (event) => {
      if (!button.hasAttribute("data-listening") || event.code === "Tab") return;
      event.preventDefault();
      event.stopPropagation();
      if (event.code !== "Escape") this.keys.bind(action, event.code);
      button.removeAttribute("data-listening");
      this.showKeys();
    });
    const row = document.createElement("div");
    const name = document.createElement("span");
    name.textContent = this.name(action);
    row.append(name, button);
    return row;
  }

  listen(button) {
    this.showKeys();
    button.setAttribute("data-listening", "");
    button.textContent = "press a key";
  }

  showKeys() {
    for (const button of this.find("keys").querySelectorAll("button")) {
      button.removeAttribute("data-listening");
      const signs = this.keys.label(button.dataset.action, false);
      button.textContent = signs || "none";
      button.setAttribute("aria-label", `${this.name(button.dataset.action)}: ${signs || "no key"}. Change it.`);
    }
  }
}
