// Sound that is still coming: labelled while somebody speaks.

import { clock, element, percent } from "../dom.js";
import { probabilityBars } from "../answer.js";
import { toPcm16 } from "../audio.js";
import { emotionColours, NO_SPEECH, UNSURE } from "../colours.js";
import { startRecording } from "../recorder.js";
import { openStream } from "./service.js";

/** What is said live, followed until `stop`. */
export class LiveSession {
  #segments = [];
  #stream = null;

  /** @param {object} first The stream's first message, without how the samples come. */
  constructor(first) {
    this.first = first;
    this.label = element("strong", {}, "…");
    this.sure = element("span", { className: "confidence" });
    this.bars = element("div");
    this.list = element("ol", { className: "closed", "aria-label": "Segments that are final" });
    // The emotion alone is read out, and only where it changes.
    const said = element("span", { "aria-live": "polite" }, this.label);
    this.element = element(
      "div",
      { className: "answer" },
      element("p", { className: "label" }, said, this.sure),
      this.bars,
      this.list,
    );
  }

  /** Begin; `onEnd` gets the error, if any, that ended it other than `stop`. */
  async start(onEnd) {
    this.recording = await startRecording((block, rate) => {
      if (this.#stream === null) this.#open(rate, onEnd);
      this.#stream.push(toPcm16(block));
    });
  }

  #open(rate, onEnd) {
    const first = { ...this.first, rate, format: "pcm16" };
    this.#stream = openStream(first, (update) => this.#show(update));
    this.#stream.closed.catch(onEnd);
  }

  /** End it; return the recording, and the segments as a stream finds them. */
  async stop() {
    const recorded = await this.recording.stop();
    if (this.#stream !== null) {
      this.#stream.end();
      await this.#stream.closed.catch(() => {});
    }
    return { ...recorded, segments: this.#segments };
  }

  #show({ heard, emotion, confidence, probabilities, closed }) {
    if (this.label.textContent !== emotion) this.label.textContent = emotion;
    const known = ![NO_SPEECH, UNSURE].includes(emotion);
    this.sure.textContent = `${known ? `${percent(confidence)}, ` : ""}${clock(heard, 1)} so far`;
    const colours = emotionColours(Object.keys(probabilities));
    if (Object.keys(probabilities).length) {
      this.bars.replaceChildren(probabilityBars(probabilities, colours, "At the moment"));
    }
    for (const segment of closed) {
      this.#segments.push(segment);
      const span = `${clock(segment.start, 1)} to ${clock(segment.end, 1)}`;
      this.list.append(element("li", {}, `${span}: ${segment.emotion}`));
      this.list.scrollTop = this.list.scrollHeight;
    }
  }
}
