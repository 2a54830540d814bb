// A GIF that repeats, in the 256 colours that suit its frames best (median cut).

import { paletteOf } from "./colours.js";

const PALETTE_FRAMES = 64; // that the colours are chosen from, spread over the film
const LOOP = [0x21, 0xff, 11, ...bytes("NETSCAPE2.0"), 3, 1, 0, 0, 0];
const CODE_BITS = 8;
const [CLEAR, END] = [256, 257];

export function writeGif({ frames, width, height, fps, scale }) {
  const every = Math.ceil(frames.length / PALETTE_FRAMES);
  const { colours, indexOf } = paletteOf(frames.filter((_, i) => i % every === 0));
  const size = [...short(width * scale), ...short(height * scale)];
  const parts = [Uint8Array.from([...bytes("GIF89a"), ...size, 0xf7, 0, 0, ...colours, ...LOOP])];
  for (const [i, frame] of frames.entries()) {
    const delay = Math.max(2, Math.round((100 * (i + 1)) / fps) - Math.round((100 * i) / fps)); // 1/100 s
    parts.push(Uint8Array.from([0x21, 0xf9, 4, 0, ...short(delay), 0, 0, 0x2c, 0, 0, 0, 0, ...size, 0, CODE_BITS]));
    parts.push(...blocks(packed(enlarged(indices(frame, indexOf), width, height, scale))));
  }
  return new Blob([...parts, Uint8Array.of(0x3b)], { type: "image/gif" });
}

function bytes(text) {
  return [...text].map((letter) => letter.charCodeAt(0));
}

function short(number) {
  return [number & 255, number >> 8];
}

function indices(frame, indexOf) {
  const found = new Uint8Array(frame.length / 3);
  for (let i = 0; i < found.length; i += 1) found[i] = indexOf(frame[3 * i], frame[3 * i + 1], frame[3 * i + 2]);
  return found;
}

function enlarged(pixels, width, height, scale) {
  const large = new Uint8Array(pixels.length * scale ** 2);
  for (let y = 0; y < height * scale; y += 1) {
    const row = Math.floor(y / scale) * width;
    for (let x = 0; x < width * scale; x += 1) large[y * width * scale + x] = pixels[row + Math.floor(x / scale)];
  }
  return large;
}

/** Variable-length LZW, as GIF has it. */
function packed(pixels) {
  const out = new Uint8Array(2 * pixels.length + 16);
  const table = new Map(); // (code of a row of pixels, pixel) -> code of the longer row
  let [length, waiting, count, width, next] = [0, 0, 0, CODE_BITS + 1, END + 1];
  const write = (code) => {
    waiting |= code << count;
    for (count += width; count >= 8; count -= 8) {
      out[length] = waiting & 255;
      waiting >>>= 8;
      length += 1;
    }
  };
  write(CLEAR);
  let row = pixels[0];
  for (let i = 1; i < pixels.length; i += 1) {
    const key = (row << 8) | pixels[i];
    const longer = table.get(key);
    if (longer !== undefined) {
      row = longer;
      continue;
    }
    write(row);
    row = pixels[i];
    if (next === 4096) {
      write(CLEAR);
      table.clear();
      [width, next] = [CODE_BITS + 1, END + 1];
      continue;
    }
    table.set(key, next);
    if (next === 1 << width) width += 1; // the decoder is one code behind
    next += 1;
  }
  write(row);
  write(END);
  if (count > 0) out[length] = waiting;
  return out.subarray(0, length + (count > 0 ? 1 : 0));
}

function blocks(data) {
  const parts = [];
  for (let at = 0; at < data.length; at += 255) {
    const part = data.subarray(at, at + 255);
    parts.push(Uint8Array.of(part.length), part);
  }
  return [...parts, Uint8Array.of(0)];
}
