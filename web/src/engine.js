// The model, as promises.

import { resample } from "./resample.js";
import { toPrediction } from "./prediction.js";

/** A model that labels recordings; made by `loadEngine`. */
class Engine {
  #call;

  constructor(call, known) {
    this.#call = call;
    /** Its metadata: text by name. */
    this.known = known;
  }

  /**
   * Label a recording.
   *
   * @param {Float32Array} samples Mono, from -1 to 1.
   * @param {number} rate Hz.
   * @param {{file: string, notes: string[]}} about
   * @returns {Promise<{prediction: object, curves: object}>} As of `toPrediction`.
   */
  async label(samples, rate, { file, notes }) {
    const duration = samples.length / rate;
    const target = Number(this.known.sample_rate);
    const ready = resample(samples, rate, target);
    const outputs = await this.#call("run", { samples: ready });
    const all = rate === target ? notes : [`resampled from ${rate} Hz`, ...notes];
    return toPrediction(outputs, this.known, { file, duration, notes: all });
  }
}

/**
 * Load an exported model.
 *
 * @param {string} url Of the file.
 * @returns {Promise<Engine>}
 */
export async function loadEngine(url) {
  const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  const waiting = new Map();
  let count = 0;
  worker.onmessage = ({ data: { id, result, error } }) => {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) resolve(result);
    else reject(new Error(error));
  };
  worker.onerror = (event) => {
    for (const { reject } of waiting.values()) reject(new Error(event.message));
    waiting.clear();
  };
  const call = (action, rest) =>
    new Promise((resolve, reject) => {
      count += 1;
      waiting.set(count, { resolve, reject });
      worker.postMessage({ id: count, action, ...rest });
    });
  return new Engine(call, await call("load", { url }));
}
