// The pictures that a game can start from: the world's own, and those of the player, which the page
// keeps at the world's size and hands to the server when a game starts from them.

import { tab } from "./memory.js";

const TOO_MANY = 409;
const ASKED = "pictures"; // the player's pictures, as data URLs, and where the server has them

export class Pictures {
  constructor(world) {
    this.ofWorld = world.prompts.map((prompt, number) => ({
      key: `prompt:${number}`, label: `Picture ${prompt.name}`, url: prompt.url,
    }));
    const shape = `${world.width}x${world.height}`;
    const kept = tab.recall(ASKED);
    this.shape = shape;
    this.own = kept?.shape === shape ? kept.own : [];
    this.numbered = kept?.numbered ?? this.own.length; // a deleted one may come back: its number stays its own
  }

  get all() {
    return [...this.ofWorld, ...this.own];
  }

  find(key) {
    return this.all.find((picture) => picture.key === key) ?? null;
  }

  /** A picture of the player, as a canvas of the world's size or as the data URL of one. */
  add(source) {
    const url = typeof source === "string" ? source : source.toDataURL("image/png");
    const same = this.own.find((picture) => picture.url === url);
    if (same !== undefined) return same;
    const number = (this.numbered += 1);
    const picture = { key: `own:${number}`, label: `Your picture ${number}`, url, session: null, upload: null };
    this.own.push(picture);
    this.keep();
    return picture;
  }

  /** Forget a picture of the player, here and at the server; returns what brings it back here. */
  remove(picture, engine) {
    const place = this.own.indexOf(picture);
    this.own.splice(place, 1);
    if (picture.session !== null && picture.session === engine.session) engine.forget(picture.upload).catch(() => {});
    Object.assign(picture, { session: null, upload: null }); // a game may still start from it: sent again
    this.keep();
    return () => {
      this.own.splice(place, 0, picture);
      this.keep();
    };
  }

  keep() {
    tab.remember(ASKED, { shape: this.shape, own: this.own, numbered: this.numbered });
  }

  /** The names by which the server knows them, once it has them. Throws Refused. */
  async names(pictures, engine) {
    const names = [];
    for (const picture of pictures) {
      if (picture.upload === undefined) {
        names.push(picture.key);
        continue;
      }
      if (picture.session !== engine.session) {
        picture.upload = await engine.upload(toBlob(picture.url));
        picture.session = engine.session;
        this.keep();
      }
      names.push(`upload:${picture.upload}`);
    }
    return names;
  }

  /** The pictures behind the server's names; null where one of them is not known here. */
  named(names, session) {
    const pictures = names.map((name) => this.ofWorld.find((picture) => picture.key === name)
      ?? this.own.find((own) => own.session === session && `upload:${own.upload}` === name));
    return pictures.includes(undefined) ? null : pictures;
  }
}

/** Whether a session holds as many pictures as it may: a new session can take more. */
export function isFullOfPictures(error) {
  return error.status === TOO_MANY;
}

/** The file in the data URL of a PNG. */
export function toBlob(url) {
  const bytes = Uint8Array.from(atob(url.split(",")[1]), (letter) => letter.charCodeAt(0));
  return new Blob([bytes], { type: "image/png" });
}
