"""A page to listen through the clips whose labels are in doubt: it loads their audio alone."""

import json
from html import escape
from pathlib import Path
from urllib.parse import quote

from bilstm_hmm.delimited_text import escape_formula
from bilstm_hmm.evaluation.label_issues.review import (
    Review,
    ReviewClip,
    manifest_rows,
    relative_path,
)

_STYLE = """
:root { color-scheme: light dark; --line: #8886; --accent: #3f51b5; --given: #b26a00; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto;
  padding: 0 1rem 40vh; }
header { position: sticky; top: 0; background: Canvas; padding: .5rem 0; z-index: 1;
  border-bottom: 1px solid var(--line); }
h1 { font-size: 1.2rem; margin: 0; }
p { margin: .3rem 0; }
kbd { border: 1px solid var(--line); border-radius: .25rem; padding: 0 .35rem; font-size: .85em; }
button { font: inherit; padding: .15rem .7rem; border-radius: .35rem; border: 1px solid var(--line);
  background: ButtonFace; color: ButtonText; cursor: pointer; }
button[aria-pressed="true"] { background: var(--accent); border-color: var(--accent); color: #fff; }
article { border: 1px solid var(--line); border-radius: .5rem; padding: .7rem 1rem; margin: .8rem 0;
  scroll-margin: 9rem; }
article:focus { outline: 3px solid var(--accent); }
article.decided { opacity: .65; }
h2 { font-size: 1rem; margin: 0; overflow-wrap: anywhere; font-weight: 600; }
audio { width: 100%; margin: .4rem 0; }
.share { display: grid; grid-template-columns: 12rem 1fr 4rem; gap: .5rem; align-items: center; }
.share i { display: block; height: .7rem; border-radius: .35rem; background: var(--accent);
  min-width: 2px; }
.share.given i { background: var(--given); }
.choices { display: flex; flex-wrap: wrap; gap: .4rem; margin-top: .5rem; }
"""

_SCRIPT = """
"use strict";
const { rows, classes, key } = JSON.parse(document.getElementById("data").textContent);
const cards = [...document.querySelectorAll("article")];
let chosen = {};
try { chosen = JSON.parse(localStorage.getItem(key)) || {}; } catch { /* no storage for files */ }

function show(card) {
  const label = chosen[card.dataset.path];
  card.classList.toggle("decided", label !== undefined);
  for (const b of card.querySelectorAll("button"))
    b.setAttribute("aria-pressed", String(b.dataset.label === label));
}
function count() {
  const done = cards.filter(c => chosen[c.dataset.path] !== undefined).length;
  document.getElementById("count").textContent = `${done} of ${cards.length} decided`;
}
function choose(card, label) {
  if (label === undefined) delete chosen[card.dataset.path];
  else chosen[card.dataset.path] = label;
  try { localStorage.setItem(key, JSON.stringify(chosen)); } catch { /* kept in the page */ }
  show(card); count();
}
function go(card) {
  if (!card) return;
  for (const a of document.querySelectorAll("audio")) a.pause();
  card.focus(); card.scrollIntoView({ block: "center" });
  card.querySelector("audio").play().catch(() => {});
}
function save() {
  const quoted = c => /[",\\r\\n]/.test(c) ? `"${c.replaceAll('"', '""')}"` : c;
  const corrected = rows.map((row, i) => i && chosen[row[0]] !== undefined
    ? [row[0], chosen[row[0]], row[2], "", ...row.slice(4)] : row);
  const text = corrected.map(row => row.map(quoted).join(",") + "\\n").join("");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = "manifest.csv"; link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
for (const card of cards) {
  show(card);
  for (const b of card.querySelectorAll("button"))
    b.addEventListener("click", () => choose(card, b.dataset.label));
}
document.getElementById("save").addEventListener("click", save);
document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const at = cards.indexOf(document.activeElement.closest("article"));
  const card = cards[at], k = event.key;
  if (k === "ArrowDown" || k === "j") go(cards[at + 1]);
  else if (k === "ArrowUp" || k === "k") go(cards[Math.max(0, at - 1)]);
  else if (k === "w") save();
  else if (!card || document.activeElement !== card) return;
  else if (k === " ") { const a = card.querySelector("audio"); a.paused ? a.play() : a.pause(); }
  else if (k === "s" || k === "Enter") { choose(card, card.dataset.suggestion); go(cards[at + 1]); }
  else if (k === "l") { choose(card, card.dataset.label); go(cards[at + 1]); }
  else if (k === "u") choose(card, undefined);
  else if (/^[1-9]$/.test(k) && k <= classes.length) choose(card, classes[k - 1]);
  else return;
  event.preventDefault();
});
count();
"""

