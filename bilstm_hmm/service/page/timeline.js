// The timeline of a recording: what is said when, to look into, to hear and to go through by keys.

import { element, percent, clock } from "./dom.js";
import { coloursOf, letterColour, NO_SPEECH } from "./colours.js";
import { monoSamples, Player } from "./audio.js";
import { probabilityBars } from "./answer.js";
import { colourByTime, drawCurves, drawWaveform, Envelope } from "./waveform.js";

const [WAVE_HEIGHT, CURVES_HEIGHT] = [128, 96];
/** Seconds that are shown at least. */
const SHORTEST = 0.5;
const STEP = 1.6;

/**
 * Return the timeline of a recording.
 *
 * @param {object} prediction As `predict --format json` writes it.
 * @param {object} options `audio` is an AudioBuffer, without which there is nothing to hear;
 *   `curves` has `times` in seconds and `probabilities`, a list for each emotion.
 * @returns {Timeline} Its `element` goes into the page; `close` lets the sound go.
 */
export function createTimeline(prediction, { audio = null, curves = null } = {}) {
  return new Timeline(prediction, audio, curves);
}

class Timeline {
  #zoom = 1;
  #frame = 0;

  constructor(prediction, audio, curves) {
    this.duration = Math.max(prediction.duration, 1e-3);
    [this.prediction, this.curves] = [prediction, curves];
    this.segments = prediction.segments.length ? prediction.segments : [_whole(prediction)];
    this.colours = coloursOf(prediction);
    this.player = audio && new Player(audio);
    this.envelope = audio && new Envelope(monoSamples(audio), audio.sampleRate);
    this.#build();
    if (this.player) this.player.onchange = () => this.#follow();
    this.sizes = new ResizeObserver(() => this.draw());
    this.sizes.observe(this.scroll);
  }

