// The page of the service: from a recording to its answer.

import { answerView, WHAT_IT_KNOWS } from "../answer.js";
import { decodeAudio } from "../audio.js";
import { clock } from "../dom.js";
import { startRecording, toAudioBuffer } from "../recorder.js";
import { resultTable } from "../table.js";
import { createTimeline } from "../timeline.js";
import { downloadButtons, stemOf } from "./downloads.js";
import { LiveSession } from "./live.js";
import { showModels } from "./models.js";
import { models, predict, predictBatch, settings, useToken } from "./service.js";
import { showVoiceOf, voiceInUse, watchVoice } from "./voice.js";

const part = (id) => document.getElementById(id);

/** What the service can do, what is shown, and what the microphone is used for. */
const page = {
  settings: null,
  files: [],
  timeline: null,
  recording: null,
  session: null,
  ticks: 0,
};

async function begin() {
  part("knows").textContent = WHAT_IT_KNOWS;
  part("access").addEventListener("submit", (event) => {
    event.preventDefault();
    useToken(part("token").value.trim());
    load();
  });
  part("files").addEventListener("change", ({ target }) => {
    label([...target.files]);
    target.value = "";
  });
  for (const id of ["model", "abstain"]) part(id).addEventListener("change", relabel);
  part("record").addEventListener("click", () => attempt(page.recording ? endRecord : record));
  part("live").addEventListener("click", () => attempt(page.session ? endLive : goLive));
  watchDrop();
  watchVoice(() => part("model").value, relabel, fail);
  await load();
}

/** Ask for what the page depends on. */
async function load() {
  await attempt(async () => {
    page.settings = await settings();
    const { max_seconds: seconds, max_bytes: bytes, max_files: files } = page.settings;
    part("limits").textContent =
      `Any usual format; up to ${clock(seconds)} and ${Math.floor(bytes / 2 ** 20)} MiB, ` +
      `${files} recordings at a time.`;
    const cards = await models();
    part("access").hidden = true;
    showModels(cards, (card) => showVoiceOf(card, cards));
  });
}

// Refusals and progress, in words.

async function attempt(work) {
  part("fault").textContent = "";
  try {
    await work();
  } catch (error) {
    fail(error);
  }
}

function fail(error) {
  part("status").textContent = "";
  part("fault").textContent = error.message;
  if (error.status === 401) {
    part("access").hidden = false;
    part("token").focus();
  }
}

function say(text) {
  part("status").textContent = text;
}

// Files.

function watchDrop() {
  const drop = part("drop");
  // A file that misses would otherwise take the place of the page.
  for (const kind of ["dragover", "drop"]) {
    window.addEventListener(kind, (event) => event.preventDefault());
  }
  drop.addEventListener("dragover", () => drop.classList.add("over"));
  for (const kind of ["dragleave", "drop"]) {
    drop.addEventListener(kind, () => drop.classList.remove("over"));
  }
  drop.addEventListener("drop", (event) => label([...event.dataTransfer.files]));
}

/** The options of the page as a query. */
function query() {
  const abstain = part("abstain").value;
  return { model: part("model").value, abstain: abstain === "" ? null : Number(abstain) / 100 };
}

async function label(files) {
  if (!files.length) return;
  page.files = files;
  await attempt(async () => {
    say(files.length === 1 ? `Labelling ${files[0].name} …` : `Labelling ${files.length} files …`);
    if (files.length === 1) {
      part("several").hidden = true;
      await labelOne(files[0]);
    } else await labelSeveral(files);
  });
}

/** Label what is shown by what is chosen now; who chooses it stays where they are. */
async function relabel() {
  const at = document.activeElement;
  await label(page.files);
  at.focus();
}

async function labelOne(file) {
  const [asked, voice] = [query(), voiceInUse()];
  const answered = await predict(file, { ...asked, curves: true }, voice);
  const { curves, ...prediction } = await answered.json();
  const audio = await decodeAudio(await file.arrayBuffer());
  showAnswer(prediction, { audio, curves });
  const fetchAs = (format) => predict(file, { ...asked, format, timeline: true }, voice);
  part("downloads").append(
    downloadButtons(page.settings.formats, stemOf(file.name), fetchAs, fail),
  );
}

