// Playing an exported world: onnx/player.py in JavaScript, frame for frame. States are never changed
// in place: keep one to rewind, step it twice to branch.

import { uniforms } from "./noise.js";

const [NEXT, NEW] = ["next_", "new_"]; // before names of outputs: docs/onnx.md
const ARRAYS = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array };

export class World {
  /**
   * `config` is world.json; `graphs[name](feeds, wanted)` runs a graph; `tensor(type, data, dims)`
   * makes what it takes, with `data` and `dims`.
   */
  constructor(config, graphs, tensor) {
    Object.assign(this, { config, graphs, tensor });
    this.scene = config.scene ? 1 : 0;
    this.places = config.halton.length;
    this.numbers = (values) => tensor("int32", Int32Array.from(values), [1, values.length]);
    this.noTokens = this.numbers(config.owners.map(() => 0));
  }

  /** Begin from the RGB pixels of one picture: `{frame, state}`. */
  async start(pixels, seed) {
    const { height, width, state, buttons } = this.config;
    this.noChange ??= this.scene ? await this.tokensOf(new Uint8Array(pixels.length)) : this.noTokens;
    const zeros = {};
    for (const { name, type, shape } of state) {
      zeros[name] = this.tensor(type, new ARRAYS[type](shape.reduce((a, b) => a * b, 1)), shape);
    }
    const picture = this.tensor("uint8", pixels, [1, height, width, 3]);
    const { tokens, ...begun } = await this.graphs.begin({ picture });
    const { frame, tensors } = await this.decode(this.advance(zeros, begun, ""), tokens);
    const memory = await this.remember(tensors, tokens, buttons.length, await this.picture(tensors, tokens));
    return { frame, state: { tensors: memory, seed, frame: 0, tokens } };
  }

  async tokensOf(pixels) {
    const { height, width } = this.config;
    return (await this.graphs.begin({ picture: this.tensor("uint8", pixels, [1, height, width, 3]) })).tokens;
  }

  /** The frame after `state` with this button; `sampler` has `steps` and `temperature`. */
  async step(state, action, { steps, temperature }) {
    const { scene, places } = this;
    const { draws, owners, sees_motion: seesMotion } = this.config;
    const sampler = { ...this.config.sampler, steps, temperature };
    const noise = (pass, kind, count) => uniforms(state.seed, state.frame + 1, (2 * pass + kind) * draws, count);
    const hidden = new Uint8Array(scene + places).fill(1);
    let picture = await this.picture(state.tensors, this.noChange);
    let tokens = this.noTokens;
    for (const pass of this.passes(steps)) {
      const drawn = await this.predict(state.tensors, tokens, hidden, action, picture, temperature, noise(pass, 0, draws), ["proposal", "certainty"]);
      const decided = this.decided(hidden, drawn.certainty.data, sampler, pass, noise);
      tokens = this.numbers(owners.map((owner, i) => (decided[owner] ? drawn.proposal : tokens).data[i]));
      decided.forEach((isDecided, place) => { if (isDecided) hidden[place] = 0; });
      if (seesMotion && pass === 0) picture = await this.picture(state.tensors, tokens);
    }
    return this.finish(state, action, tokens, picture);
  }

  /** The frame after `state` whose tokens are known. */
  async replay(state, action, tokens) {
    const picture = await this.picture(state.tensors, this.config.sees_motion ? tokens : this.noChange);
    return this.finish(state, action, tokens, picture);
  }

  async finish({ tensors: before, seed, frame: number }, action, tokens, picture) {
    const memory = await this.remember(before, tokens, action, picture);
    const { frame, tensors } = await this.decode(memory, tokens);
    return { frame, state: { tensors, seed, frame: number + 1, tokens } };
  }

  /** The refinements that decide a token; the motion of the scene has a pass of its own before them. */
  passes(steps) {
    const fixed = (step) => (step < 0 ? 0 : tokensFixed(step, steps, this.places));
    const deciding = [...Array(steps).keys()].filter((step) => fixed(step) > fixed(step - 1));
    return this.scene ? [0, ...deciding.map((step) => step + 1)] : deciding;
  }

