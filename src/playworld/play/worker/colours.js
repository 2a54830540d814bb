// The 256 colours that suit some frames best: median cut over a histogram.

const BITS = 6; // of a channel that count: 262,144 bins
const COLOURS = 256;

/** `{colours, indexOf}`: 256 times red, green and blue; and the number of the colour nearest to one. */
export function paletteOf(frames) {
  const counts = new Uint32Array(1 << (3 * BITS));
  for (const frame of frames) {
    for (let i = 0; i < frame.length; i += 3) counts[binOf(frame[i], frame[i + 1], frame[i + 2])] += 1;
  }
  const bins = [...counts.keys()].filter((bin) => counts[bin] > 0);
  const boxes = [boxOf(bins, counts)];
  while (boxes.length < COLOURS) {
    const widest = boxes.reduce((best, box, i) => (box.worth > boxes[best].worth ? i : best), 0);
    if (boxes[widest].worth === 0) break; // every colour has its own
    boxes.splice(widest, 1, ...halves(boxes[widest], counts));
  }
  const colours = boxes.flatMap(({ bins: own }) => mean(own, counts));
  const known = new Int16Array(counts.length).fill(-1);
  const indexOf = (red, green, blue) => {
    const bin = binOf(red, green, blue);
    if (known[bin] < 0) known[bin] = nearest(colours, channels(bin));
    return known[bin];
  };
  return { colours: [...colours, ...Array(3 * COLOURS - colours.length).fill(0)], indexOf };
}

function binOf(red, green, blue) {
  const shift = 8 - BITS;
  return ((red >> shift) << (2 * BITS)) | ((green >> shift) << BITS) | (blue >> shift);
}

/** The middle of a bin. */
function channels(bin) {
  const most = (1 << BITS) - 1;
  return [bin >> (2 * BITS), (bin >> BITS) & most, bin & most].map((level) => (level * 255) / most);
}

/** `worth` of being cut: how wide it is along its longest axis, and for how many pixels. */
function boxOf(bins, counts) {
  const widths = [0, 1, 2].map((axis) => {
    let [least, most] = [255, 0];
    for (const bin of bins) {
      const level = channels(bin)[axis];
      [least, most] = [Math.min(least, level), Math.max(most, level)];
    }
    return most - least;
  });
  const axis = widths.indexOf(Math.max(...widths));
  const pixels = bins.reduce((sum, bin) => sum + counts[bin], 0);
  return { bins, axis, pixels, worth: bins.length > 1 ? widths[axis] * Math.sqrt(pixels) : 0 };
}

function halves({ bins, axis, pixels }, counts) {
  const sorted = bins.toSorted((a, b) => channels(a)[axis] - channels(b)[axis]);
  let [sum, cut] = [0, 0];
  while (cut < sorted.length - 1 && sum + counts[sorted[cut]] <= pixels / 2) {
    sum += counts[sorted[cut]];
    cut += 1;
  }
  cut = Math.max(1, cut);
  return [boxOf(sorted.slice(0, cut), counts), boxOf(sorted.slice(cut), counts)];
}

function mean(bins, counts) {
  const sums = [0, 0, 0, 0];
  for (const bin of bins) {
    channels(bin).forEach((level, axis) => { sums[axis] += level * counts[bin]; });
    sums[3] += counts[bin];
  }
  return sums.slice(0, 3).map((sum) => Math.round(sum / sums[3]));
}

function nearest(colours, [red, green, blue]) {
  let [best, least] = [0, Infinity];
  for (let i = 0; i < colours.length; i += 3) {
    const distance = (colours[i] - red) ** 2 + (colours[i + 1] - green) ** 2 + (colours[i + 2] - blue) ** 2;
    if (distance < least) [best, least] = [i / 3, distance];
  }
  return best;
}
