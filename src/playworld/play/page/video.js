// A film as a video that the browser's own encoder makes while it plays it once.

const TYPES = ["video/webm;codecs=vp9", "video/webm;codecs=vp8", "video/webm", "video/mp4"];
const BITS = 12e6; // a second: pixels with sharp edges
const SLICE_MS = 100; // of what is encoded
const MOST_SLICES = 50; // more of the last frame, until a slow encoder has made anything
const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** What this browser can encode, or undefined. */
export const videoType = TYPES.find((type) => globalThis.MediaRecorder?.isTypeSupported(type));

/** Frames, as Blobs, at `fps`; takes as long as the film. `onProgress(seconds, all)` now and then. */
export async function recordVideo(frames, { width, height, fps }, scale, onProgress) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width * scale, height * scale];
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  const recorder = new MediaRecorder(canvas.captureStream(), { mimeType: videoType, videoBitsPerSecond: BITS });
  const parts = [];
  recorder.addEventListener("dataavailable", ({ data }) => parts.push(data));
  const [started, ended] = ["start", "stop"].map((type) => (
    new Promise((resolve) => recorder.addEventListener(type, resolve, { once: true }))));
  const show = async (frame) => {
    const bitmap = await createImageBitmap(frame);
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    bitmap.close();
  };
  await show(frames[0]);
  recorder.start(SLICE_MS);
  await started;
  const began = performance.now();
  for (const [i, frame] of frames.entries()) {
    await show(frame);
    onProgress(Math.round(i / fps), Math.ceil(frames.length / fps));
    await wait(began + (1000 * (i + 1)) / fps - performance.now());
  }
  for (let i = 0; i < MOST_SLICES && parts.every(({ size }) => size === 0); i += 1) {
    await show(frames.at(-1));
    await wait(SLICE_MS);
  }
  recorder.stop();
  await ended;
  return new Blob(parts, { type: videoType.split(";")[0] });
}
