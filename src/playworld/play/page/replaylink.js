// A whole play in a link: the world, what it started from, the seed, every button.

import { toBlob } from "./pictures.js";
import { portable } from "./saved.js";

const FORMAT = 1;
const PREFIX = "#replay=";
const PNG = /^data:image\/png;base64,[A-Za-z0-9+/]+={0,2}$/;

/** The link under `address` that plays the path to `node` again. */
export async function writeLink(world, { engine, timeline, chosen, seed }, node, address) {
  const path = timeline.path(node);
  const actions = []; // [button, how often]
  const samplers = []; // [frame, steps, temperature]
  let sampler = null;
  for (const [frame, step] of path.slice(1).entries()) {
    const button = timeline.buttons[step];
    if (actions.at(-1)?.[0] === button) actions.at(-1)[1] += 1;
    else actions.push([button, 1]);
    const { steps = null, temperature = null } = timeline.samplers[step] ?? {};
    if (String([steps, temperature]) !== String(sampler ?? [null, null])) samplers.push([frame, steps, temperature]);
    sampler = [steps, temperature];
  }
  const prompt = portable(chosen);
  const { name, sha256, version } = world;
  const { build } = engine;
  const text = JSON.stringify({ format: FORMAT, name, sha256, version, build, prompt, seed, samplers, actions });
  return address + PREFIX + await pack(text);
}

/**
 * What a link says, null for a link that says nothing: `{name, sha256, version, build, prompt,
 * seed, samplers, actions}`. Links come from strangers: one that this world cannot play throws an Error
 * with a sentence.
 */
export async function readLink(hash, world) {
  if (!hash.startsWith(PREFIX)) return null;
  const bad = new Error("This replay link is damaged, or made by another version of the page.");
  let link;
  try {
    link = JSON.parse(await unpack(hash.slice(PREFIX.length)));
  } catch {
    throw bad;
  }
  const whole = (value, most) => Number.isInteger(value) && value >= 0 && value <= most;
  const isOk = link?.format === FORMAT && whole(link.seed, 2 ** 32 - 1)
    && Array.isArray(link.prompt) && link.prompt.length >= 1 && link.prompt.length <= 16
    && link.prompt.every((picture) => typeof picture === "string" && (/^prompt:\d+$/.test(picture) || PNG.test(picture)))
    && Array.isArray(link.actions) && link.actions.every(([button, count]) => whole(button, 1e4) && whole(count, 1e6))
    && Array.isArray(link.samplers) && link.samplers.every(([frame, steps, temperature]) => whole(frame, 1e6)
      && (steps === null || (whole(steps, 64) && steps > 0))
      && (temperature === null || (temperature >= 0 && temperature <= 10)));
  if (!isOk) throw bad;
  const length = link.actions.reduce((sum, [, count]) => sum + count, 0);
  const fits = length < world.max_nodes && link.actions.every(([button]) => button < world.buttons.length)
    && link.prompt.every((picture) => !picture.startsWith("prompt:") || Number(picture.slice(7)) < world.prompts.length);
  if (!fits) throw new Error(`This link replays another world (${String(link.name).slice(0, 80)}).`);
  try {
    for (const picture of link.prompt.filter((name) => PNG.test(name))) (await createImageBitmap(toBlob(picture))).close();
  } catch {
    throw bad;
  }
  return {
    ...link,
    actions: link.actions.flatMap(([button, count]) => Array(count).fill(button)),
    samplers: link.samplers.map(([frame, steps, temperature]) => [frame, { steps, temperature }]),
  };
}

/** What to tell a player before a replay. */
export function honestNote(link, world, build) {
  const count = link.actions.length === 1 ? "1 frame" : `${link.actions.length} frames`;
  const isSame = link.sha256 === world.sha256 && link.version === world.version && link.build === build;
  if (isSame && build !== null && build.startsWith("wasm")) return `Replaying ${count}, exactly as they were.`;
  const note = `Replaying ${count}. A replay is exact on the machine and build that the link was made on; elsewhere it may drift.`;
  if (link.sha256 !== world.sha256) return `${note} This is another world than the link was made with: expect other pictures.`;
  if (link.version !== world.version) return `${note} The link was made with Playworld ${String(link.version).slice(0, 20)}, this is ${world.version}.`;
  return note;
}

async function pack(text) {
  const bytes = await through(new CompressionStream("deflate-raw"), new TextEncoder().encode(text));
  let letters = "";
  for (const byte of bytes) letters += String.fromCharCode(byte);
  return btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

async function unpack(text) {
  const letters = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
  return new TextDecoder().decode(await through(new DecompressionStream("deflate-raw"), bytes, 20e6));
}

/** All of it; throws where that is more than `most` bytes. */
async function through(stream, bytes, most = Infinity) {
  const parts = [];
  let size = 0;
  for (let reader = new Blob([bytes]).stream().pipeThrough(stream).getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) return new Uint8Array(await new Blob(parts).arrayBuffer());
    size += value.length;
    if (size > most) throw new Error("too large");
    parts.push(value);
  }
}
