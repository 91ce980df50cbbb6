"""Tables of recipes tested on corpora left out, of whatever such results are stored."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .markdown import table

RESULTS = Path(__file__).parents[2] / "docs" / "results"
_PREFIX = "unheard-"
_NONE = "No results by this protocol are stored yet.\n"


def unheard() -> str:
    """Return a table of all recipes and then one of each, by corpus and what is known."""
    from bilstm_hmm.evaluation.unheard.report import known_title, ua_rows

    documents = dict(_stored())
    if not documents:
        return _NONE
    amounts = list(dict.fromkeys(known for found in documents.values() for known in found["mean"]))
    rows = []
    for name, found in documents.items():
        means = {known: found["mean"][known][found["system"]] for known in found["mean"]}
        uas = [f"{means[known]['ua']:.1f}" if known in means else "" for known in amounts]
        calibration = [f"{means['0'][key]:.3f}" for key in ("ece", "log_loss")]
        rows.append([f"[`{name}`](../results/{_PREFIX}{name}.json)", *uas, *calibration])
    titles = [known_title(known) for known in amounts]
    head = ["recipe", *titles, "ECE, 0", "log loss, 0"]
    parts = [table(head, rows, numbers=len(head) - 1)]
    for name, found in documents.items():
        head, *body = ua_rows(found)
        parts.append(f"UA of `{found['system']}` of `{name}` by corpus:\n")
        parts.append(table(head, body, numbers=len(head) - 1))
    return "\n".join(parts)


def _stored() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(RESULTS.glob(f"{_PREFIX}*.json")):
        yield path.stem.removeprefix(_PREFIX), json.loads(path.read_text("utf-8"))