  /** Let the sound go. */
  close() {
    this.sizes.disconnect();
    cancelAnimationFrame(this.#frame);
    this.player?.close();
  }

  #build() {
    const canvas = () => element("canvas", { "aria-hidden": "true" });
    [this.wave, this.lines] = [canvas(), canvas()];
    this.buttons = this.segments.map((segment, place) => this.#button(segment, place));
    this.buttons[0].tabIndex = 0;
    this.bands = element("div", { className: "bands", role: "group" }, ...this.buttons);
    this.bands.setAttribute("aria-label", "Segments; arrow keys go through them");
    this.playhead = element("div", { className: "playhead" });
    this.track = element("div", { className: "track" }, this.wave, this.bands);
    if (this.curves) this.track.append(this.lines);
    this.track.append(this.playhead);
    this.scroll = element("div", { className: "scroll" }, this.track);
    this.tip = element("div", { className: "tip", hidden: true, "aria-hidden": "true" });
    const plot = element("div", { className: "plot" }, this.scroll, this.tip);
    this.element = element("section", { className: "timeline", "aria-label": "Timeline" });
    this.element.append(this.#controls(), plot, this.#legend(), this.#hint());
    this.#listen();
    this.#place();
  }

  #controls() {
    const button = (text, title, onclick) =>
      element("button", { type: "button", title, "aria-label": title, onclick }, text);
    this.toggle = element("button", { type: "button", onclick: () => this.#toggle() }, "Play");
    this.toggle.disabled = !this.player;
    this.time = element("span", { className: "time" });
    return element(
      "div",
      { className: "controls" },
      this.toggle,
      button("+", "Zoom in", () => this.zoom(STEP)),
      button("−", "Zoom out", () => this.zoom(1 / STEP)),
      button("Whole", "Show the whole recording", () => this.zoom(0)),
      this.time,
    );
  }

  #button(segment, place) {
    const span = `${clock(segment.start, 1)} to ${clock(segment.end, 1)}`;
    const shares = Object.entries(this.#shares(segment, null))
      .sort(([, one], [, other]) => other - one)
      .slice(0, 3)
      .map(([emotion, share]) => `${emotion} ${percent(share)}`);
    const hear = this.player ? "; plays it" : "";
    const said = [segment.emotion, span, ...(shares.length ? [shares.join(", ")] : [])].join(", ");
    const made = element("button", {
      type: "button",
      className: segment.emotion === NO_SPEECH ? "segment silent" : "segment",
      tabIndex: -1,
      textContent: segment.emotion,
      "aria-label": said + hear,
      onclick: () => this.play(segment),
      onfocus: () => this.#focused(place),
      onblur: () => this.#hide(),
    });
    const colour = this.colours.get(segment.emotion);
    made.style.left = `${(100 * segment.start) / this.duration}%`;
    made.style.width = `${(100 * (segment.end - segment.start)) / this.duration}%`;
    made.style.backgroundColor = colour;
    made.style.color = letterColour(colour);
    return made;
  }

  #legend() {
    const names = [...this.colours.keys()].filter((name) =>
      name === NO_SPEECH
        ? this.segments.some((segment) => segment.emotion === name)
        : this.curves || this.segments.some((segment) => segment.emotion === name),
    );
    const items = names.map((name) => {
      const swatch = element("span", { className: "swatch", "aria-hidden": "true" });
      swatch.style.backgroundColor = this.colours.get(name);
      return element("li", {}, swatch, name);
    });
    return element("ul", { className: "legend", "aria-label": "Colours" }, ...items);
  }

  #hint() {
    const text = this.player
      ? "Click a segment to hear it, or the waveform to go there. Zoom with the wheel, the buttons " +
        "or + and −, and 0 for all; arrow keys go from segment to segment."
      : "This browser cannot play this kind of file, so there is no waveform and nothing to hear. " +
        "Zoom with the wheel, the buttons or + and −, and 0 for all.";
    return element("p", { className: "hint" }, text);
  }

  #listen() {
    this.scroll.addEventListener("scroll", () => this.draw());
    this.scroll.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    this.scroll.addEventListener("pointermove", (event) => this.#point(event));
    this.scroll.addEventListener("pointerleave", () => this.#hide());
    this.wave.addEventListener("click", (event) => this.player?.seek(this.#timeAt(event.clientX)));
    this.element.addEventListener("keydown", (event) => this.#key(event));
  }

  // What is played.

  /** Play a segment, and stop at its end. */
  play(segment) {
    this.player?.play(segment.start, Math.min(segment.end, this.player.buffer.duration));
  }

  #toggle() {
    if (this.player.playing) this.player.stop();
    else this.player.play(this.player.time < this.duration - 0.05 ? this.player.time : 0);
  }

  #follow() {
    cancelAnimationFrame(this.#frame);
    this.toggle.textContent = this.player.playing ? "Stop" : "Play";
    this.#place();
    if (this.player.playing) this.#frame = requestAnimationFrame(() => this.#follow());
  }

  #place() {
    const now = Math.min(this.player?.time ?? 0, this.duration);
    this.playhead.style.left = `${(100 * now) / this.duration}%`;
    this.time.textContent = `${clock(now, 1)} of ${clock(this.duration, 1)}`;
    if (this.player?.playing) this.#show(now);
  }

  #show(time) {
    const x = (time / this.duration) * this.track.clientWidth;
    const { scrollLeft, clientWidth } = this.scroll;
    if (x < scrollLeft || x > scrollLeft + clientWidth) this.scroll.scrollLeft = x - clientWidth / 8;
  }

  // What is shown.

  /**
   * Show less or more of it.
   *
   * @param {number} factor Times as large; 0 shows all.
   * @param {number} at Pixels from the left edge, where the time stays the same.
   */
  zoom(factor, at = this.scroll.clientWidth / 2) {
    const time = (this.scroll.scrollLeft + at) / this.track.clientWidth;
    const most = Math.max(1, this.duration / SHORTEST);
    this.#zoom = factor === 0 ? 1 : Math.max(1, Math.min(most, this.#zoom * factor));
    this.track.style.width = `${100 * this.#zoom}%`;
    this.scroll.scrollLeft = time * this.track.clientWidth - at;
    this.draw();
  }

  /** Draw what is to be seen anew. */
  draw() {
    const [width, whole] = [this.scroll.clientWidth, this.track.clientWidth];
    if (!width || !whole) return;
    const start = (this.scroll.scrollLeft / whole) * this.duration;
    const view = { width, height: WAVE_HEIGHT, start, stop: start + (width / whole) * this.duration };
    drawWaveform(this.wave, view, this.envelope, colourByTime(this.segments, this.colours));
    if (this.curves) {
      drawCurves(this.lines, { ...view, height: CURVES_HEIGHT }, this.curves, this.colours);
    }
  }

  #timeAt(clientX) {
    const x = clientX - this.track.getBoundingClientRect().left;
    return Math.max(0, Math.min(1, x / this.track.clientWidth)) * this.duration;
  }

  #wheel(event) {
    const sideways = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
    // Where it shows all already, the wheel goes on moving the page.
    if (sideways || (event.deltaY > 0 && this.#zoom === 1)) return;
    event.preventDefault();
    const at = event.clientX - this.scroll.getBoundingClientRect().left;
    this.zoom(event.deltaY < 0 ? 1.25 : 0.8, at);
  }

  // What is said of a moment.

  #point(event) {
    const time = this.#timeAt(event.clientX);
    const segment = this.segments.find((one) => time >= one.start && time < one.end);
    this.#explain(segment, time, event.clientX - this.scroll.getBoundingClientRect().left);
  }

  #focused(place) {
    this.buttons.forEach((button, n) => (button.tabIndex = n === place ? 0 : -1));
    const segment = this.segments[place];
    const middle = (segment.start + segment.end) / 2;
    const x = (middle / this.duration) * this.track.clientWidth - this.scroll.scrollLeft;
    this.#explain(segment, null, x);
  }

