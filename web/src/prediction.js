// From what the model gives to a prediction, as `predict --format json` writes it.

const NO_SPEECH = "no speech";
/** By how much the label's probability is above any other, so that it is so in four decimals. */
const LEAD = 2e-4;

/**
 * Return the prediction of a recording, and its probabilities over time.
 *
 * @param {Object<string, ArrayLike<number>>} outputs The model's, flat.
 * @param {Object<string, string>} known Its metadata.
 * @param {{file: string, duration: number, notes: string[]}} recording
 */
export function toPrediction(outputs, known, { file, duration, notes }) {
  const labels = JSON.parse(known.labels);
  const spans = labelSpans(outputs, labels, Number(known.frame_rate));
  const segments = mergeSpans(spans, Number(known.min_silence_segment), duration);
  const shares = speakingShares(segments);
  const emotion = longest(shares, labels);
  const mean = withLargest(Array.from(outputs.probabilities), labels.indexOf(emotion));
  const prediction = {
    file,
    emotion,
    confidence: emotion === null ? null : mean[labels.indexOf(emotion)],
    probabilities:
      emotion === null ? {} : Object.fromEntries(labels.map((label, n) => [label, mean[n]])),
    shares,
    duration,
    segments,
    warnings: [],
    notes,
    model: known.model,
  };
  return { prediction, curves: toCurves(outputs, labels) };
}

/** Return a prediction as the text of the JSON that the command writes, with as many digits. */
export function toJson(prediction) {
  const digits = { duration: 3, start: 3, end: 3 };
  const rounded = (key, value) =>
    typeof value === "number" ? Number(value.toFixed(digits[key] ?? 4)) : value;
  return JSON.stringify(prediction, rounded, 2);
}

/** The probabilities over time: seconds, and a list for each emotion. */
function toCurves(outputs, labels) {
  const times = Array.from(outputs.frame_times);
  const column = (n) => times.map((_, t) => outputs.frame_probabilities[t * labels.length + n]);
  return { times, probabilities: Object.fromEntries(labels.map((label, n) => [label, column(n)])) };
}

/** Parts of the speech with one emotion each; none goes across a pause. */
function labelSpans(outputs, labels, rate) {
  const spans = [];
  let [piece, before] = [-1, -1];
  let begin = 0;
  for (let t = 0; t < outputs.frame_emotions.length; t += 1) {
    const [at, emotion] = [Number(outputs.frame_segments[t]), Number(outputs.frame_emotions[t])];
    if (at !== piece) begin = t;
    const end = outputs.segment_times[2 * at + 1];
    if (at !== piece || emotion !== before) {
      const start = outputs.segment_times[2 * at] + (t - begin) / rate;
      if (at === piece) spans.at(-1).end = start;
      spans.push({ start, end, emotion: labels[emotion], frames: 0, confidence: 0 });
    }
    spans.at(-1).frames += 1;
    spans.at(-1).confidence += outputs.frame_probabilities[t * labels.length + emotion];
    [piece, before] = [at, emotion];
  }
  return spans;
}

/** Segments: short pauses belong to what is around them, long ones have no speech. */
function mergeSpans(spans, silence, duration) {
  const merged = [];
  for (const span of spans) {
    const left = merged.at(-1);
    if (!left || span.start - left.end >= silence) merged.push(span);
    else if (left.emotion === span.emotion) {
      left.end = span.end;
      left.frames += span.frames;
      left.confidence += span.confidence;
    } else {
      left.end = (left.end + span.start) / 2;
      merged.push({ ...span, start: left.end });
    }
  }
  const segments = [];
  let end = 0;
  const pause = (until) => {
    if (until - end >= silence) {
      segments.push({ start: end, end: until, emotion: NO_SPEECH, confidence: 1 });
    }
  };
  for (const { start, end: stop, emotion, frames, confidence } of merged) {
    pause(start);
    segments.push({ start, end: stop, emotion, confidence: confidence / frames });
    end = stop;
  }
  if (merged.length === 0) return [{ start: 0, end: duration, emotion: NO_SPEECH, confidence: 1 }];
  pause(duration);
  return segments;
}

/** The share of each emotion in the speaking time, the largest first. */
function speakingShares(segments) {
  const times = new Map();
  for (const { start, end, emotion } of segments) {
    if (emotion !== NO_SPEECH) times.set(emotion, (times.get(emotion) ?? 0) + end - start);
  }
  const total = [...times.values()].reduce((sum, time) => sum + time, 0);
  const inOrder = [...times].sort(([, one], [, other]) => other - one);
  return Object.fromEntries(inOrder.map(([emotion, time]) => [emotion, time / total]));
}

/** The emotion with the largest share, of equal ones the first; null where there is none. */
function longest(shares, labels) {
  if (Object.keys(shares).length === 0) return null;
  return labels.reduce((best, label) => ((shares[label] ?? 0) > (shares[best] ?? 0) ? label : best));
}

/**
 * Return the nearest probabilities of which the label's is the largest.
 *
 * By time and by probability may fall out differently where two emotions are about as likely.
 */
function withLargest(probabilities, label) {
  const total = probabilities.reduce((sum, value) => sum + value, 0);
  const found = probabilities.map((value) => (total > 0 ? value / total : 0));
  if (label < 0) return found;
  const others = found.map((_, n) => n).filter((n) => n !== label);
  others.sort((one, other) => found[other] - found[one] || one - other);
  const pool = [label];
  const mean = () => pool.reduce((sum, n) => sum + found[n], 0) / pool.length;
  for (const n of others) {
    if (found[n] + LEAD <= mean()) break;
    pool.push(n);
  }
  if (pool.length > 1) {
    const middle = mean();
    for (const n of pool) found[n] = n === label ? middle + LEAD * (pool.length - 1) : middle - LEAD;
  }
  return found;
}
