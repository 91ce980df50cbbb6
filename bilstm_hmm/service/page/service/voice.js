// The profile of a voice: learned from clips, or read from a file; it goes with what is asked then.

import { learnVoice } from "./service.js";
import { save } from "./downloads.js";

const part = (id) => document.getElementById(id);

let profile = null;

/** The text of the profile that is in use; null without one, or where the model knows no voices. */
export function voiceInUse() {
  return part("voice").hidden ? null : profile;
}

/** Say whether the model knows voices; if not, which does. */
export function showVoiceOf(card, cards) {
  const others = cards.filter(({ voices }) => voices).map(({ name }) => name);
  const hint = others.length ? `choose ${others.join(" or ")}` : "none that is loaded here does";
  part("voice").hidden = !card.voices;
  part("voiceless").hidden = Boolean(card.voices);
  part("voiceless").textContent = `The model ${card.name} was not trained to know voices; ${hint}.`;
}

/**
 * Let the section work.
 *
 * @param {() => string} model Gives the name of the model that is chosen.
 * @param {() => void} onChange Is called when another voice is in use.
 * @param {(error: Error) => void} onError
 */
export function watchVoice(model, onChange, onError) {
  const use = (text) => {
    profile = text;
    show();
    onChange();
  };

  part("clips").addEventListener("change", async ({ target }) => {
    const files = [...target.files];
    if (!files.length) return;
    say(`Learning from ${files.length} clip(s) …`);
    try {
      use(await learnVoice(files, { model: model() }));
    } catch (error) {
      say("");
      onError(error);
    }
    target.value = "";
  });
  part("profile").addEventListener("change", async ({ target }) => {
    const [file] = target.files;
    if (file) use(await file.text());
    target.value = "";
  });
  part("voice-save").addEventListener("click", () =>
    save(new Blob([profile], { type: "application/json" }), "my.voice"),
  );
  part("voice-forget").addEventListener("click", () => use(null));
}

function show() {
  for (const id of ["voice-save", "voice-forget"]) part(id).hidden = profile === null;
  if (profile === null) say("No voice is in use.");
  else say(`A voice is in use${known(profile)}; answers compare with it.`);
}

function known(text) {
  try {
    const { n_clips: clips, n_frames: frames, frame_rate: rate } = JSON.parse(text);
    return `, of ${clips} clip(s) and ${(frames / rate).toFixed(1)} s of speech`;
  } catch {
    // The service says what is wrong with it.
    return "";
  }
}

function say(text) {
  part("voice-status").textContent = text;
}