_KEYS = (
    "<kbd>↓</kbd> <kbd>↑</kbd> next, previous and play · <kbd>space</kbd> play, pause · "
    "<kbd>s</kbd> take the suggestion · <kbd>l</kbd> keep the label · <kbd>1</kbd>…<kbd>9</kbd> "
    "another label · <kbd>u</kbd> undo · <kbd>w</kbd> save"
)


def review_page(review: Review, folder: Path) -> str:
    """Return the page, whose links to the audio are relative to `folder`."""
    # As the cells of the manifest are written: what the page saves is the same table.
    rows = [[escape_formula(cell) for cell in row] for row in manifest_rows(review, folder)]
    classes = [escape_formula(label) for label in review.classes]
    data = {"rows": rows, "classes": classes, "key": f"{review.title} {folder.resolve()}"}
    cards = "\n".join(_card(review, clip, folder) for clip in review.issues)
    title = escape(f"Labels in doubt: {review.title}")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>{_STYLE}</style>
</head>
<body>
<header>
<h1>{title}</h1>
<p>{len(review.issues)} of {review.n_judged} clips, the surest first, by {escape(review.judge)}.
<span id="count" role="status"></span>
<button id="save" type="button">Save manifest.csv</button></p>
<p>{_KEYS}</p>
<p>Listen and decide: a model that doubts a label is often wrong itself. Save the list into this
folder, in place of the one that is there.</p>
</header>
<main>
{cards or "<p>No label is in doubt.</p>"}
</main>
<script type="application/json" id="data">{_json(data)}</script>
<script>{_SCRIPT}</script>
</body>
</html>
"""


def _card(review: Review, clip: ReviewClip, folder: Path) -> str:
    issue = clip.issue
    assert issue is not None
    path = relative_path(clip.path, folder)
    suggestion = review.classes[issue.suggested]
    said = f" · {escape(clip.speaker)}" if clip.speaker else ""
    buttons = "".join(
        f'<button type="button" data-label="{_cell(label)}">{number} {escape(label)}</button>'
        for number, label in enumerate(review.classes, 1)
    )
    shares = _share("label", clip.label, issue.given_probability) + _share(
        "suggestion", suggestion, issue.suggested_probability
    )
    return (
        f'<article tabindex="0" data-path="{_cell(path)}" '
        f'data-label="{_cell(clip.label)}" '
        f'data-suggestion="{_cell(suggestion)}">'
        f"<h2>{escape(clip.name)}{said}</h2>"
        f'<audio controls preload="none" src="{_link(path)}"></audio>'
        f"{shares}<p>margin {100 * issue.margin:.1f} points, odds {_odds(issue.odds)}</p>"
        f'<div class="choices" role="group" aria-label="label">{buttons}</div></article>'
    )


def _cell(text: str) -> str:
    """Return a text as the table has it, for an attribute."""
    return escape(escape_formula(text))


def _share(role: str, label: str, share: float) -> str:
    kind = "given" if role == "label" else "suggested"
    return (
        f'<div class="share {kind}"><span>{role}: <b>{escape(label)}</b></span>'
        f'<i style="width: {100 * share:.1f}%"></i><span>{100 * share:.1f} %</span></div>'
    )


def _odds(odds: float) -> str:
    return f"{odds:.1f} to 1" if odds < 100 else f"{odds:.0f} to 1" if odds < 1e5 else "very high"


def _link(path: str) -> str:
    """Return a path as a URL: relative to the page, or of a file."""
    return f"file:///{quote(path.lstrip('/'))}" if Path(path).is_absolute() else quote(path)


def _json(data: object) -> str:
    """Return JSON that no name of a file can end the script of."""
    return json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")
