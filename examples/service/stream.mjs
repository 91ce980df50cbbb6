// Follow raw samples, 16 bits at 16 kHz, in a browser or Node.js 22: node stream.mjs URL FILE
import { readFile } from "node:fs/promises";

const [url, file] = process.argv.slice(2);
const samples = await readFile(file);
const stream = new WebSocket(`${url.replace("http", "ws")}/v1/stream`);
stream.onopen = () => {
  stream.send(JSON.stringify({ rate: 16000, format: "pcm16" }));
  for (let start = 0; start < samples.length; start += 3200)
    stream.send(samples.subarray(start, start + 3200));
  stream.send(JSON.stringify({ end: true }));
};
stream.onmessage = ({ data }) => {
  const update = JSON.parse(data);
  if (update.detail) throw new Error(update.detail);
  for (const { start, end, emotion } of update.closed) console.log(start, end, emotion);
};
