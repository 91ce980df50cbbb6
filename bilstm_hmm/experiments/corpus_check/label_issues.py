"""The labels of a collection that posteriors contradict: from a run, or from a quick classifier."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bilstm_hmm.atomic_files import atomic_folder
from bilstm_hmm.config.loading import load_recipe
from bilstm_hmm.data.clip import Clip
from bilstm_hmm.data.corpora.corpus import has_known_speaker
from bilstm_hmm.data.corpora.registry import scan_corpus
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.evaluation.label_issues.confident_learning import find_label_issues, label_indices
from bilstm_hmm.evaluation.label_issues.page import review_page
from bilstm_hmm.evaluation.label_issues.predictions import (
    PREDICTIONS,
    JudgedClips,
    read_predictions,
)
from bilstm_hmm.evaluation.label_issues.review import Review, ReviewClip, manifest_text, ordered
from bilstm_hmm.experiments.run_folder import CONFIG
from bilstm_hmm.training.dataset import load_dataset

PAGE, MANIFEST = "index.html", "manifest.csv"


def review_run(run: Path, root: Path | None = None, system: str | None = None) -> Review:
    """Return which labels of a run's clips its posteriors contradict.

    Parameters
    ----------
    run
        The folder of an evaluation, of a training, or of ``score``.
    root
        Where the audio lies; None for where the run had it.
    system
        Whose posteriors are taken: those of ``hybrid`` where None, or the first there are.

    Raises
    ------
    ToolkitError, DataError
        No predictions, or clips that are not there any more.
    """
    judged = read_predictions(run / PREDICTIONS, system)
    if root is None:
        clips = [_listed(clip) for clip in _run_clips(run)]
    else:
        rows = zip(judged.names, judged.labels, judged.speakers, strict=True)
        clips = [ReviewClip(root / name, name, label, speaker) for name, label, speaker in rows]
    return make_review(run.resolve().name, f"{judged.system} of {run}", judged, clips)


def review_clips(title: str, clips: Sequence[Clip], judged: JudgedClips) -> Review:
    """Return which labels of clips, whose names are all different, are contradicted."""
    return make_review(title, judged.system, judged, [_listed(clip) for clip in clips])


def make_review(title: str, judge: str, judged: JudgedClips, clips: Sequence[ReviewClip]) -> Review:
    """Return a review of clips, of which some or all were judged; the others are in it as well.

    Raises
    ------
    ToolkitError
        A file is missing that was judged.
    """
    labels = label_indices(judged.labels, judged.classes)
    issues = {issue.clip: issue for issue in find_label_issues(judged.probabilities, labels)}
    listed = {clip.name: clip for clip in clips}
    for number, name in enumerate(judged.names):
        clip = listed.get(name)
        if clip is None or not clip.path.is_file():
            where = f" at {clip.path}" if clip is not None else ""
            raise ToolkitError(
                f"{name}: there is no such clip{where}; say with --root where the audio lies."
            )
        # The label that was judged: another may have been corrected since.
        listed[name] = replace(clip, label=judged.labels[number], issue=issues.get(number))
    return Review(title, judge, judged.classes, ordered(listed.values()), len(judged.names))


def write_review(review: Review, folder: Path) -> None:
    """Write the page and the manifest into a new folder.

    Raises
    ------
    ToolkitError
        The folder is in use, or cannot be written.
    """
    refuse_used(folder)
    with atomic_folder(folder) as made:
        (made / PAGE).write_text(review_page(review, folder), encoding="utf-8")
        (made / MANIFEST).write_text(manifest_text(review, folder), encoding="utf-8", newline="")


def refuse_used(folder: Path) -> None:
    """Raise `ToolkitError` where something is at `folder`, such as labels that were corrected."""
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise ToolkitError(
            f"--output {folder}: it is there already, and may have corrected labels in it; choose "
            "another folder."
        )


def _listed(clip: Clip) -> ReviewClip:
    return ReviewClip(clip.path, clip.name, clip.emotion, manifest_speaker(clip))


def manifest_speaker(clip: Clip) -> str:
    """Return a clip's speaker as a manifest is to name it; empty where unknown."""
    if not has_known_speaker(clip):
        return ""
    own = ("folders-", "manifest-")
    return next((clip.speaker.removeprefix(p) for p in own if clip.speaker.startswith(p)), "") or (
        clip.speaker
    )


def _run_clips(run: Path) -> Sequence[Clip]:
    if (run / CONFIG).is_file():
        return load_dataset(load_recipe(str(run / CONFIG)).data).clips
    scored = _scored_collection(run / "metrics.json")
    if scored is None:
        raise ToolkitError(f"{run}: it does not say where its clips lie; add --root DIR.")
    return scan_corpus(scored["corpus"], Path(scored["root"])).clips


def _scored_collection(metrics: Path) -> dict[str, Any] | None:
    """Return the corpus and the root that a run of ``score`` was on."""
    try:
        document = json.loads(metrics.read_text(encoding="utf-8"))
        return {key: str(document[key]) for key in ("corpus", "root")}
    except (OSError, ValueError, KeyError, TypeError):
        return None
