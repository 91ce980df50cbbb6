// The answer to one recording in words and bars.

import { element, percent, clock } from "./dom.js";
import { coloursOf, NO_SPEECH, UNSURE } from "./colours.js";

/** What this can know and what it cannot; to stand on every page that gives answers. */
export const WHAT_IT_KNOWS =
  "The model learned from actors who played emotions in a studio. It says which of those played " +
  "emotions a voice sounds most like, not what somebody feels: acted emotion is not felt emotion. " +
  "It knows nothing of the words, the face or the situation, and is often wrong with voices, " +
  "languages and rooms that it has not met. Do not judge people by it.";

const MEANING = {
  [NO_SPEECH]:
    "Nobody was found speaking, so there is nothing to label. Very quiet speech, singing and " +
    "music count as no speech as well.",
  [UNSURE]:
    "The likeliest emotion is less likely than you asked for, so no emotion is named. It does " +
    "not mean that the voice is neutral; the bars show how the model divides its belief.",
};

/** Return the label of a prediction as the command has it: an emotion, unsure or no speech. */
export function labelOf(prediction) {
  return prediction.emotion ?? (prediction.unsure ? UNSURE : NO_SPEECH);
}

/**
 * Return the probabilities as a table with bars.
 *
 * @param {Object<string, number>} probabilities From 0 to 1.
 * @param {Map<string, string>} colours Of `coloursOf`.
 * @param {string} caption
 */
export function probabilityBars(probabilities, colours, caption = "Probabilities") {
  const rows = Object.entries(probabilities)
    .sort(([, one], [, other]) => other - one)
    .map(([emotion, share]) => {
      const bar = element("span", { className: "bar", "aria-hidden": "true" });
      bar.style.width = `${100 * share}%`;
      bar.style.backgroundColor = colours.get(emotion);
      return element(
        "tr",
        {},
        element("th", { scope: "row" }, emotion),
        element("td", { className: "bars" }, bar),
        element("td", { className: "number" }, percent(share)),
      );
    });
  return element(
    "table",
    { className: "probabilities" },
    element("caption", {}, caption),
    element("tbody", {}, ...rows),
  );
}

/**
 * Return the answer to a recording as an element.
 *
 * @param {object} prediction As `predict --format json` writes it.
 * @param {object} options `heading` is the level of its title, 3 by default.
 */
export function answerView(prediction, { heading = 3 } = {}) {
  const label = labelOf(prediction);
  const sure = prediction.confidence === null ? "" : percent(prediction.confidence);
  const name = prediction.file === "-" ? "The recording" : prediction.file;
  return element(
    "div",
    { className: "answer" },
    element(`h${heading}`, { className: "file" }, name),
    element(
      "p",
      { className: "label" },
      element("strong", {}, label),
      sure ? element("span", { className: "confidence" }, _confidence(label, sure)) : null,
    ),
    MEANING[label] ? element("p", { className: "meaning" }, MEANING[label]) : null,
    _list("warnings", "What makes this answer worse", prediction.warnings),
    Object.keys(prediction.probabilities).length
      ? probabilityBars(prediction.probabilities, coloursOf(prediction))
      : null,
    element("p", { className: "facts" }, _facts(prediction)),
    _list("notes", "What was done to the recording first", prediction.notes ?? []),
  );
}

function _confidence(label, sure) {
  return label === UNSURE ? `the likeliest has only ${sure}` : `with a probability of ${sure}`;
}

function _facts(prediction) {
  const shares = Object.entries(prediction.shares ?? {});
  const facts = [`${clock(prediction.duration, 1)} long`, `labelled by ${prediction.model}`];
  if (shares.length > 1) {
    const times = shares.map(([emotion, share]) => `${emotion} ${percent(share)}`);
    facts.splice(1, 0, `speaking time: ${times.join(", ")}`);
  }
  return `${facts.join("; ")}.`;
}

function _list(kind, title, lines) {
  if (!lines.length) return null;
  const items = lines.map((line) => element("li", {}, line));
  return element(
    "div",
    { className: kind },
    element("p", { className: "title" }, title),
    element("ul", {}, ...items),
  );
}
