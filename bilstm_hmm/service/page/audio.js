// Sound in the browser: reading files, playing parts of them, and writing WAV.

/** Hz that files are decoded to. */
const RATE = 44100;

/**
 * Return a file's sound, or null where this browser cannot read its format.
 *
 * @param {ArrayBuffer} bytes Of the file; they are copied first.
 * @param {number} rate To resample to, in Hz.
 * @returns {Promise<AudioBuffer|null>}
 */
export async function decodeAudio(bytes, rate = RATE) {
  try {
    // No AudioContext: that one wants a click first.
    return await new OfflineAudioContext(1, 1, rate).decodeAudioData(bytes.slice(0));
  } catch {
    return null;
  }
}

/** Return mono samples, float32 from -1 to 1, of an AudioBuffer. */
export function monoSamples(buffer) {
  if (buffer.numberOfChannels === 1) return buffer.getChannelData(0);
  const mixed = new Float32Array(buffer.length);
  for (let channel = 0; channel < buffer.numberOfChannels; channel += 1) {
    const samples = buffer.getChannelData(channel);
    for (let n = 0; n < mixed.length; n += 1) mixed[n] += samples[n] / buffer.numberOfChannels;
  }
  return mixed;
}

/** Return samples from -1 to 1 as 16-bit integers. */
export function toPcm16(samples) {
  return Int16Array.from(samples, (value) =>
    Math.round(Math.max(-1, Math.min(1, value)) * 32767),
  );
}

/**
 * Return samples as the bytes of a WAV file, mono, 16 bits.
 *
 * @param {Float32Array} samples From -1 to 1.
 * @param {number} rate Hz.
 * @returns {Uint8Array}
 */
export function encodeWav(samples, rate) {
  const header = 44;
  const view = new DataView(new ArrayBuffer(header + 2 * samples.length));
  const text = (offset, letters) =>
    [...letters].forEach((letter, n) => view.setUint8(offset + n, letter.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, view.byteLength - 8, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, 2 * rate, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, 2 * samples.length, true);
  toPcm16(samples).forEach((value, n) => view.setInt16(header + 2 * n, value, true));
  return new Uint8Array(view.buffer);
}

/** Plays parts of a recording. `onchange` is called when it begins and ends. */
export class Player {
  #context = null;
  #source = null;
  #began = 0;
  #from = 0;
  #to = 0;

  /** @param {AudioBuffer} buffer What is played. */
  constructor(buffer) {
    this.buffer = buffer;
    this.onchange = () => {};
  }

  get playing() {
    return this.#source !== null;
  }

  /** Where it is, in seconds from the beginning of the recording. */
  get time() {
    if (!this.playing) return this.#from;
    return Math.min(this.#to, this.#from + Math.max(0, this.#context.currentTime - this.#began));
  }

  /** Play from one second to another; what was playing stops. */
  async play(from = 0, to = this.buffer.duration) {
    this.stop();
    this.#context ??= new AudioContext();
    await this.#context.resume();
    // Another click may have come while the device was opened.
    if (this.playing) return;
    const source = this.#context.createBufferSource();
    source.buffer = this.buffer;
    source.connect(this.#context.destination);
    source.onended = () => {
      if (this.#source === source) this.#end(to);
    };
    [this.#source, this.#began, this.#from, this.#to] = [source, this.#context.currentTime, from, to];
    source.start(0, from, Math.max(0, to - from));
    this.onchange();
  }

  /** Stop where it is. */
  stop() {
    if (!this.playing) return;
    const [source, time] = [this.#source, this.time];
    this.#end(time);
    source.stop();
  }

  /** Go to a second, without a sound. */
  seek(time) {
    this.stop();
    this.#from = time;
    this.onchange();
  }

  /** Let the device go. */
  close() {
    this.stop();
    this.#context?.close();
    this.#context = null;
  }

  #end(time) {
    this.#source = null;
    this.#from = time;
    this.onchange();
  }
}
