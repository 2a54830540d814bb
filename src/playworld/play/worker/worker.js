// The worker that plays a world, so that the page never stalls. The page first says
// `{type: "open", folder, provider, threads}`; then come the messages of docs/serve.md, and calls
// `{type: "call", key, name, args}`, each of which is answered with `{type: "returned", key, value}`
// or, with a sentence, `{..., error}`. `{type: "probe", ...}` only asks for the
// milliseconds that a frame takes, null where frames are not those of WebAssembly.

import { Game, median } from "./game.js";
import { Failure, fetched, openGraphs } from "./graphs.js";
import { World } from "./player.js";

const MEMORY = "This device has too little memory for this world. Close other pages, then load this one again.";
const PROBED = 15; // frames
const SAME = 1; // levels of 255, on average
const BROKEN = "The world has stopped";
let game = null;

async function load(order) {
  const config = await (await fetched(new URL("world.json", order.folder))).json();
  let bytes = 0;
  const { graphs, tensor } = await openGraphs(config.graphs, order, (count) => {
    bytes += count;
    postMessage({ type: "loading", bytes });
  });
  return new World(config, graphs, tensor);
}

async function open(order) {
  const { folder } = order;
  const page = fetched(new URL("page.json", folder));
  const [world, about] = await Promise.all([load(order), page.then((answer) => answer.json())]);
  const prompt = async (number) => {
    const name = encodeURIComponent(about.prompts[number].name);
    return (await fetched(new URL(`prompts/${name}.png`, folder))).blob();
  };
  game = new Game(world, about, prompt, postMessage.bind(self));
  postMessage({ type: "joined", playing: false, at: null });
  await game.run();
}

/** WebGPU beside WebAssembly: the same frames but for rounding, and how long one takes. */
async function probe(order) {
  const world = await load(order);
  const other = await load({ ...order, provider: "wasm", runtime: order.provider });
  const picture = Uint8Array.from({ length: 3 * world.config.height * world.config.width }, (_, i) => (i / 40) % 200);
  let [{ state }, { state: otherState }] = [await world.start(picture, 0), await other.start(picture, 0)];
  const { config: { sampler } } = world;
  const [one, two] = [await world.step(state, 0, sampler), await other.step(otherState, 0, sampler)];
  const difference = one.frame.reduce((sum, level, i) => sum + Math.abs(level - two.frame[i]), 0) / one.frame.length;
  const spent = [];
  for (let frame = 0; frame < PROBED && difference < SAME; frame += 1) {
    const began = performance.now();
    ({ state } = await world.step(state, 0, sampler));
    spent.push(performance.now() - began);
  }
  postMessage({ type: "probed", difference, milliseconds: median(spent) ?? null }); // the first ones compile
}

async function call({ key, name, args }) {
  try {
    postMessage({ type: "returned", key, value: await game.calls[name](...args) });
  } catch (error) {
    postMessage({ type: "returned", key, error: error instanceof Failure ? error.message : null });
  }
}

addEventListener("message", async ({ data }) => {
  if (data.type === "call") return call(data);
  if (data.type !== "open" && data.type !== "probe") return game.take(data);
  try {
    await (data.type === "open" ? open : probe)(data);
  } catch (error) {
    postMessage({ type: "failed", sentence: sentence(error) });
  }
});

function sentence(error) {
  if (error instanceof Failure) return error.message;
  const said = String(error?.message ?? error);
  if (error instanceof RangeError || /memory|bad_alloc|allocat/i.test(said)) return MEMORY;
  return `${BROKEN} (${said.slice(0, 120)}). Load this page again to go on.`;
}
