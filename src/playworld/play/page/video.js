// A film as a video that the browser's own encoder makes while it plays it once.

const TYPES = ["video/webm;codecs=vp9", "video/webm;codecs=vp8", "video/webm", "video/mp4"];
const BITS = 12e6; // a second: pixels with sharp edges

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
  const ended = new Promise((resolve) => recorder.addEventListener("stop", resolve, { once: true }));
  const show = async (frame) => {
    const bitmap = await createImageBitmap(frame);
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    bitmap.close();
  };
  await show(frames[0]);
  recorder.start();
  const began = performance.now();
  for (const [i, frame] of frames.entries()) {
    await show(frame);
    onProgress(Math.round(i / fps), Math.ceil(frames.length / fps));
    const due = began + (1000 * (i + 1)) / fps - performance.now();
    await new Promise((resolve) => setTimeout(resolve, due));
  }
  recorder.stop();
  await ended;
  return new Blob(parts, { type: videoType.split(";")[0] });
}
