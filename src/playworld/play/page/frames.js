// The pictures of the frames: the newest ones kept, the others fetched again when they are looked at.

const KEPT_BYTES = 64e6;
const FETCHES = 3; // at a time
const WAITING = 80; // what was asked for before these is no longer looked at

export class Frames {
  /** `fetch(node)` gives a Blob. `onReady()`: a picture that was asked for has come. */
  constructor(fetch, pixels, onReady) {
    Object.assign(this, { fetch, onReady });
    this.limit = Math.min(2000, Math.max(100, Math.floor(KEPT_BYTES / (4 * pixels))));
    this.clear();
  }

  clear() {
    this.kept?.forEach((bitmap) => bitmap.close());
    this.kept = new Map(); // node -> ImageBitmap, the one longest unused first
    this.wanted = [];
    this.coming = new Set();
    this.film = {}; // a picture of an older film that comes late is not ours
  }

  put(node, bitmap) {
    this.kept.get(node)?.close();
    this.kept.delete(node);
    this.kept.set(node, bitmap);
    if (this.kept.size <= this.limit) return;
    const [oldest, old] = this.kept.entries().next().value;
    this.kept.delete(oldest);
    old.close();
  }

  /** The picture, or null until it has come. */
  get(node) {
    const bitmap = this.kept.get(node);
    if (bitmap !== undefined) {
      this.kept.delete(node);
      this.kept.set(node, bitmap);
      return bitmap;
    }
    if (!this.coming.has(node)) {
      this.wanted = [...this.wanted.filter((other) => other !== node), node].slice(-WAITING);
      this.fetchNext();
    }
    return null;
  }

  /** The picture of the first of these frames that is here already, or null. */
  firstOf(nodes) {
    return this.kept.get(nodes.find((node) => this.kept.has(node))) ?? null;
  }

  async fetchNext() {
    if (this.coming.size >= FETCHES || this.wanted.length === 0) return;
    const { film, coming } = this;
    const node = this.wanted.pop();
    coming.add(node);
    try {
      const bitmap = await createImageBitmap(await this.fetch(node));
      if (film !== this.film) return bitmap.close();
      this.put(node, bitmap);
      coming.delete(node);
      this.onReady();
    } catch {
      // The connection may be gone: whoever still looks at it asks again, but not at once.
      setTimeout(() => {
        coming.delete(node);
        if (film === this.film) this.onReady();
      }, 2000);
    }
    this.fetchNext();
  }
}
