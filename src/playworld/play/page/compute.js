// What computes this world here, WebAssembly or WebGPU: whichever was faster when both were tried,
// which happens once, in the background, where there is a real graphics processor.

import { browser } from "./memory.js";

const [CPU, GPU] = ["wasm", "webgpu"];
const GAIN = 0.8; // WebGPU rounds otherwise on every machine: it has to be worth that

const key = (sha256) => `compute-${sha256}`;

/** "wasm" or "webgpu"; `?compute=` in the page's address decides for tests and for the curious. */
export function computeBy(sha256) {
  const asked = new URLSearchParams(location.search).get("compute");
  return [CPU, GPU].find((one) => one === asked) ?? browser.recall(key(sha256)) ?? CPU;
}

/** WebGPU does not work here after all. */
export function giveUpGpu(sha256) {
  browser.remember(key(sha256), CPU);
}

/**
 * Try WebGPU unless that was done, and remember the faster one for the next time that this page is
 * opened. `milliseconds` are those of a frame by WebAssembly; `probe()` starts a worker that says
 * those by WebGPU, null where it cannot.
 */
export async function tryGpu(sha256, milliseconds, probe) {
  if (browser.recall(key(sha256)) !== null || navigator.connection?.saveData) return;
  const adapter = await navigator.gpu?.requestAdapter().catch(() => null);
  if (!adapter || (adapter.info?.isFallbackAdapter ?? adapter.isFallbackAdapter)) return;
  const found = await probe();
  browser.remember(key(sha256), found !== null && found < GAIN * milliseconds ? GPU : CPU);
}
