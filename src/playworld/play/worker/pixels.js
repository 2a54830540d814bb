// Pictures to RGB pixels, and RGB pixels to PNG. Not by a canvas: some browsers change a little what
// is read from one, and a frame is to be the same everywhere.

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
const MOST_PIXELS = 25e6;
const RGB = 2;

const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? 0xedb88320 ^ (crc >>> 1) : crc >>> 1;
  return crc;
});

/** A PNG of RGB pixels, as a Blob. */
export async function toPng(pixels, width, height) {
  const rows = new Uint8Array(height * (1 + 3 * width)); // each row begins with its filter: none
  for (let y = 0; y < height; y += 1) {
    rows.set(pixels.subarray(y * 3 * width, (y + 1) * 3 * width), y * (1 + 3 * width) + 1);
  }
  const header = new Uint8Array(13);
  new DataView(header.buffer).setUint32(0, width);
  new DataView(header.buffer).setUint32(4, height);
  header.set([8, RGB], 8);
  const packed = new Blob([rows]).stream().pipeThrough(new CompressionStream("deflate"));
  const data = new Uint8Array(await new Response(packed).arrayBuffer());
  const parts = [Uint8Array.from(SIGNATURE), chunk("IHDR", header), chunk("IDAT", data), chunk("IEND", new Uint8Array())];
  return new Blob(parts, { type: "image/png" });
}

function chunk(name, data) {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set([...name].map((letter) => letter.charCodeAt(0)), 4);
  bytes.set(data, 8);
  let crc = 0xffffffff;
  for (const byte of bytes.subarray(4, 8 + data.length)) crc = CRC[(crc ^ byte) & 255] ^ (crc >>> 8);
  view.setUint32(8 + data.length, ~crc >>> 0);
  return bytes;
}

/** The pixels of a PNG of `toPng`. */
export async function ownPixels(png) {
  const bytes = new Uint8Array(await png.arrayBuffer());
  const view = new DataView(bytes.buffer);
  const [width, height, length] = [16, 20, 33].map((at) => view.getUint32(at)); // IDAT begins at 33
  const data = new Blob([bytes.subarray(41, 41 + length)]).stream().pipeThrough(new DecompressionStream("deflate"));
  const rows = new Uint8Array(await new Response(data).arrayBuffer());
  const pixels = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y += 1) {
    pixels.set(rows.subarray(y * (1 + 3 * width) + 1, (y + 1) * (1 + 3 * width)), y * 3 * width);
  }
  return pixels;
}

/** The RGB pixels of a picture that covers `width` by `height`, its overhang cropped evenly. */
export async function toPixels(blob, width, height) {
  const header = new DataView(await blob.slice(0, 24).arrayBuffer());
  const isPng = header.byteLength === 24 && SIGNATURE.every((byte, i) => header.getUint8(i) === byte);
  if (!isPng || header.getUint32(16) * header.getUint32(20) > MOST_PIXELS) throw new Error("no small PNG");
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none" });
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white"; // what shines through
  context.fillRect(0, 0, width, height);
  const scale = Math.max(width / bitmap.width, height / bitmap.height);
  const [wide, high] = [bitmap.width * scale, bitmap.height * scale];
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, (width - wide) / 2, (height - high) / 2, wide, high);
  bitmap.close();
  const { data } = context.getImageData(0, 0, width, height);
  return data.filter((_, i) => i % 4 < 3);
}