  /** Which positions take what pass `pass` proposes; see `world.maskgit.decide`. */
  decided(hidden, certainty, { steps, order, confidence_noise: most }, pass, noise) {
    const { scene, places } = this;
    if (pass < scene) return hidden.map((_, place) => Number(place === 0));
    const waiting = hidden.subarray(scene);
    const step = pass - scene;
    let rank = this.config.halton;
    if (order === "random") rank = ranks(noise(0, 1, places));
    if (order === "confidence") {
      const scale = Math.fround(most * (1 - (step + 1) / steps));
      const gumbel = noise(pass, 1, places).map((u) => Math.log(-Math.fround(Math.log(u))));
      const sure = Float32Array.from(gumbel, (g, i) => certainty[i] - Math.fround(scale * g));
      rank = ranks(sure.map((value, i) => (waiting[i] ? value : Infinity)));
    }
    const fixed = tokensFixed(step, steps, places);
    return hidden.map((isHidden, place) => Number(place >= scene && isHidden && rank[place - scene] < fixed));
  }

  /** Features of the last picture, for worlds whose tokens are changes. */
  async picture(tensors, tokens) {
    return this.scene ? (await this.graphs.picture({ ...tensors, tokens })).features : undefined;
  }

  predict(tensors, tokens, hidden, action, features, temperature, chances, wanted) {
    return this.graphs.predict({
      ...tensors,
      tokens,
      hidden: this.tensor("bool", hidden.slice(), [1, hidden.length]),
      action: this.tensor("int32", Int32Array.of(action), [1]),
      features,
      temperature: this.tensor("float32", Float32Array.of(temperature), []),
      chances: this.tensor("float32", chances, [1, chances.length]),
    }, wanted);
  }

  /** The state with a decided frame in the memory of the dynamics. */
  async remember(tensors, tokens, action, picture) {
    const hidden = new Uint8Array(this.scene + this.places);
    const chances = new Float32Array(this.config.draws).fill(0.5);
    const passed = await this.predict(tensors, tokens, hidden, action, picture, 1, chances, ["new_keys", "new_values"]);
    return this.advance(tensors, passed, "time");
  }

  async decode(tensors, tokens) {
    const { frame, ...found } = await this.graphs.decode({ ...tensors, tokens });
    return { frame: frame.data, tensors: this.advance(tensors, found, "decoder_time") };
  }

  /**
   * The tensors after a frame: caches, whose third axis is a ring of past frames, with the newest
   * frame in place of the oldest. `clock` names the count of frames that these have seen, if any.
   */
  advance(tensors, outputs, clock) {
    const state = { ...tensors };
    for (const [name, value] of Object.entries(outputs)) {
      if (name.startsWith(NEXT)) state[name.slice(NEXT.length)] = value;
      if (!name.startsWith(NEW)) continue;
      const { type, data, dims } = tensors[name.slice(NEW.length)];
      const [rows, ring, size] = [dims[0] * dims[1], dims[2], dims.slice(3).reduce((a, b) => a * b, 1)];
      const cache = data.slice();
      const oldest = ring > 0 ? tensors[clock].data[0] % ring : 0;
      for (let row = 0; ring > 0 && row < rows; row += 1) {
        cache.set(value.data.subarray(row * size, (row + 1) * size), (row * ring + oldest) * size);
      }
      state[name.slice(NEW.length)] = this.tensor(type, cache, dims);
    }
    if (clock in state) state[clock] = this.tensor("int32", Int32Array.of(state[clock].data[0] + 1), [1]);
    return state;
  }
}

/** Tokens of a frame decided once refinement `step` of `steps` is done: a cosine, all at the end. */
function tokensFixed(step, steps, places) {
  return places - Math.trunc(places * Math.cos((Math.PI / 2) * ((step + 1) / steps)));
}

/** Place of every number when the highest comes first. */
function ranks(score) {
  const order = [...score.keys()].sort((a, b) => (score[a] < score[b]) - (score[a] > score[b]));
  const rank = new Int32Array(order.length);
  order.forEach((place, i) => { rank[place] = i; });
  return rank;
}
