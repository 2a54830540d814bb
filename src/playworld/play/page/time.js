// Where the player is in the film, in words, and the branches as a list.

import { length } from "./saved.js";

const WIDTH = 72; // of a branch's picture

export class Time {
  constructor(game, frames, world) {
    Object.assign(this, { game, frames, world });
    const find = (id) => document.getElementById(`time-${id}`);
    [this.place, this.seed, this.list] = [find("place"), find("seed"), find("branches")];
    this.shown = "";
    this.timer = 0;
    find("back").addEventListener("click", () => game.back());
    this.left = find("left");
    find("chance").addEventListener("click", () => game.chosen && game.start(game.chosen));
  }

  /** Another film: its branches only look like those of the last one. */
  clear() {
    this.shown = "";
    this.list.replaceChildren();
  }

  /** Said a few times a second at most: a film that runs would talk without end. */
  changed() {
    this.timer ||= setTimeout(() => {
      this.timer = 0;
      this.show();
    }, 200);
  }

  show() {
    const { timeline } = this.game;
    if (timeline.length === 0) return;
    const { line, branches } = timeline.layout();
    this.place.textContent = `Frame ${timeline.frames[timeline.at]} of ${line.length - 1}`;
    this.seed.textContent = String(this.game.seed);
    this.list.previousElementSibling.hidden = branches.length === 0;
    this.showLeft();
    const ends = branches.map(({ nodes }) => nodes.at(-1));
    if (String(ends) === this.shown) return;
    this.shown = String(ends);
    this.list.replaceChildren(...branches.map((branch, i) => this.branch(branch, i)));
    this.paint();
  }

  branch({ nodes }, i) {
    const { timeline } = this.game;
    const picture = document.createElement("canvas");
    [picture.width, picture.height] = [this.world.width, this.world.height];
    picture.style.width = `${WIDTH}px`;
    picture.dataset.node = nodes.at(-1);
    const count = nodes.length === 1 ? "1 frame" : `${nodes.length} frames`;
    const words = `Branch ${i + 1}: ${count} from frame ${timeline.frames[nodes[0]] - 1} on`;
    return this.item(picture, words, "Go to its last frame", () => this.game.go(nodes.at(-1)));
  }

  /** The games that were left for another. */
  showLeft() {
    const { saved } = this.game.keeper;
    this.left.previousElementSibling.hidden = saved.left.length === 0;
    if (this.left.records === saved.left) return;
    this.left.records = saved.left;
    this.left.replaceChildren(...saved.left.map((record) => this.earlier(record)));
  }

  earlier(record) {
    const picture = this.game.pictures.find(record.prompt[0]);
    const image = document.createElement("img");
    Object.assign(image, { src: picture?.url ?? record.prompt[0], alt: "", width: WIDTH });
    return this.item(image, `${picture?.label ?? "A picture of yours"}: ${length(record)}`, "Make this game again", () => this.game.keeper.restore(record));
  }

  item(picture, words, title, act) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(picture, words);
    button.title = title;
    button.addEventListener("click", act);
    const item = document.createElement("li");
    item.append(button);
    return item;
  }

  /** The pictures as they come. */
  paint() {
    for (const canvas of this.list.querySelectorAll("canvas")) {
      const picture = this.frames.get(Number(canvas.dataset.node));
      if (picture !== null) canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    }
  }
}
