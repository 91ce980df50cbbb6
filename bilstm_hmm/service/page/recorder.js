// The microphone: its samples as they come, and all of them as WAV in the end.

import { encodeWav } from "./audio.js";

/** Why there is no sound from the microphone, in a sentence for people. */
export class MicrophoneError extends Error {}

const REASONS = {
  NotAllowedError:
    "The browser may not use the microphone; allow it in the settings of this page and try again.",
  NotFoundError: "There is no microphone; connect one, or choose a file.",
  NotReadableError: "Another program uses the microphone; close it and try again.",
};

/**
 * Begin to record.
 *
 * The browser is asked to leave the sound as it is: what makes speech level and clean for a call
 * takes away what says how somebody feels.
 *
 * @param {(block: Float32Array, rate: number) => void} onBlock Gets the samples as they come.
 * @returns {Promise<Recording>}
 * @throws {MicrophoneError}
 */
export async function startRecording(onBlock = () => {}) {
  if (!navigator.mediaDevices) {
    throw new MicrophoneError(
      "Browsers give the microphone to pages over https and to localhost alone; choose a file.",
    );
  }
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
    });
  } catch (error) {
    throw new MicrophoneError(REASONS[error.name] ?? `No sound comes: ${error.message}.`);
  }
  const context = new AudioContext();
  try {
    await context.audioWorklet.addModule(new URL("./recorder-worklet.js", import.meta.url));
    await context.resume();
    return new Recording(stream, context, onBlock);
  } catch (error) {
    stream.getTracks().forEach((track) => track.stop());
    context.close();
    throw new MicrophoneError(`No sound comes: ${error.message}.`);
  }
}

/** What is being recorded. */
class Recording {
  #blocks = [];
  #node;
  #stream;
  #context;

  constructor(stream, context, onBlock) {
    [this.#stream, this.#context] = [stream, context];
    /** Hz. */
    this.rate = context.sampleRate;
    /** How loud it is: the largest sample of the last block. */
    this.level = 0;
    this.#node = new AudioWorkletNode(context, "recorder", { numberOfOutputs: 0 });
    this.#node.port.onmessage = ({ data }) => {
      this.#blocks.push(data);
      this.level = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      onBlock(data, this.rate);
    };
    context.createMediaStreamSource(stream).connect(this.#node);
  }

  /** Seconds so far. */
  get seconds() {
    return this.#blocks.reduce((sum, block) => sum + block.length, 0) / this.rate;
  }

  /**
   * End it, let the microphone go and return what was recorded.
   *
   * @returns {Promise<{samples: Float32Array, rate: number, wav: Uint8Array}>}
   */
  async stop() {
    this.#stream.getTracks().forEach((track) => track.stop());
    this.#node.port.onmessage = null;
    this.#node.disconnect();
    await this.#context.close();
    const samples = new Float32Array(Math.round(this.seconds * this.rate));
    let filled = 0;
    for (const block of this.#blocks) {
      samples.set(block, filled);
      filled += block.length;
    }
    return { samples, rate: this.rate, wav: encodeWav(samples, this.rate) };
  }
}

/** Return samples as an AudioBuffer, to be played and drawn. */
export function toAudioBuffer(samples, rate) {
  const buffer = new AudioBuffer({ length: Math.max(1, samples.length), sampleRate: rate });
  buffer.copyToChannel(samples, 0);
  return buffer;
}
