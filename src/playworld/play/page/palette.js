// Colours to draw with: those that the world's own pictures are made of, so that a drawing looks
// like something that the model has seen.

const BASIC = ["#101418", "#ffffff", "#8c939a", "#7a4a2b", "#d23b2f", "#f2b233", "#3f9b45", "#2f6fd0"];
const COARSE = 24; // colours nearer than this are one colour

/** `{background, ground, figure, all}` as "#rrggbb", from the pixels of the world's pictures. */
export async function worldColours(urls) {
  const pictures = await Promise.all(urls.slice(0, 8).map(pixelsOf));
  const everywhere = new Tally();
  const [above, below, middle] = [new Tally(), new Tally(), new Tally()];
  for (const { data, width, height } of pictures) {
    for (let i = 0; i < data.length; i += 4) {
      const [x, y] = [((i / 4) % width) / width, Math.floor(i / 4 / width) / height];
      const colour = [data[i], data[i + 1], data[i + 2]];
      everywhere.add(colour);
      if (y < 0.4) above.add(colour);
      if (y > 0.75) below.add(colour);
      if (Math.abs(x - 0.5) < 0.12 && Math.abs(y - 0.5) < 0.12) middle.add(colour);
    }
  }
  const background = above.best([]) ?? "#9ec7e8";
  const ground = below.best([background]) ?? "#7a4a2b";
  const figure = middle.rarest(everywhere, [background, ground]) ?? "#d23b2f";
  const all = [background, ground, figure];
  while (all.length < 8) {
    const next = everywhere.best(all);
    if (next === null) break;
    all.push(next);
  }
  return { background, ground, figure, all: [...all, ...BASIC] };
}

class Tally {
  constructor() {
    this.bins = new Map(); // coarse colour -> [count, sums of r, g, b]
  }

  add([r, g, b]) {
    const bin = ((r >> 4) << 8) | ((g >> 4) << 4) | (b >> 4);
    const sums = this.bins.get(bin) ?? [0, 0, 0, 0];
    this.bins.set(bin, [sums[0] + 1, sums[1] + r, sums[2] + g, sums[3] + b]);
  }

  /** The commonest colour that is not near one of `taken`, or null. */
  best(taken, weight = (bin, count) => count) {
    const bins = [...this.bins].sort(([a, [countA]], [b, [countB]]) => weight(b, countB) - weight(a, countA));
    for (const [, [count, ...sums]] of bins) {
      const colour = hex(sums.map((sum) => Math.round(sum / count)));
      if (taken.every((other) => far(other, colour) > COARSE)) return colour;
    }
    return null;
  }

  /** The colour that is common here, and rare in `others`. */
  rarest(others, taken) {
    return this.best(taken, (bin, count) => count ** 1.5 / others.bins.get(bin)[0]);
  }
}

function far(a, b) {
  const [one, other] = [a, b].map((colour) => [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16)));
  return Math.max(...one.map((part, i) => Math.abs(part - other[i])));
}

function hex(parts) {
  return `#${parts.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}

async function pixelsOf(url) {
  const image = new Image();
  image.src = url;
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}
