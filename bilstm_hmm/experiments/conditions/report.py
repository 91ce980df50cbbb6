"""The scores of a model by condition: what ``metrics.json`` holds, as tables and as a report."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bilstm_hmm.evaluation.model_scores import Setting, compute_score_metrics
from bilstm_hmm.evaluation.tables import escape_markdown, markdown_table
from bilstm_hmm.experiments.conditions.results import Said
from bilstm_hmm.features.degradation.conditions import CLEAN, CONDITIONS

Metrics = Mapping[str, Any]
PROTOCOL = "conditions"
#: Of the scores of the clean clips: what holds for all conditions.
_KEPT = (
    *("model", "corpus", "root", "classes", "clips", "speakers"),
    *("left_out", "renamed", "trained_on_corpus"),
)
#: What the columns of the tables are.
LEGEND = (
    "UA is the mean of the class recalls in percent, and lost what it is below that of the clean "
    "clips; ECE is the expected calibration error, from 0 to 1; confidence is the mean of what the "
    "model gives its label, and warned the share of clips with a warning, in percent. ECE and "
    "confidence are of the clips in which the model finds speech; without any, a clip counts as "
    "wrong."
)


def condition_metrics(setting: Setting, by_condition: Mapping[str, Sequence[Said]]) -> Metrics:
    """Return the scores as plain types, of each condition those that `score` gives and more.

    Parameters
    ----------
    by_condition
        What the model says of every clip; the clean ones are there.
    """
    found = {name: _scores(setting, said) for name, said in by_condition.items()}
    first = compute_score_metrics(
        setting, [one.clip for one in by_condition[CLEAN] if one.clip is not None]
    )
    return {
        "protocol": PROTOCOL,
        **{key: first[key] for key in _KEPT},
        "system": setting.system,
        "conditions": {
            name: {
                "description": CONDITIONS[name].description,
                **scores,
                "ua_lost": round(found[CLEAN]["ua"] - scores["ua"], 2),
            }
            for name, scores in found.items()
        },
    }


def _scores(setting: Setting, said: Sequence[Said]) -> dict[str, Any]:
    clips = [one.clip for one in said if one.clip is not None]
    unreadable = {one.name: one.error or "" for one in said if one.clip is None}
    metrics = compute_score_metrics(replace(setting, unreadable=unreadable), clips)
    confidences = [one.confidence for one in said if one.confidence is not None]
    warned = [one for one in said if one.warnings]
    # A warning begins with its kind; a number may follow.
    kinds = Counter(kind for one in said for kind in {w.partition(":")[0] for w in one.warnings})
    return {
        **metrics["systems"][setting.system],
        "confidence": round(sum(confidences) / len(confidences), 4) if confidences else None,
        "warned": round(100.0 * len(warned) / len(clips), 2),
        "warnings": dict(kinds.most_common()),
        "no_speech": metrics["no_speech"],
        "unreadable": len(unreadable),
    }


def condition_rows(metrics: Metrics) -> list[list[str]]:
    """Return a header and a row a condition."""
    rows = [["condition", "UA", "95 % interval", "lost", "ECE", "confidence", "warned"]]
    for scores in metrics["conditions"].values():
        interval = scores["ua_interval"]
        rows.append(
            [
                scores["description"],
                f"{scores['ua']:.1f}",
                "none" if interval is None else f"{interval[0]:.1f} to {interval[1]:.1f}",
                f"{scores['ua_lost']:.1f}",
                *("none" if scores[key] is None else f"{scores[key]:.2f}" for key in _SHARES),
                f"{scores['warned']:.0f}",
            ]
        )
    return rows


_SHARES = ("ece", "confidence")


def condition_report(metrics: Metrics) -> str:
    """Return the report to read, in Markdown."""
    notes = [
        f"{count} clips of {emotion} are left out: the model does not know it."
        for emotion, count in metrics["left_out"].items()
    ]
    notes += [f"{one} counts as {other}." for one, other in metrics["renamed"].items()]
    if metrics["trained_on_corpus"]:
        notes.append(
            f"The model was trained on {metrics['corpus']}: if these are its speakers, the "
            "figures are better than for others."
        )
    warnings = [
        [scores["description"], ", ".join(f"{k}: {n}" for k, n in scores["warnings"].items())]
        for scores in metrics["conditions"].values()
        if scores["warnings"]
    ]
    parts = [
        f"# {metrics['model']} by condition, on {escape_markdown(metrics['root'])}",
        f"{metrics['clips']} clips, read as the corpus `{metrics['corpus']}`.",
        markdown_table(condition_rows(metrics)),
        LEGEND,
        "\n".join(f"- {escape_markdown(note)}" for note in notes),
    ]
    if warnings:
        parts += ["## Warnings", markdown_table([["condition", "clips"], *warnings])]
    return "\n\n".join(filter(None, parts)) + "\n"
