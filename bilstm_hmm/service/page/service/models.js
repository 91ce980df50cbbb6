// The choice of a model, and what its card says.

import { element, percent } from "../dom.js";

/** Fill the list of models; `onChange` is called with the card of the one that is chosen. */
export function showModels(cards, onChange) {
  const select = document.getElementById("model");
  const chosen = select.value;
  select.replaceChildren(...cards.map(({ name }) => element("option", { value: name }, name)));
  if (cards.some(({ name }) => name === chosen)) select.value = chosen;
  const show = () => {
    const card = cards.find(({ name }) => name === select.value);
    document.getElementById("card").replaceChildren(cardView(card));
    onChange(card);
  };
  select.onchange = show;
  show();
}

/** What a card says, in sentences. */
function cardView(card) {
  const unknown = card.unknown ?? "speakers";
  const lines = [
    `It knows ${card.emotions.join(", ")}.`,
    typeof card.ua === "number" ? figures(card, unknown) : null,
    card.corpora?.length
      ? `It learned from ${card.corpora.map((one) => `${one.title} (${one.licence})`).join(", ")}.`
      : null,
    card.commercial_use ? `Commercial use: ${card.commercial_use}.` : null,
  ];
  const shown = lines.filter(Boolean).map((line) => element("li", {}, line));
  return element("ul", { className: "quiet" }, ...shown);
}

function figures({ emotions, ua, ua_interval: interval, ece }, unknown) {
  const guess = percent(1 / emotions.length);
  const [low, high] = (interval ?? []).map((end) => end.toFixed(1));
  const range = interval ? ` (95\u00a0% interval ${low} to ${high})` : "";
  const error =
    typeof ece === "number"
      ? ` Its probabilities are off by ${percent(ece)} on average.`
      : "";
  return (
    `Of ${unknown} that it does not know it labels ${ua.toFixed(1)}\u00a0%${range} of acted recordings rightly, ` +
    `where guessing would label ${guess}.${error}`
  );
}
