// Runs the model, beside the page, so that this stays usable.

import * as ort from "onnxruntime-web/wasm";
import wasm from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";
import { readMetadata } from "./metadata.js";

// More threads would want headers that static hosts do not send.
ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmPaths = { wasm: new URL(wasm, self.location.href).href };
/** What the page uses of what the model gives. */
const OUTPUTS = [
  "probabilities",
  "frame_probabilities",
  "frame_emotions",
  "frame_times",
  "frame_segments",
  "segment_times",
];

let session = null;

const actions = {
  async load({ url }) {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`);
    const bytes = new Uint8Array(await response.arrayBuffer());
    session = await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
    return readMetadata(bytes);
  },

  async run({ samples }) {
    const input = new ort.Tensor("float32", samples, [samples.length]);
    const found = await session.run({ samples: input }, OUTPUTS);
    return Object.fromEntries(OUTPUTS.map((name) => [name, found[name].data]));
  },
};

self.onmessage = async ({ data: { id, action, ...rest } }) => {
  try {
    self.postMessage({ id, result: await actions[action](rest) });
  } catch (error) {
    self.postMessage({ id, error: error.message });
  }
};
