// The page: recordings in, answers out; the parts that show them are those of the service's page.

import "../../bilstm_hmm/service/page/style.css";
import { answerView, WHAT_IT_KNOWS } from "../../bilstm_hmm/service/page/answer.js";
import { decodeAudio } from "../../bilstm_hmm/service/page/audio.js";
import { clock, element } from "../../bilstm_hmm/service/page/dom.js";
import { startRecording, toAudioBuffer } from "../../bilstm_hmm/service/page/recorder.js";
import { createTimeline } from "../../bilstm_hmm/service/page/timeline.js";
import { decode } from "./decode.js";
import { loadEngine } from "./engine.js";
import { toJson } from "./prediction.js";

const MODEL = new URL("model.onnx", document.baseURI).href;
const part = (id) => document.getElementById(id);
const engine = loadEngine(MODEL);
/** Recordings are labelled one after another, in the order in which they came. */
let queue = engine.catch(() => {});
let recording = null;
/** Whether the microphone is being opened; the button would lose the keyboard if it were disabled. */
let opening = false;

part("what").textContent = WHAT_IT_KNOWS;
engine.then(ready, (error) => fail(`The model cannot be loaded: ${error.message}`));

function ready({ known }) {
  part("status").textContent = `The model ${known.model} is ready.`;
  part("licence").textContent = known.licence;
  part("card").textContent = known.card;
  part("model").hidden = false;
  document.documentElement.dataset.ready = "true";
}

function fail(sentence) {
  part("fault").textContent = sentence;
  part("fault").hidden = false;
}

// What comes in.

part("files").addEventListener("change", (event) => {
  addFiles(event.target.files);
  // So that the same file can be chosen again.
  event.target.value = "";
});
for (const name of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    part("drop").classList.toggle("over", name === "dragover");
    if (name === "drop") addFiles(event.dataTransfer.files);
  });
}
part("record").addEventListener("click", () => (recording ? endRecording() : record()));

function addFiles(files) {
  part("fault").hidden = true;
  for (const file of files) {
    add(file.name, async () => {
      const sound = await decode(await file.arrayBuffer(), decodeAudio);
      if (!sound || !sound.samples.length) {
        throw new Error("this browser cannot read it; convert it to WAV, FLAC or MP3");
      }
      return sound;
    });
  }
}

async function record() {
  if (opening) return;
  part("fault").hidden = true;
  opening = true;
  try {
    recording = await startRecording(() => showLevel());
    part("record").textContent = "Stop and label";
    part("level").hidden = false;
  } catch (error) {
    fail(error.message);
  }
  opening = false;
}

function showLevel() {
  if (!recording) return;
  part("level").firstElementChild.style.width = `${100 * Math.min(1, recording.level)}%`;
  part("seconds").textContent = clock(recording.seconds);
}

async function endRecording() {
  const ended = recording;
  recording = null;
  part("record").textContent = "Record";
  part("level").hidden = true;
  part("seconds").textContent = "";
  const sound = await ended.stop();
  if (!sound.samples.length) fail("Nothing was recorded; speak a little longer.");
  else add("microphone", async () => ({ ...sound, notes: [] }));
}

// What goes out.

/** Label a recording once those before it are done. */
function add(file, read) {
  const came = performance.now();
  const shown = element("article", { className: "card" }, element("p", {}, `${file}: waiting.`));
  part("nothing").hidden = true;
  part("results").prepend(shown);
  queue = queue.then(async () => {
    try {
      const sound = await read();
      const loaded = await engine;
      show(shown, await loaded.label(sound.samples, sound.rate, { file, notes: sound.notes }), sound);
      shown.dataset.milliseconds = performance.now() - came;
    } catch (error) {
      shown.replaceChildren(element("p", { className: "fault" }, `${file}: ${error.message}.`));
    }
  });
}

function show(shown, { prediction, curves }, { samples, rate }) {
  const timeline = createTimeline(prediction, { audio: toAudioBuffer(samples, rate), curves });
  const json = toJson(prediction);
  const link = element(
    "a",
    {
      className: "button",
      download: `${prediction.file}.json`,
      href: URL.createObjectURL(new Blob([json], { type: "application/json" })),
    },
    "Answer as JSON",
  );
  shown.dataset.prediction = json;
  const remove = element("button", { type: "button" }, "Remove");
  remove.addEventListener("click", () => {
    timeline.close();
    URL.revokeObjectURL(link.href);
    shown.remove();
    part("nothing").hidden = part("results").childElementCount > 1;
    part("results").focus();
  });
  shown.replaceChildren(
    answerView(prediction),
    timeline.element,
    element("div", { className: "row" }, link, remove),
  );
  timeline.draw();
}
