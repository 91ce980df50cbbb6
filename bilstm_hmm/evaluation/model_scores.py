"""How well a model that is there labels clips whose emotions are known: scores and report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.data.clip import Sex
from bilstm_hmm.delimited_text import table_text
from bilstm_hmm.evaluation.clip_results import SEXES
from bilstm_hmm.evaluation.metrics import (
    MIN_SPEAKERS,
    bootstrap_interval,
    class_recalls,
    confusion_matrix,
    expected_calibration_error,
    log_loss,
    reported_interval,
    unweighted_accuracy,
    weighted_accuracy,
)
from bilstm_hmm.evaluation.tables import escape_markdown, markdown_table
from bilstm_hmm.prediction import NO_SPEECH

Labels = NDArray[np.int64]
Metrics = Mapping[str, Any]

#: Corpora without a name, in words.
_OWN = {"folders": "clips in folders", "manifest": "clips of a manifest"}


@dataclass(frozen=True, slots=True)
class ScoredClip:
    """A clip and what the model says of it.

    Attributes
    ----------
    speaker, sex
        None where it is not known.
    truth
        One of the model's classes.
    emotion
        What the model says; None where it finds no speech.
    probabilities
        Of each class, ``[C]``; they count where there is speech.
    """

    name: str
    speaker: str | None
    sex: Sex | None
    truth: str
    emotion: str | None
    probabilities: Sequence[float]


@dataclass(frozen=True, slots=True)
class Setting:
    """What was scored on what.

    Attributes
    ----------
    model, system, classes
        The model's identity, its system that decides, and its emotions.
    corpus, root
        Of the clips.
    left_out
        Emotions that the model does not know, and their clips.
    renamed
        Emotions that were counted as others.
    unreadable
        Clips that could not be read, and why.
    knows_corpus
        Whether the model was trained on a corpus of this name.
    """

    model: str
    system: str
    classes: tuple[str, ...]
    corpus: str
    root: str
    left_out: Mapping[str, int] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)
    unreadable: Mapping[str, str] = field(default_factory=dict)
    knows_corpus: bool = False


def compute_score_metrics(setting: Setting, clips: Sequence[ScoredClip]) -> dict[str, Any]:
    """Return the scores as plain types; keys of a system as `compute_metrics` has them.

    A clip in which the model finds no speech counts as wrong; calibration error and log loss are
    of the others, and None where there are none. ``ua_interval`` is None where fewer than
    `MIN_SPEAKERS` speakers, or not all of them, are known.
    """
    classes = setting.classes
    truth = np.array([classes.index(clip.truth) for clip in clips], dtype=np.int64)
    predicted = np.array([_index(clip.emotion, classes) for clip in clips], dtype=np.int64)
    known = {clip.speaker for clip in clips if clip.speaker is not None}
    counts = confusion_matrix(truth, predicted, len(classes) + 1)
    present = counts[: len(classes)].sum(axis=1) > 0
    return {
        "model": setting.model,
        "corpus": setting.corpus,
        "root": setting.root,
        "classes": list(classes),
        "clips": len(clips),
        "speakers": len(known),
        "no_speech": int((predicted == len(classes)).sum()),
        "unreadable": dict(setting.unreadable),
        "left_out": dict(setting.left_out),
        "renamed": dict(setting.renamed),
        "trained_on_corpus": setting.knows_corpus,
        "systems": {setting.system: _scores(clips, truth, predicted, classes)},
        "confusion": {
            "truth": [name for name, is_there in zip(classes, present, strict=True) if is_there],
            "predicted": [*classes, NO_SPEECH],
            "counts": counts[: len(classes)][present].tolist(),
        },
        "by_speaker": {
            speaker: _accuracies(truth, predicted, [clip.speaker == speaker for clip in clips])
            for speaker in sorted(known)
        },
    }


def _index(emotion: str | None, classes: Sequence[str]) -> int:
    """The class's place; no speech comes after all of them."""
    return len(classes) if emotion is None else classes.index(emotion)


def _scores(
    clips: Sequence[ScoredClip], truth: Labels, predicted: Labels, classes: Sequence[str]
) -> dict[str, Any]:
    speakers = [clip.speaker for clip in clips]
    interval = None
    if None not in speakers:
        ends = bootstrap_interval(unweighted_accuracy, truth, predicted, speakers)
        interval = reported_interval(ends, speakers)
    heard = predicted < len(classes)
    shares = np.array([c.probabilities for c in clips if c.emotion is not None], dtype=np.float64)
    recalls = class_recalls(truth, predicted, len(classes) + 1)[: len(classes)]
    sexes = np.array([clip.sex or "" for clip in clips])
    return {
        **_accuracies(truth, predicted, np.ones(len(clips), dtype=bool)),
        "f1": _rounded(_macro_f1(truth, predicted, len(classes))),
        "ece": round(expected_calibration_error(shares, truth[heard]), 4) if heard.any() else None,
        "log_loss": round(log_loss(shares, truth[heard]), 4) if heard.any() else None,
        "ua_by_sex": {
            sex: _rounded(unweighted_accuracy(truth[sexes == sex], predicted[sexes == sex]))
            for sex in SEXES
            if sex in sexes
        },
        "ua_interval": interval,
        "recalls": {
            label: None if np.isnan(recall) else _rounded(recall)
            for label, recall in zip(classes, recalls, strict=True)
        },
    }


def _accuracies(
    truth: Labels, predicted: Labels, subset: Sequence[bool] | NDArray[np.bool_]
) -> dict[str, Any]:
    """Count the clips of a subset, and say how many are right."""
    chosen = np.asarray(subset, dtype=bool)
    return {
        "clips": int(chosen.sum()),
        "ua": _rounded(unweighted_accuracy(truth[chosen], predicted[chosen])),
        "wa": _rounded(weighted_accuracy(truth[chosen], predicted[chosen])),
    }


