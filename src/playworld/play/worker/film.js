// A worker that makes one file of frames, so that the game goes on meanwhile: it is sent
// `{format, frames, width, height, fps, scale}`, where frames are PNGs of pixels.js, and answers
// `{file}`, a Blob, or `{error}`, a sentence.

import { writeGif } from "./gif.js";
import { ownPixels, toPng } from "./pixels.js";

const TOO_LONG = "This is too long at this size. Choose a smaller scale, or fewer frames.";
const MOST_PIXELS = { gif: 200e6, png: 50e6 };
const STRIP_COLUMNS = 16; // frames side by side before a strip goes on in the next row
const STRIP_GAP = 32; // between two of them lies one of so many parts of a frame's width, in white

addEventListener("message", async ({ data: film }) => {
  const { format, width, height, scale } = film;
  if (film.frames.length * width * height * scale ** 2 > MOST_PIXELS[format]) return postMessage({ error: TOO_LONG });
  const frames = await Promise.all(film.frames.map(ownPixels));
  postMessage({ file: await (format === "gif" ? writeGif : writeStrip)({ ...film, frames }) });
});

/** All frames in one picture, in reading order, the rows of about equal length. */
function writeStrip({ frames, width, height, scale }) {
  const columns = Math.ceil(frames.length / Math.ceil(frames.length / STRIP_COLUMNS));
  const gap = Math.max(1, Math.floor(width / STRIP_GAP)) * scale;
  const [stepX, stepY] = [width * scale + gap, height * scale + gap];
  const [wide, high] = [columns * stepX - gap, Math.ceil(frames.length / columns) * stepY - gap];
  const strip = new Uint8Array(3 * wide * high).fill(255);
  for (const [i, frame] of frames.entries()) {
    const [left, top] = [(i % columns) * stepX, Math.floor(i / columns) * stepY];
    for (let y = 0; y < height * scale; y += 1) {
      const row = Math.floor(y / scale) * width;
      for (let x = 0; x < width * scale; x += 1) {
        const from = 3 * (row + Math.floor(x / scale));
        strip.set(frame.subarray(from, from + 3), 3 * ((top + y) * wide + left + x));
      }
    }
  }
  return toPng(strip, wide, high);
}
