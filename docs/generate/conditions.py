"""The tables of the models that ship in noise, rooms and over lines."""

import json
from collections.abc import Iterator
from pathlib import Path

from .markdown import table

RESULTS = Path(__file__).parents[2] / "docs" / "results"


def conditions(*names: str, results: Path = RESULTS) -> str:
    """Return a table a model of what is stored of it, as ``docs/results/conditions-NAME.json``.

    Models that were not measured yet have none.
    """
    paths = [(name, results / f"conditions-{name}.json") for name in names]
    parts = [part for name, path in paths if path.is_file() for part in _of_model(name, path)]
    return "\n".join(parts) if parts else "No model is measured yet.\n"


def _of_model(name: str, path: Path) -> Iterator[str]:
    document = json.loads(path.read_text("utf-8"))
    rows = []
    for scores in document["conditions"].values():
        shares = [scores[key] for key in ("ece", "confidence")]
        rows.append(
            [
                scores["description"],
                f"{scores['ua']:.1f}",
                f"{scores['ua_lost']:.1f}",
                *("none" if share is None else f"{share:.2f}" for share in shares),
                f"{scores['warned']:.0f} %",
            ]
        )
    heard = ", on which it was trained" if document["trained_on_corpus"] else ""
    yield (
        f"[`{name}`](../results/{path.name}), {document['clips']} clips of "
        f"`{document['corpus']}`{heard}:\n"
    )
    yield table(("condition", "UA", "lost", "ECE", "confidence", "warned"), rows, numbers=5)
