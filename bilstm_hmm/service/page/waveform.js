// Drawing what lies behind a timeline: the waveform, the probabilities over time, and the seconds.

import { clock } from "./dom.js";
import { NO_SPEECH } from "./colours.js";

/** Samples of which the smallest and the largest are kept, so that long recordings are drawn fast. */
const SUMMED = 256;
const STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800];
const [TEXT, MUTED, LINE] = ["#333333", "#888888", "#e4e4e4"];
const AXIS_HEIGHT = 18;

/** The smallest and the largest sample of any part of a recording. */
export class Envelope {
  /**
   * @param {Float32Array} samples Mono.
   * @param {number} rate Hz.
   */
  constructor(samples, rate) {
    [this.samples, this.rate] = [samples, rate];
    const count = Math.ceil(samples.length / SUMMED);
    [this.low, this.high] = [new Float32Array(count), new Float32Array(count)];
    this.peak = 1e-3;
    for (let n = 0; n < count; n += 1) {
      const [low, high] = extremes(samples, n * SUMMED, (n + 1) * SUMMED);
      [this.low[n], this.high[n]] = [low, high];
      this.peak = Math.max(this.peak, -low, high);
    }
  }

  /** Return both, of what lies between two times in seconds. */
  between(start, stop) {
    const [first, last] = [Math.floor(start * this.rate), Math.ceil(stop * this.rate)];
    if (last - first < 4 * SUMMED) return extremes(this.samples, first, last);
    const [from, to] = [Math.floor(first / SUMMED), Math.ceil(last / SUMMED)];
    return [extremes(this.low, from, to)[0], extremes(this.high, from, to)[1]];
  }
}

function extremes(values, first, last) {
  let [low, high] = [0, 0];
  for (let n = Math.max(0, first); n < Math.min(values.length, last); n += 1) {
    if (values[n] < low) low = values[n];
    if (values[n] > high) high = values[n];
  }
  return [low, high];
}

/** Make a canvas as sharp as the screen is; return what draws on it, in CSS pixels. */
function prepare(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  const [inner, outer] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== inner || canvas.height !== outer) {
    [canvas.width, canvas.height] = [inner, outer];
    [canvas.style.width, canvas.style.height] = [`${width}px`, `${height}px`];
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  return pen;
}

/**
 * Draw the waveform in the colours of the emotions, with seconds below.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {object} view `width` and `height` in pixels, `start` and `stop` in seconds.
 * @param {Envelope|null} envelope Null draws the axis alone.
 * @param {(time: number) => string} colourAt
 */
export function drawWaveform(canvas, view, envelope, colourAt) {
  const { width, height, start, stop } = view;
  const pen = prepare(canvas, width, height);
  const middle = (height - AXIS_HEIGHT) / 2;
  drawSeconds(pen, view);
  if (envelope === null) return;
  const [step, scale] = [(stop - start) / width, (0.95 * middle) / envelope.peak];
  for (let x = 0; x < width; x += 1) {
    const time = start + x * step;
    const [low, high] = envelope.between(time, time + step);
    pen.fillStyle = colourAt(time + step / 2);
    const top = middle - high * scale;
    pen.fillRect(x, top, 1, Math.max(1, middle - low * scale - top));
  }
}

function drawSeconds(pen, { width, height, start, stop }) {
  const most = Math.max(2, Math.floor(width / 64));
  const step = STEPS.find((one) => (stop - start) / one <= most) ?? 3600;
  const decimals = step >= 1 ? 0 : step >= 0.1 ? 1 : 2;
  pen.font = "11px system-ui, sans-serif";
  pen.textBaseline = "bottom";
  for (let n = Math.ceil(start / step - 1e-6); n * step <= stop; n += 1) {
    const x = ((n * step - start) / (stop - start)) * width;
    pen.fillStyle = LINE;
    pen.fillRect(x, 0, 1, height - AXIS_HEIGHT + 4);
    pen.fillStyle = TEXT;
    const text = clock(n * step, decimals);
    const room = pen.measureText(text).width;
    pen.fillText(text, Math.max(0, Math.min(width - room, x - room / 2)), height - 1);
  }
}

/**
 * Draw how likely each emotion is over time.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {object} view As in `drawWaveform`.
 * @param {object} curves `times` in seconds, and `probabilities`, a list for each emotion.
 * @param {Map<string, string>} colours
 */
export function drawCurves(canvas, view, curves, colours) {
  const { width, height, start, stop } = view;
  const pen = prepare(canvas, width, height);
  const y = (share) => 3 + (1 - share) * (height - 6);
  for (const share of [0, 0.5, 1]) {
    pen.fillStyle = LINE;
    pen.fillRect(0, y(share), width, 1);
  }
  const shown = curves.times
    .map((time, n) => [time, n])
    .filter(([time]) => time >= start - 0.1 && time <= stop + 0.1);
  // Where nobody speaks there is none, and a line across would be made up.
  const gap = 4 * step(curves.times);
  // Of a long recording no more than the screen has pixels.
  const every = Math.max(1, Math.floor(shown.length / (2 * width)));
  pen.lineWidth = 2;
  for (const [emotion, shares] of Object.entries(curves.probabilities)) {
    pen.strokeStyle = colours.get(emotion);
    pen.beginPath();
    let before = -Infinity;
    for (let place = 0; place < shown.length; place += every) {
      const [time, n] = shown[place];
      const x = ((time - start) / (stop - start)) * width;
      if (time - before > gap * every) pen.moveTo(x, y(shares[n]));
      else pen.lineTo(x, y(shares[n]));
      before = time;
    }
    pen.stroke();
  }
  pen.fillStyle = MUTED;
  pen.font = "11px system-ui, sans-serif";
  pen.textBaseline = "top";
  pen.fillText("100 %", 2, 5);
}

function step(times) {
  return times.length > 1 ? Math.min(times[1] - times[0], 0.5) : 0.1;
}

/** Return the colour of each moment, by the segments. */
export function colourByTime(segments, colours) {
  return (time) => {
    const found = segments.find((segment) => time >= segment.start && time < segment.end);
    return found && found.emotion !== NO_SPEECH ? colours.get(found.emotion) : MUTED;
  };
}
