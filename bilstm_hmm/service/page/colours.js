// One colour an emotion, the same as in the pictures (output/plot_style.py, which says how they
// were chosen): any two can be told apart with and without each kind of colour blindness.

export const NO_SPEECH = "no speech";
export const UNSURE = "unsure";

export const EMOTION_COLOURS = {
  neutral: "#5D6773",
  calm: "#1AB68B",
  happy: "#FCB105",
  sad: "#0D3ECA",
  angry: "#D40200",
  fearful: "#4B2780",
  disgust: "#59964A",
  surprised: "#E75DCB",
  bored: "#583224",
};
/** For words of a user's own. */
export const OTHER_COLOURS = ["#C9BD58", "#B45EE8", "#67034D", "#D97F06", "#716549", "#B413B2"];
export const SILENCE_COLOUR = "#DDDDDD";

/**
 * Return the colour of each label as #RRGGBB, and of NO_SPEECH.
 *
 * @param {Iterable<string>} labels Others than those above get theirs by the alphabet.
 * @returns {Map<string, string>}
 */
export function emotionColours(labels) {
  const names = [...new Set(labels)].filter((name) => name !== NO_SPEECH);
  const others = names.filter((name) => !Object.hasOwn(EMOTION_COLOURS, name)).sort();
  const colours = new Map(
    names.map((name) => [
      name,
      Object.hasOwn(EMOTION_COLOURS, name)
        ? EMOTION_COLOURS[name]
        : OTHER_COLOURS[others.indexOf(name) % OTHER_COLOURS.length],
    ]),
  );
  return colours.set(NO_SPEECH, SILENCE_COLOUR);
}

/** The colours of all that a prediction names. */
export function coloursOf(prediction) {
  const said = prediction.segments.map((segment) => segment.emotion);
  return emotionColours([...Object.keys(prediction.probabilities), ...said]);
}

/** The colour of letters on #RRGGBB, of the two the one with more contrast (WCAG 2, 1.4.3). */
export function letterColour(colour) {
  const [red, green, blue] = [1, 3, 5].map((first) => {
    const value = parseInt(colour.slice(first, first + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  const light = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  return 1.05 / (light + 0.05) >= (light + 0.05) / 0.05 ? "#ffffff" : "#000000";
}
