"""Scoring a model that is there on labelled clips: of one's own, or of a corpus."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bilstm_hmm.atomic_files import atomic_folder
from bilstm_hmm.data.clip import Clip
from bilstm_hmm.data.corpora.corpus import has_known_speaker
from bilstm_hmm.data.corpora.emotion_names import canonical_emotion
from bilstm_hmm.data.corpora.registry import CORPORA, corpus_at, scan_corpus
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.evaluation.model_scores import (
    ScoredClip,
    Setting,
    compute_score_metrics,
    predictions_table,
    score_report,
)
from bilstm_hmm.evaluation.unheard.report import known_section
from bilstm_hmm.inference.bundle import Bundle, trained_corpora
from bilstm_hmm.prediction import Failure, Result

#: What labels files, in their order.
Labeller = Callable[[Sequence[Path]], Iterable[Result]]


@dataclass(frozen=True, slots=True)
class LabelledClips:
    """Clips that a model can be scored on, and what of them is left out, as in `Setting`."""

    corpus: str
    root: Path
    clips: tuple[Clip, ...]
    left_out: Mapping[str, int]
    renamed: Mapping[str, str]


def read_clips(
    corpus: str, root: Path | None, classes: Sequence[str], renamed: Mapping[str, str]
) -> LabelledClips:
    """Find labelled clips, of the emotions that a model knows.

    Parameters
    ----------
    corpus
        The name of a corpus, or the path of a folder or a manifest.
    root
        Where the corpus lies that is given by its name.
    classes
        The emotions of the model.
    renamed
        Emotions that count as others.

    Raises
    ------
    ToolkitError
        There is no such corpus, or an emotion to be renamed that there is not; or no clip is left.
    DataError
        What `scan_corpus` raises.
    """
    name, folder = _place(corpus, root)
    clips = scan_corpus(name, folder).clips
    there = dict.fromkeys(clip.emotion for clip in clips)
    renamed = {canonical_emotion(one) or one: other for one, other in renamed.items()}
    for one, other in renamed.items():
        if one not in there:
            raise ToolkitError(f"--map {one}={other}: no clip is {one}; there are {_list(there)}.")
        if other not in classes:
            raise ToolkitError(
                f"--map {one}={other}: the model does not know {other}; it knows {_list(classes)}."
            )
    clips = tuple(replace(clip, emotion=renamed.get(clip.emotion, clip.emotion)) for clip in clips)
    left_out = Counter(clip.emotion for clip in clips if clip.emotion not in classes)
    kept = tuple(clip for clip in clips if clip.emotion in classes)
    if not kept:
        raise ToolkitError(
            f"{folder}: none of its emotions ({_list(there)}) is one that the model knows "
            f"({_list(classes)}); say with --map which counts as which."
        )
    return LabelledClips(name, folder, kept, left_out, renamed)


def _place(corpus: str, root: Path | None) -> tuple[str, Path]:
    """Return the name of a corpus and where it lies."""
    if root is not None:
        return corpus, root
    path = Path(corpus)
    if path.exists():
        return corpus_at(path).name, path
    if corpus in CORPORA:
        raise ToolkitError(f"--corpus {corpus}: say where it lies, with --root DIR.")
    raise ToolkitError(
        f"--corpus {corpus}: neither a folder or a manifest nor a corpus; give a folder with a "
        f"folder for each emotion, a CSV file, or one of {_list(CORPORA)} with --root DIR."
    )


def setting_of(
    bundle: Bundle, labelled: LabelledClips, unreadable: Mapping[str, str] | None = None
) -> Setting:
    """Return what a report says of the model and the clips that it is measured on."""
    return Setting(
        model=bundle.model_id,
        system=bundle.recipe.decision.system,
        classes=bundle.classes,
        corpus=labelled.corpus,
        root=str(labelled.root),
        left_out=labelled.left_out,
        renamed=labelled.renamed,
        unreadable=unreadable or {},
        knows_corpus=labelled.corpus in trained_corpora(bundle.recipe),
    )


def score(
    bundle: Bundle,
    labelled: LabelledClips,
    label: Labeller,
    output: Path | None,
    known: Callable[[Sequence[Clip]], dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Label the clips and return the scores, see `compute_score_metrics`; write the report as well.

    Parameters
    ----------
    known
        Gives the scores with the voices known of the clips that can be read, see
        `score_known_voices`; they are ``known`` in the result.
    output
        The folder for ``metrics.json``, ``report.md`` and ``predictions.csv``; None for none.

    Raises
    ------
    ToolkitError
        The folder is in use or cannot be written, or no clip can be read.
    """
    refuse_used(output)
    scored, unreadable = [], {}
    results = label([clip.path for clip in labelled.clips])
    for clip, result in zip(labelled.clips, results, strict=True):
        if isinstance(result, Failure):
            unreadable[clip.name] = result.error
            continue
        scored.append(
            ScoredClip(
                clip.name,
                clip.speaker if has_known_speaker(clip) else None,
                clip.sex,
                clip.emotion,
                result.emotion,
                tuple((result.probabilities or {}).values()),
            )
        )
    if not scored:
        raise ToolkitError(
            f"{labelled.root}: no clip can be read: {next(iter(unreadable.values()))}"
        )
    setting = setting_of(bundle, labelled, unreadable)
    metrics = compute_score_metrics(setting, scored)
    report = score_report(metrics)
    if known is not None:
        metrics["known"] = known([c for c in labelled.clips if c.name not in unreadable])
        report += "\n" + known_section(metrics)
    if output is not None:
        with atomic_folder(output) as folder:
            text = json.dumps(metrics, indent=2, ensure_ascii=False)
            (folder / "metrics.json").write_text(text + "\n", encoding="utf-8")
            (folder / "report.md").write_text(report, encoding="utf-8")
            table = predictions_table(setting, scored)
            (folder / "predictions.csv").write_text(table, encoding="utf-8", newline="")
    return metrics


def refuse_used(output: Path | None) -> None:
    """Raise a `ToolkitError` where something is in the way of an output folder."""
    if output is None or not output.exists():
        return
    if not output.is_dir():
        raise ToolkitError(f"--output {output}: it is a file; give the name of a folder.")
    if any(output.iterdir()):
        raise ToolkitError(f"--output {output}: the folder is not empty; choose another.")


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)
