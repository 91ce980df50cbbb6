// Label a recording with fetch, in Node.js or a browser: node predict.mjs URL FILE
import { readFile } from "node:fs/promises";
import { basename } from "node:path";

const [url, file] = process.argv.slice(2);
const form = new FormData();
form.append("file", new Blob([await readFile(file)]), basename(file));
const response = await fetch(`${url}/v1/predict`, { method: "POST", body: form });
const answer = await response.json();
if (!response.ok) throw new Error(answer.detail);
console.log(answer.emotion, answer.confidence);