  #explain(segment, time, x) {
    const when = time === null ? "" : `${clock(time, 2)}: `;
    const what = segment
      ? `${when}${segment.emotion} from ${clock(segment.start, 1)} to ${clock(segment.end, 1)}`
      : `${when}not labelled`;
    const shares = segment ? this.#shares(segment, time) : {};
    this.tip.replaceChildren(
      Object.keys(shares).length
        ? probabilityBars(shares, this.colours, what)
        : element("p", {}, what),
    );
    this.tip.hidden = false;
    const room = this.scroll.clientWidth - this.tip.offsetWidth;
    this.tip.style.left = `${Math.max(0, Math.min(room, x + (x > room ? -1 : 0) * 12 + 12))}px`;
  }

  #hide() {
    this.tip.hidden = true;
  }

  /** The probabilities at a time, or on average over a segment, as far as they are known. */
  #shares(segment, time) {
    if (segment.emotion === NO_SPEECH) return {};
    if (this.curves) return _curvesAt(this.curves, segment, time);
    const speaking = this.segments.filter((one) => one.emotion !== NO_SPEECH);
    if (speaking.length === 1) return this.prediction.probabilities;
    return { [segment.emotion]: segment.confidence };
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const now = this.buttons.findIndex((button) => button.tabIndex === 0);
    const moves = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: this.buttons.length - 1 };
    const zooms = { "+": STEP, "=": STEP, "-": 1 / STEP, "−": 1 / STEP, 0: 0 };
    if (event.key in zooms) this.zoom(zooms[event.key]);
    else if (event.key in moves && event.target.classList.contains("segment")) {
      this.buttons[Math.max(0, Math.min(this.buttons.length - 1, moves[event.key]))].focus();
    } else return;
    event.preventDefault();
  }
}

/** Where no timeline was made, the label stands for all of it. */
function _whole({ emotion, unsure, confidence, duration }) {
  const label = emotion ?? (unsure ? "unsure" : NO_SPEECH);
  return { start: 0, end: duration, emotion: label, confidence: confidence ?? 1 };
}

function _curvesAt(curves, { start, end }, time) {
  const inside = curves.times.map((at, n) => [at, n]).filter(([at]) => at >= start && at <= end);
  if (!inside.length) return {};
  const nearest = (best, one) => (Math.abs(one[0] - time) < Math.abs(best[0] - time) ? one : best);
  const places = (time === null ? inside : [inside.reduce(nearest)]).map(([, n]) => n);
  const mean = (values) => places.reduce((sum, n) => sum + values[n], 0) / places.length;
  return Object.fromEntries(
    Object.entries(curves.probabilities).map(([emotion, values]) => [emotion, mean(values)]),
  );
}
