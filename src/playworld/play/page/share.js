// Show it to others: which frames, as which file, or as a link.

import { tab } from "./memory.js";
import { writeLink } from "./replaylink.js";

const KEPT = "recording"; // over a reload

const NAMES = { mp4: "the video", webm: "the video", gif: "the GIF", png: "the strip", zip: "the session" };

export class Share {
  /** `onRange([from, to] | null)`: which frames are marked. */
  constructor(game, world, onRange) {
    Object.assign(this, { game, world, onRange });
    const { offers } = game.engine;
    this.from = 0; // nodes
    this.to = null; // null: where the player is
    this.isRecording = false;
    this.find = (id) => document.getElementById(`share-${id}`);
    this.find("record").addEventListener("click", () => this.record());
    this.find("all").addEventListener("click", () => this.clear());
    this.find("link").addEventListener("click", () => this.copyLink());
    for (const button of this.find("files").querySelectorAll("button")) {
      button.hidden = !offers.files.includes(button.dataset.format);
      button.addEventListener("click", () => this.download(button.dataset.format));
    }
  }

  /** The whole film again; also what a new film begins with. */
  clear() {
    Object.assign(this, { from: 0, to: null, isRecording: false });
    this.find("address").hidden = true;
    this.find("said").textContent = "";
    this.changed();
  }

  /** The same film again: what was recorded of it goes on. */
  resume() {
    const { timeline } = this.game;
    const kept = tab.recall(KEPT);
    if (kept === null || kept.seed !== timeline.origin?.seed || Math.max(kept.from, kept.to) >= timeline.length) return;
    Object.assign(this, { from: kept.from, to: kept.to, isRecording: kept.isRecording });
    this.changed();
  }

  /** From here; and pressed again, to here. */
  record() {
    const { timeline } = this.game;
    if (!this.game.isReady) return;
    if (this.isRecording) this.to = timeline.at;
    else Object.assign(this, { from: timeline.at, to: null });
    this.isRecording = !this.isRecording;
    const { from, to, isRecording } = this;
    tab.remember(KEPT, { seed: timeline.origin?.seed, from, to, isRecording });
    this.changed();
  }

  /** [from, to], the one before the other: where the player went back, from where the ways part. */
  range() {
    const { timeline } = this.game;
    const to = this.to ?? timeline.at;
    return [timeline.meeting(this.from, to) ?? 0, to];
  }

  /** How long the marked part is: "1.5" */
  seconds() {
    const [first, last] = this.range().map((node) => this.game.timeline.frames[node]);
    return ((last - first + 1) / this.world.fps).toFixed(1);
  }

  changed() {
    const { timeline } = this.game;
    if (timeline.length === 0) return;
    const [from, to] = this.range();
    const [first, last] = [timeline.frames[from], timeline.frames[to]];
    const isAll = this.from === 0 && this.to === null && !this.isRecording;
    this.find("record").setAttribute("aria-pressed", String(this.isRecording));
    this.find("record").textContent = this.isRecording ? "Stop recording" : "Record from here";
    this.find("all").hidden = isAll || this.isRecording;
    const range = isAll ? `Everything up to here: frames 0 to ${last}` : `Frames ${first} to ${last}`;
    this.find("range").textContent = `${range}, ${this.seconds()} seconds.`;
    this.onRange(isAll ? null : [from, to]);
  }

  say(sentence) {
    this.find("said").textContent = sentence;
  }

  async download(format) {
    const { timeline } = this.game;
    const [from, to] = this.range();
    const frames = `${timeline.frames[from]}-${timeline.frames[to]}`;
    this.say(`Making ${NAMES[format]} …`);
    try {
      const progress = (seconds, all) => this.say(`Recording ${NAMES[format]}: ${seconds} of ${all} s. Leave this page in front.`);
      const blob = await this.game.engine.download(format, from, to, Number(this.find("scale").value), progress);
      const ending = blob.type.match(/^video\/(\w+)/)?.[1] ?? format; // not every browser makes WebM
      save(blob, `${slug(this.world.name)}-${frames}.${ending}`);
      this.say(`Here is ${NAMES[format]}: ${size(blob.size)}.`);
    } catch (error) {
      this.say(error.message);
    }
  }

  async copyLink() {
    if (this.game.chosen === null) {
      this.say("This film started from a picture that this tab no longer has, so that no link can hold it.");
      return;
    }
    const { address, said } = reach(this.world, this.game.engine);
    const link = await writeLink(this.world, this.game, this.range()[1], address);
    const field = this.find("address");
    field.hidden = false;
    field.value = link;
    field.select();
    try {
      await navigator.clipboard.writeText(link);
      this.say(`The link is copied (${size(link.length)}). ${said}`);
    } catch {
      this.say(`Here is the link: copy it from the field. ${said}`);
    }
  }
}

/** The page's address as others reach it, and for whom it is good. */
function reach({ addresses }, { offers }) {
  const here = location.href.split("#")[0];
  const isLocal = /^(localhost|127\.[0-9.]+|\[::1\])$/.test(location.hostname);
  if (!isLocal) return { address: here, said: "Whoever reaches this page can open it." };
  if (addresses.length > 0) return { address: addresses[0], said: "Whoever is in the same network can open it." };
  return { address: here, said: offers.alone };
}

function save(blob, name) {
  const anchor = document.createElement("a");
  anchor.href = URL.createObjectURL(blob);
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(anchor.href), 60_000);
}

function size(bytes) {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

function slug(name) {
  return name.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "") || "playworld";
}
