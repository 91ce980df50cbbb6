// Label a WAV file with an exported model, in Node.js: node label.mjs MODEL.onnx FILE.wav
//
// npm install onnxruntime-web (or onnxruntime-node, which is faster and used in the same way).
import { readFile } from "node:fs/promises";
import * as ort from "onnxruntime-web";
import { mix } from "../../web/src/decode.js";
import { readMetadata } from "../../web/src/metadata.js";
import { toJson, toPrediction } from "../../web/src/prediction.js";
import { resample } from "../../web/src/resample.js";
import { readWav } from "../../web/src/wav.js";

const [model, file] = process.argv.slice(2);
const bytes = new Uint8Array(await readFile(model));
const wav = readWav(new Uint8Array(await readFile(file)).buffer);
if (!wav) throw new Error(`${file} is no WAV file of plain samples`);
const known = readMetadata(bytes);
const { samples, notes } = mix(wav.channels);
const ready = resample(samples, wav.rate, Number(known.sample_rate));

ort.env.wasm.numThreads = 1;
const session = await ort.InferenceSession.create(bytes);
const found = await session.run({ samples: new ort.Tensor("float32", ready, [ready.length]) });
const outputs = Object.fromEntries(Object.entries(found).map(([name, { data }]) => [name, data]));
const duration = samples.length / wav.rate;
const { prediction } = toPrediction(outputs, known, { file, duration, notes });
console.log(toJson(prediction));
