// The random numbers of frames, equal to those of onnx/noise.py: SplitMix64 (Steele, Lea and Flood,
// 2014), a pure function of seed, frame and place. A number of 64 bits is two halves of 32.

const STEP = [0x9e3779b9, 0x7f4a7c15]; // high half, low half
const FIRST = [0xbf58476d, 0x1ce4e5b9];
const SECOND = [0x94d049bb, 0x133111eb];

/** `count` uniform numbers in (0, 1), from number `first` (0-based) of the frame on. */
export function uniforms(seed, frame, first, count) {
  const key = finalize(add(add(finalize(add([0, seed], STEP)), [0, frame]), STEP));
  const numbers = new Float32Array(count);
  let place = add(key, times([0, first], STEP));
  for (let i = 0; i < count; i += 1) {
    place = add(place, STEP);
    numbers[i] = (((finalize(place)[0] >>> 8) & 0x7fffff) + 0.5) / 2 ** 23;
  }
  return numbers;
}

/** One bit in moves all bits out. */
function finalize(number) {
  return mixed(times(mixed(times(mixed(number, 30), FIRST), 27), SECOND), 31);
}

/** x ^ (x >>> shift) */
function mixed([high, low], shift) {
  return [high ^ (high >>> shift), low ^ ((low >>> shift) | (high << (32 - shift)))];
}

function add([high, low], [otherHigh, otherLow]) {
  const sum = (low >>> 0) + (otherLow >>> 0);
  return [(high + otherHigh + (sum > 0xffffffff ? 1 : 0)) | 0, sum | 0];
}

function times([high, low], [otherHigh, otherLow]) {
  const [a, b] = [low & 0xffff, low >>> 16];
  const [c, d] = [otherLow & 0xffff, otherLow >>> 16];
  const [ac, ad, bc] = [a * c, a * d, b * c];
  const middle = Math.floor(ac / 65536) + (ad % 65536) + (bc % 65536);
  const carry = b * d + Math.floor(ad / 65536) + Math.floor(bc / 65536) + Math.floor(middle / 65536);
  return [(carry + Math.imul(high, otherLow) + Math.imul(low, otherHigh)) | 0, Math.imul(low, otherLow)];
}
