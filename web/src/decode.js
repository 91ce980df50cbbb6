// From the bytes of a file to mono samples at the rate that they were recorded with.

import { readWav } from "./wav.js";

/** Share of the channels' power that their mean has at least, unless they cancel each other. */
const LEAST_SHARE = 0.25;
/** Hz that is taken where nothing says which it is: what most video and speech codecs work at. */
const USUAL_RATE = 48000;

/**
 * Return the samples of a file, or null where this browser cannot read it.
 *
 * @param {ArrayBuffer} bytes
 * @param {(bytes: ArrayBuffer, rate: number) => Promise<AudioBuffer|null>} decodeAudio The
 *   browser's own decoder, which resamples to a rate.
 * @returns {Promise<{samples: Float32Array, rate: number, notes: string[]}|null>}
 */
export async function decode(bytes, decodeAudio) {
  const wav = readWav(bytes);
  if (wav) return { ...mix(wav.channels), rate: wav.rate };
  const rate = nativeRate(new DataView(bytes)) ?? USUAL_RATE;
  const buffer = await decodeAudio(bytes, rate);
  if (!buffer) return null;
  const channels = Array.from({ length: buffer.numberOfChannels }, (_, n) => buffer.getChannelData(n));
  return { ...mix(channels), rate: buffer.sampleRate };
}

/**
 * Return the mean of channels, or the strongest alone where they cancel each other.
 *
 * @param {Float32Array[]} channels
 */
export function mix(channels) {
  if (channels.length === 1) return { samples: channels[0], notes: [] };
  const mean = new Float32Array(channels[0].length);
  for (let n = 0; n < mean.length; n += 1) {
    for (const channel of channels) mean[n] += channel[n] / channels.length;
  }
  const powers = channels.map(power);
  const all = powers.reduce((sum, one) => sum + one, 0);
  if (power(mean) >= (LEAST_SHARE * all) / channels.length ** 2) {
    return { samples: mean, notes: [`${channels.length} channels mixed to one`] };
  }
  const strongest = channels[powers.indexOf(Math.max(...powers))];
  const note = `${channels.length} channels cancel each other: the strongest alone is used`;
  return { samples: strongest, notes: [note] };
}

function power(samples) {
  let sum = 0;
  for (const value of samples) sum += value * value;
  return sum;
}

/** The rate that the header of a FLAC or Ogg file has, in Hz; null for others. */
export function nativeRate(view) {
  const has = (word, at) =>
    at + word.length <= view.byteLength &&
    [...word].every((letter, n) => view.getUint8(at + n) === letter.charCodeAt(0));
  if (has("fLaC", 0) && view.byteLength >= 22) return (view.getUint32(18) >>> 12) || null;
  if (!has("OggS", 0) || view.byteLength < 48) return null;
  const body = 27 + view.getUint8(26);
  if (has("OpusHead", body)) return USUAL_RATE;
  if (has("\x01vorbis", body)) return view.getUint32(body + 12, true) || null;
  return null;
}
