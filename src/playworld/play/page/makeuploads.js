// Videos on their way to the server: one after the other, in slices, each tried again when the
// connection breaks.

import { ask } from "./api.js";

const TRIES = 5;
const NO_VIDEO = /^(image(?!\/gif)|text|audio|font|application\/(pdf|json|zip|x-zip|xml|javascript))/;

/** Whether a file may be a video, whatever the system calls it. */
export function maybeVideo(file) {
  return file.size > 0 && !NO_VIDEO.test(file.type) && !file.name.startsWith(".");
}

export class Uploads {
  /** `onChange()`: something has moved on. `onProblem(sentence)`. `onDone()`: all are there. */
  constructor({ onChange, onProblem, onDone }) {
    Object.assign(this, { onChange, onProblem, onDone });
    this.waiting = []; // {world, file, name, sent}
  }

  /** Those of a world, the one that is being sent first. */
  of(world) {
    return this.waiting.filter((upload) => upload.world === world);
  }

  /** `files` are `{file, name}`; `slice` is in bytes. */
  add(world, files, slice) {
    const isIdle = this.waiting.length === 0;
    this.waiting.push(...files.map(({ file, name }) => ({ world, file, name, sent: 0 })));
    this.slice = slice;
    this.onChange();
    if (isIdle) this.run();
  }

  /** Send it no further. */
  cancel(world, name) {
    const upload = this.waiting.find((other) => other.world === world && other.name === name);
    if (upload === undefined) return;
    upload.isCancelled = true;
    if (upload !== this.waiting[0]) this.waiting.splice(this.waiting.indexOf(upload), 1);
    this.onChange();
  }

  async run() {
    while (this.waiting.length > 0) {
      const upload = this.waiting[0];
      try {
        await this.send(upload);
      } catch (error) {
        this.onProblem(`${upload.name}: ${error.message}`);
      }
      this.waiting.shift();
      this.onChange();
      if (this.of(upload.world).length === 0) this.onDone(upload.world);
    }
  }

  async send(upload) {
    const { world, file } = upload;
    let failed = 0;
    while (upload.sent < file.size && !upload.isCancelled) {
      const query = new URLSearchParams({ file: upload.name, size: file.size, at: upload.sent });
      const body = file.slice(upload.sent, upload.sent + this.slice);
      try {
        const answer = await ask(`../api/v1/making/${world}/video?${query}`, { method: "PUT", body });
        const { name, bytes } = await answer.json();
        Object.assign(upload, { name, sent: bytes }); // the server may call it otherwise
        failed = 0;
        this.onChange();
      } catch (error) {
        failed += 1;
        if (error.status !== 0 || failed === TRIES) throw error;
        await new Promise((resolve) => setTimeout(resolve, 1000 * failed));
        upload.sent = (await arrived(upload)) ?? upload.sent;
      }
    }
    if (upload.isCancelled) {
      const query = new URLSearchParams({ file: upload.name });
      await ask(`../api/v1/making/${world}/video?${query}`, { method: "DELETE" }).catch(() => {});
    }
  }
}

/** Bytes of a video that the server has, whose last answer was lost; null where it does not say. */
async function arrived({ world, name }) {
  try {
    const { files } = await (await ask(`../api/v1/making/${world}`)).json();
    return files.find((file) => file.name === name)?.bytes ?? 0;
  } catch {
    return null;
  }
}

/** The files of a drop, those in folders too, as `{file, name}`. */
export async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (entries.length === 0) return [...transfer.files].map((file) => ({ file, name: file.name }));
  return (await Promise.all(entries.map((entry) => inside(entry, "")))).flat();
}

async function inside(entry, path) {
  const name = path === "" ? entry.name : `${path} - ${entry.name}`;
  if (entry.isFile) return [{ file: await new Promise((found, lost) => entry.file(found, lost)), name }];
  const reader = entry.createReader();
  const all = [];
  for (;;) { // it gives a hundred at a time
    const some = await new Promise((found, lost) => reader.readEntries(found, lost));
    if (some.length === 0) break;
    all.push(...some);
  }
  return (await Promise.all(all.map((other) => inside(other, name)))).flat();
}