async function labelSeveral(files) {
  const [asked, voice] = [query(), voiceInUse()];
  const results = await (await predictBatch(files, asked, voice)).json();
  hideAnswer();
  const choose = (index) => attempt(() => labelOne(files[index]));
  part("table").replaceChildren(resultTable(results, choose));
  const whole = page.settings.formats.filter(({ per_file: perFile }) => !perFile);
  const fetchAs = (format) => predictBatch(files, { ...asked, format }, voice);
  part("table-downloads").replaceChildren(downloadButtons(whole, "labels", fetchAs, fail));
  part("several").hidden = false;
  const failed = results.filter((result) => "error" in result).length;
  say(`${results.length - failed} of ${results.length} recordings are labelled.`);
}

// Answers.

function hideAnswer() {
  page.timeline?.close();
  page.timeline = null;
  part("one").hidden = true;
  for (const id of ["answer", "timeline", "downloads"]) part(id).replaceChildren();
}

function showAnswer(prediction, { audio, curves }) {
  hideAnswer();
  part("answer").append(answerView(prediction));
  showTimeline(prediction, { audio, curves });
  const { emotion, unsure } = prediction;
  say(`${prediction.file}: ${emotion ?? (unsure ? "unsure" : "no speech")}.`);
  part("one").focus();
}

function showTimeline(prediction, { audio, curves }) {
  page.timeline = createTimeline(prediction, { audio, curves });
  part("timeline").append(page.timeline.element);
  part("one").hidden = false;
  page.timeline.draw();
}

// The microphone.

/** Wait for the microphone; while the browser asks the person, another click does nothing. */
async function opened(starting) {
  for (const id of ["record", "live"]) part(id).disabled = true;
  try {
    return await starting;
  } catch (error) {
    resetMicrophone();
    throw error;
  }
}

async function record() {
  page.timeline?.player?.stop();
  page.recording = await opened(startRecording());
  watchLevel(page.recording);
  part("record").textContent = "Stop and label";
  part("record").disabled = false;
  say("Recording …");
}

async function endRecord() {
  const { recording } = page;
  page.recording = null;
  resetMicrophone();
  const { wav } = await recording.stop();
  await label([new File([wav], "recording.wav", { type: "audio/wav" })]);
}

async function goLive() {
  hideAnswer();
  part("several").hidden = true;
  page.files = [];
  const session = new LiveSession({ ...query(), voice: voiceInUse() });
  const end = (error) => {
    if (page.session === session) attempt(endLive).then(() => fail(error));
  };
  await opened(session.start(end));
  page.session = session;
  watchLevel(session.recording);
  part("live-answer").replaceChildren(session.element);
  part("live-view").hidden = false;
  part("live").textContent = "End";
  part("live").disabled = false;
  say("Listening …");
}

async function endLive() {
  const { session } = page;
  page.session = null;
  resetMicrophone();
  say("Ending …");
  const { samples, rate, segments, wav } = await session.stop();
  part("live-view").hidden = true;
  say("Ended. Below is what was said, as the stream found it.");
  if (!segments.length) return;
  const probabilities = {};
  const duration = samples.length / rate;
  showTimeline({ probabilities, duration, segments }, { audio: toAudioBuffer(samples, rate) });
  const file = new File([wav], "live.wav", { type: "audio/wav" });
  const again = document.createElement("button");
  again.type = "button";
  again.textContent = "Label the whole recording";
  again.addEventListener("click", () => label([file]));
  part("downloads").append(again);
}

function watchLevel(recording) {
  part("level").hidden = false;
  page.ticks = setInterval(() => {
    const shown = Math.min(1, Math.sqrt(recording.level));
    part("level").firstElementChild.style.width = `${100 * shown}%`;
    part("seconds").textContent = clock(recording.seconds);
    // Longer is refused.
    if (page.recording && recording.seconds > page.settings.max_seconds - 1) attempt(endRecord);
  }, 100);
}

function resetMicrophone() {
  clearInterval(page.ticks);
  part("level").hidden = true;
  part("seconds").textContent = "";
  for (const [id, text] of [["record", "Record"], ["live", "Go live"]]) {
    part(id).textContent = text;
    part(id).disabled = false;
  }
}

begin();