def _macro_f1(truth: Labels, predicted: Labels, n_classes: int) -> float:
    """As `macro_f1`, but no speech is no class of its own: it is only wrong."""
    counts = confusion_matrix(truth, predicted, n_classes + 1)
    totals = (counts.sum(axis=0) + counts.sum(axis=1))[:n_classes]
    hits = counts.diagonal()[:n_classes]
    return float(100.0 * np.mean(2.0 * hits[totals > 0] / totals[totals > 0]))


def _rounded(value: float) -> float:
    return round(float(value), 2)


def summary_rows(metrics: Metrics) -> list[list[str]]:
    """Return a header and a row: how well the model does."""
    ((system, scores),) = metrics["systems"].items()
    interval = scores["ua_interval"]
    return [
        ["system", "clips", "UA", "95 % interval", "WA", "F1", "ECE", "log loss"],
        [
            system,
            str(metrics["clips"]),
            f"{scores['ua']:.1f}",
            "none" if interval is None else f"{interval[0]:.1f} to {interval[1]:.1f}",
            f"{scores['wa']:.1f}",
            f"{scores['f1']:.1f}",
            *(
                "none" if scores[key] is None else f"{scores[key]:.3f}"
                for key in ("ece", "log_loss")
            ),
        ],
    ]


def confusion_rows(metrics: Metrics) -> list[list[str]]:
    """Return the counts, a row a true emotion, with its recall; no speech only where it occurs."""
    ((_, scores),) = metrics["systems"].items()
    confusion = metrics["confusion"]
    columns = len(confusion["predicted"]) - (0 if metrics["no_speech"] else 1)
    header = ["truth \\ predicted", *confusion["predicted"][:columns], "recall (%)"]
    return [
        header,
        *(
            [label, *map(str, counts[:columns]), f"{scores['recalls'][label]:.1f}"]
            for label, counts in zip(confusion["truth"], confusion["counts"], strict=True)
        ),
    ]


def notes(metrics: Metrics) -> list[str]:
    """Return what else is to be known of the scores, a sentence each."""
    said = [
        f"{count} clips of {emotion} are left out: the model does not know it; count it as another "
        f"with --map {emotion}=EMOTION."
        for emotion, count in metrics["left_out"].items()
    ]
    said += [f"{one} counts as {other}." for one, other in metrics["renamed"].items()]
    if metrics["no_speech"]:
        said.append(
            f"In {metrics['no_speech']} clips the model finds no speech; they count as wrong, and "
            "not for ECE and log loss."
        )
    if metrics["unreadable"]:
        said.append(f"{len(metrics['unreadable'])} clips cannot be read and do not count.")
    if metrics["trained_on_corpus"]:
        corpus = _OWN.get(metrics["corpus"], metrics["corpus"])
        said.append(
            f"The model was trained on {corpus}: if these are its speakers, the figures are better "
            "than for others."
        )
    ((_, scores),) = metrics["systems"].items()
    if scores["ua_interval"] is None:
        said.append(
            f"An interval over speakers takes {MIN_SPEAKERS} or more, each of them known; "
            f"{metrics['speakers']} are."
        )
        if not metrics["speakers"]:
            said.append("To say who speaks, make a folder for each speaker within each emotion's.")
    if len(metrics["by_speaker"]) > 1:
        by_speaker = {speaker: scores["ua"] for speaker, scores in metrics["by_speaker"].items()}
        ends = (end(by_speaker, key=by_speaker.__getitem__) for end in (min, max))
        worst, best = (f"{by_speaker[speaker]:.1f} ({speaker})" for speaker in ends)
        said.append(f"By speaker UA is {worst} to {best}.")
    return said


def score_report(metrics: Metrics) -> str:
    """Return the report to read, in Markdown."""
    parts = [
        f"# {metrics['model']} on {escape_markdown(metrics['root'])}",
        f"{metrics['clips']} clips, read as the corpus `{metrics['corpus']}`.",
        markdown_table(summary_rows(metrics)),
        "UA is the mean of the class recalls, WA the share of clips labelled right, F1 the mean of "
        "the classes, in percent; ECE is the expected calibration error, from 0 to 1; log loss is "
        "in nats. The interval resamples whole speakers.",
        "\n".join(f"- {escape_markdown(note)}" for note in notes(metrics)),
        "## Confusion",
        markdown_table(confusion_rows(metrics)),
    ]
    if metrics["by_speaker"]:
        rows = [["speaker", "clips", "UA", "WA"]]
        for speaker, scores in metrics["by_speaker"].items():
            rows.append(
                [speaker, str(scores["clips"]), f"{scores['ua']:.1f}", f"{scores['wa']:.1f}"]
            )
        parts += ["## By speaker", markdown_table(rows)]
    return "\n\n".join(filter(None, parts)) + "\n"


def predictions_table(setting: Setting, clips: Sequence[ScoredClip]) -> str:
    """Return a row a clip as CSV, in the columns that an evaluation's ``predictions.csv`` has."""
    header = ["name", "speaker", "sex", "truth", setting.system]
    header += [f"{setting.system} {label}" for label in setting.classes]
    rows = [header]
    for clip in clips:
        said, shares = clip.emotion, [f"{share:.6f}" for share in clip.probabilities]
        if said is None:
            said, shares = NO_SPEECH, [""] * len(setting.classes)
        rows.append([clip.name, clip.speaker or "", clip.sex or "", clip.truth, said, *shares])
    return table_text(rows)
