// The engine that is a worker of this page (worker/worker.js): the world lies beside the page, and
// nobody computes for it elsewhere.

import { Refused } from "./api.js";
import { computeBy, giveUpGpu, tryGpu } from "./compute.js";
import { recordVideo, videoType } from "./video.js";

const FOLDER = new URL(document.documentElement.dataset.world ?? "world/", document.baseURI);
const WORKERS = new URL("../worker/", import.meta.url);
const MOST_THREADS = 4;
const UNREADABLE = "This picture cannot be read here. Try another one.";
const STOPPED = "The world has stopped. Press a button to start it again.";
const TOO_OLD = "This browser cannot run the world in the background. Open this page in one of 2023 or later.";

export class Engine {
  offers = {
    files: [...(videoType === undefined ? [] : ["webm"]), "gif", "png"],
    pictures: 1,
    alone: "It works on this machine alone: for others, put this site's folder on any web host.",
    says: {
      pictures: "A prompt of several pictures needs Playworld on a computer: pip install playworld.",
      files: "MP4, and a ZIP to train on, need Playworld on a computer: pip install playworld.",
      link: "The link holds the picture, the seed and every button. Frames computed by WebAssembly are the same on every machine, as long as the site has the same world and version.",
    },
  };

  constructor() {
    this.session = null;
    this.worker = null;
    this.isReady = false;
    this.calls = new Map(); // key -> {resolve, reject}
    this.keys = 0;
    this.build = ""; // what computes, once it does: another one may round otherwise
  }

  async world() {
    this.about = await (await read("page.json")).json();
    const { precision } = await (await read("world.json")).json();
    const prompts = this.about.prompts.map(({ name }) => (
      { name, url: new URL(`prompts/${encodeURIComponent(name)}.png`, FOLDER).href }));
    this.precision = precision;
    return { ...this.about, prompts, addresses: [] };
  }

  async card() {
    return (await read("card.md")).text();
  }

  connect(on) {
    this.on = on;
  }

  open(provider = computeBy(this.about.sha256)) {
    if (this.worker !== null) return;
    this.provider = provider;
    this.worker = this.start("open", this.provider, (message) => this.receive(message));
  }

  /** A worker; `receive(message)` hears what it says, also of its end. */
  start(type, provider, receive) {
    const url = new URL("worker.js", WORKERS);
    const worker = new Worker(url, { type: "module" });
    worker.addEventListener("message", ({ data }) => receive(data));
    worker.addEventListener("error", async (event) => {
      event.preventDefault();
      const isThere = await fetch(url).then(({ ok }) => ok, () => false);
      const why = this.isReady ? STOPPED : TOO_OLD;
      receive({ type: "failed", sentence: isThere ? why : lacking(url) });
    });
    worker.postMessage({ type, provider, threads: threads(), folder: FOLDER.href });
    return worker;
  }

  send(message) {
    if (this.isReady) this.worker.postMessage(message);
    return this.isReady;
  }

  receive(message) {
    const { type } = message;
    if (type === undefined) this.on.answer(message);
    else if (type === "released") this.on.released(message.id);
    else if (type === "full") this.on.full();
    else if (type === "untried") this.on.untried();
    else if (type === "loading") this.on.loading(message.bytes);
    else if (type === "failed") this.fail(message.sentence);
    else if (type === "pace") tryGpu(this.about.sha256, message.milliseconds, () => this.probe());
    else if (type === "returned") this.returned(message);
    else if (type === "joined") {
      this.isReady = true;
      this.session = String(crypto.getRandomValues(new Uint32Array(1))[0]); // knows no picture yet
      this.build = `${this.provider} ${this.precision}`;
      this.on.joined(message);
    }
  }

  /** The worker is lost; the next `open` starts another one. WebGPU that does not even start gives way to WebAssembly. */
  fail(sentence) {
    const hasStarted = this.isReady;
    this.worker?.terminate();
    Object.assign(this, { worker: null, isReady: false });
    for (const { reject } of this.calls.values()) reject(new Refused(sentence, 0));
    this.calls.clear();
    if (this.provider === "webgpu") {
      giveUpGpu(this.about.sha256);
      console.warn(`Without WebGPU: ${sentence}`);
      if (!hasStarted) return this.open("wasm");
    }
    this.on.lost("worker");
    this.on.refused(sentence);
  }

  /** Milliseconds of a frame by WebGPU, null where it does not work. */
  probe() {
    return new Promise((resolve) => {
      const worker = this.start("probe", "webgpu", ({ type, milliseconds = null }) => {
        if (type !== "probed" && type !== "failed") return;
        worker.terminate();
        resolve(milliseconds);
      });
    });
  }

  call(name, ...args) {
    if (!this.isReady) throw new Refused("The world is not running. Press a button to start it.", 0);
    this.keys += 1;
    const key = this.keys;
    this.worker.postMessage({ type: "call", key, name, args });
    return new Promise((resolve, reject) => this.calls.set(key, { resolve, reject }));
  }

  returned({ key, value, error }) {
    const { resolve, reject } = this.calls.get(key);
    this.calls.delete(key);
    if (error === undefined) resolve(value);
    else reject(new Refused(error ?? UNREADABLE, 0));
  }

  upload(png) {
    return this.call("upload", png);
  }

  async forget(number) {
    await this.call("forget", number);
  }

  async timeline() {
    return this.call("timeline");
  }

  async frame(node) {
    return this.call("frame", node);
  }

  async download(format, from, to, scale, onProgress) {
    const frames = await this.call("frames", from, to);
    if (format === "webm") return recordVideo(frames, this.about, scale, onProgress);
    const { width, height, fps } = this.about;
    const worker = new Worker(new URL("film.js", WORKERS), { type: "module" });
    try {
      return await new Promise((resolve, reject) => {
        worker.addEventListener("message", ({ data }) => (data.error ? reject(new Refused(data.error, 0)) : resolve(data.file)));
        worker.addEventListener("error", () => reject(new Refused("This file could not be made. Choose fewer frames.", 0)));
        worker.postMessage({ format, frames, width, height, fps, scale });
      });
    } finally {
      worker.terminate();
    }
  }
}

/** One core is the page's; the passes are small, so that more than a few wait for one another. */
function threads() {
  return crossOriginIsolated ? Math.min(MOST_THREADS, Math.max(1, navigator.hardwareConcurrency - 1)) : 1;
}

function lacking(url) {
  return `This site lacks its file ${url.pathname.split("/").slice(-2).join("/")}. If it has a new version, load this page again; if not, put the whole exported folder there again.`;
}

async function read(name) {
  const url = new URL(name, FOLDER);
  const answer = await fetch(url).catch(() => null);
  if (answer === null) throw new Refused("The world could not be loaded. Check the connection, then load this page again.", 0);
  if (!answer.ok) throw new Refused(lacking(url), answer.status);
  return answer;
}
