// The graphs of a world on ONNX Runtime Web, which lies beside the worker.

const ORT = new URL("../ort/", import.meta.url);

const LIBRARY = { wasm: "ort-wasm-simd-threaded", webgpu: "ort-wasm-simd-threaded.asyncify" };
const LEAST_PAGES = 2048; // 128 MB

/** A sentence for the player. */
export class Failure extends Error {}

/** A file of the site, as a Response. */
export async function fetched(url) {
  let answer;
  try {
    answer = await fetch(url);
  } catch {
    throw new Failure(`${nameOf(url)} could not be loaded. Check the connection, then load this page again.`);
  }
  if (!answer.ok) throw new Failure(`This site lacks its file ${nameOf(url)} (${answer.status}). If it has a new version, load this page again; if not, put the whole exported folder there again.`);
  return answer;
}

function nameOf(url) {
  return new URL(url).pathname.split("/").slice(-2).join("/");
}

/**
 * `{graphs, tensor}`, where `graphs[name](feeds, wanted)` runs a graph, all outputs if `wanted`
 * is not given. `provider` is "wasm" or
 * "webgpu", and so is `runtime`, of which the latter has both. `onBytes(count)` hears of each piece that is loaded.
 */
export async function openGraphs(names, { folder, provider, runtime = provider, threads }, onBytes) {
  const files = names.map((name) => bytesOf(new URL(`${name}.onnx`, folder), onBytes)); // beside the runtime
  const ort = await loadRuntime(runtime, threads);
  const graphs = {};
  try {
    for (const [i, name] of names.entries()) graphs[name] = await openGraph(ort, await files[i], provider);
  } catch (error) {
    if (!(error instanceof Failure)) await findLibrary(runtime);
    throw error;
  }
  return { graphs, tensor: (type, data, dims) => new ort.Tensor(type, data, dims) };
}

async function bytesOf(url, onBytes) {
  const pieces = [];
  for (let reader = (await fetched(url)).body.getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) return new Uint8Array(await new Blob(pieces).arrayBuffer());
    pieces.push(value);
    onBytes(value.length);
  }
}

// The runtime reserves addresses for 4 GB, which Safari on iPhones before 18 refuses; few worlds need so many.
const Memory = globalThis.WebAssembly?.Memory;
if (Memory !== undefined) {
  WebAssembly.Memory = function (limits) {
    for (let { maximum } = limits; ; maximum /= 2) {
      try {
        return new Memory({ ...limits, maximum });
      } catch (error) {
        if (maximum <= LEAST_PAGES) throw error;
      }
    }
  };
}

async function loadRuntime(runtime, threads) {
  if (typeof WebAssembly !== "object") {
    throw new Failure("This browser has WebAssembly switched off, without which no world can run here. Switch it on, or open this page in another browser.");
  }
  if (runtime === "webgpu" && !(await navigator.gpu?.requestAdapter())) throw new Failure("This browser has no WebGPU.");
  const file = new URL(`ort.${runtime}.min.mjs`, ORT);
  let ort;
  try {
    ort = await import(file);
  } catch {
    await fetched(file);
    throw new Failure("This browser cannot run ONNX Runtime Web. Open this page in a newer one.");
  }
  ort.env.wasm.wasmPaths = ORT.href;
  ort.env.wasm.numThreads = threads;
  ort.env.logLevel = "error";
  return ort;
}

/** Of a missing part of itself the runtime says something else. */
async function findLibrary(runtime) {
  for (const ending of [".mjs", ".wasm"]) await fetched(new URL(LIBRARY[runtime] + ending, ORT));
}

async function openGraph(ort, bytes, provider) {
  const session = await ort.InferenceSession.create(bytes, { executionProviders: [provider], logSeverityLevel: 3 });
  return (feeds, wanted = session.outputNames) => {
    const own = Object.fromEntries(session.inputNames.map((name) => [name, feeds[name]]));
    return session.run(own, wanted);
  };
}
