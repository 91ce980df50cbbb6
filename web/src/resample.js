// Resampling by a windowed sinc, as good as the one that `predict` uses: browsers' own differ.

/** Shares of the lower Nyquist frequency up to which all passes, and from which nothing does. */
const [PASS, STOP] = [0.9136, 1.0];
/** Decibels by which what does not pass is softer. */
const REJECTION = 134;
/** Places between two samples that a filter is computed for; others lie between two filters. */
const MOST_PHASES = 1024;

const banks = new Map();

/**
 * Return samples at another rate, both in Hz; as many as lie within their time.
 *
 * @param {Float32Array} samples
 * @param {number} from
 * @param {number} to
 * @returns {Float32Array}
 */
export function resample(samples, from, to) {
  if (from === to || samples.length === 0) return samples;
  const { half, phases, filters } = filterBank(from, to);
  const found = new Float32Array(Math.max(1, Math.round((samples.length * to) / from)));
  const width = 2 * half;
  const step = from / gcd(from, to);
  const steps = to / gcd(from, to);
  for (let n = 0; n < found.length; n += 1) {
    // Whole numbers, so that no digit of a long recording's time is lost.
    const place = Math.floor((n * step) / steps);
    const between = (((n * step) % steps) / steps) * phases;
    const phase = Math.floor(between + 1e-9);
    const rest = between - phase;
    const first = place - half + 1;
    let value = dot(samples, first, filters, phase * width, width);
    if (rest > 1e-6) {
      value += rest * (dot(samples, first, filters, (phase + 1) * width, width) - value);
    }
    found[n] = value;
  }
  return found;
}

/** Sum up products; before the first and behind the last sample there is silence. */
function dot(samples, first, filters, offset, width) {
  const begin = Math.max(0, -first);
  const stop = Math.min(width, samples.length - first);
  // Four sums, none of which waits for another.
  let one = 0;
  let two = 0;
  let three = 0;
  let four = 0;
  let n = begin;
  let at = first + n;
  let to = offset + n;
  for (; n + 3 < stop; n += 4, at += 4, to += 4) {
    one += samples[at] * filters[to];
    two += samples[at + 1] * filters[to + 1];
    three += samples[at + 2] * filters[to + 2];
    four += samples[at + 3] * filters[to + 3];
  }
  for (; n < stop; n += 1) one += samples[first + n] * filters[offset + n];
  return one + two + (three + four);
}

function gcd(one, other) {
  return other === 0 ? one : gcd(other, one % other);
}

/** A filter for each place between two samples, Kaiser's window around a sinc (Kaiser, 1974). */
function filterBank(from, to) {
  const key = `${from} ${to}`;
  if (!banks.has(key)) banks.set(key, makeFilters(from, to));
  return banks.get(key);
}

function makeFilters(from, to) {
  const nyquist = Math.min(from, to) / 2;
  const cutoff = ((PASS + STOP) / 2) * nyquist;
  const transition = (2 * Math.PI * (STOP - PASS) * nyquist) / from;
  const half = Math.ceil((REJECTION - 8) / (2.285 * transition) / 2);
  const phases = Math.min(MOST_PHASES, to / gcd(from, to));
  const beta = 0.1102 * (REJECTION - 8.7);
  const width = 2 * half;
  const filters = new Float64Array((phases + 1) * width);
  for (let phase = 0; phase <= phases; phase += 1) {
    let sum = 0;
    for (let n = 0; n < width; n += 1) {
      const time = n - half + 1 - phase / phases;
      const inside = 1 - (time / half) ** 2;
      const window = inside > 0 ? bessel(beta * Math.sqrt(inside)) : 0;
      const value = sinc((2 * cutoff * time) / from) * window;
      filters[phase * width + n] = value;
      sum += value;
    }
    for (let n = 0; n < width; n += 1) filters[phase * width + n] /= sum;
  }
  return { half, phases, filters };
}

function sinc(x) {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** The modified Bessel function of the first kind and order zero. */
function bessel(x) {
  let [sum, term] = [1, 1];
  for (let k = 1; term > 1e-17 * sum; k += 1) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}
