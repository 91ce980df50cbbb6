"""The protocol ``conditions``: one model, the same labelled clips, clean and spoilt in many ways.

What is measured is what a user gets: every clip is a file that is decoded, searched for speech and
labelled as `predict` does it.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bilstm_hmm.atomic_files import atomic_write, write_error
from bilstm_hmm.data.clip import Clip
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.experiments.conditions.clips import SEED, DegradedClips, draw_clips
from bilstm_hmm.experiments.conditions.report import condition_metrics, condition_report
from bilstm_hmm.experiments.conditions.results import Said, read_said, said_of, write_said
from bilstm_hmm.experiments.score import LabelledClips, Labeller, setting_of
from bilstm_hmm.features.degradation.conditions import CONDITIONS, Condition
from bilstm_hmm.inference.bundle import Bundle
from bilstm_hmm.progress import Progress

#: Clips that lie on the disk as a condition leaves them, at a time.
_AT_A_TIME = 512
_SETTING = "setting.json"


@dataclass(frozen=True, slots=True)
class ConditionsRun:
    """A model, the clips that it is measured on, and where what it says of them is kept.

    Attributes
    ----------
    label
        Labels files with the model.
    folder
        With ``metrics.json`` and ``report.md`` in the end, and a table of each condition.
    """

    bundle: Bundle
    labelled: LabelledClips
    label: Labeller
    folder: Path
    jobs: int


def open_conditions_run(
    bundle: Bundle, labelled: LabelledClips, limit: int | None, folder: Path, resume: bool
) -> LabelledClips:
    """Make or reopen the folder of a run, and return its clips: `limit` of them at most.

    Raises
    ------
    ToolkitError
        The folder is in use, there is nothing to resume, or it is of another model or clips.
    """
    clips = draw_clips(labelled.clips, limit)
    setting = _setting(bundle, labelled, clips)
    path = folder / _SETTING
    if resume:
        if not path.is_file():
            raise ToolkitError(f"{folder}: no run to resume there; leave out --resume.")
        if path.read_text(encoding="utf-8") != setting:
            raise ToolkitError(
                f"{folder}: it is of another model, other clips or another version; choose another "
                "--output."
            )
    else:
        if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
            raise ToolkitError(
                f"--output {folder}: it is there already; add --resume to go on with a run in it, "
                "or choose another."
            )
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise write_error(folder, error) from None
        atomic_write(path, setting)
    return LabelledClips(labelled.corpus, labelled.root, clips, labelled.left_out, labelled.renamed)


def _setting(bundle: Bundle, labelled: LabelledClips, clips: Sequence[Clip]) -> str:
    names = "\n".join(f"{clip.name} {clip.emotion}" for clip in clips)
    setting = {
        "model": bundle.model_id,
        "classes": list(bundle.classes),
        "corpus": labelled.corpus,
        "clips": len(clips),
        "names": hashlib.sha256(names.encode("utf-8", "surrogatepass")).hexdigest(),
        "conditions": {name: one.description for name, one in CONDITIONS.items()},
        "seed": SEED,
    }
    return json.dumps(setting, indent=2) + "\n"


def evaluate_conditions(run: ConditionsRun, progress: Progress) -> dict[str, Any]:
    """Label the clips in every condition that is not done yet; write and return the scores.

    Raises
    ------
    ToolkitError
        No clip can be read.
    """
    labelled, bundle = run.labelled, run.bundle
    by_name = {clip.name: clip for clip in labelled.clips}
    clips = DegradedClips(labelled.clips, bundle.recipe.features.rate, run.jobs)
    by_condition: dict[str, list[Said]] = {}
    for done, (name, condition) in enumerate(CONDITIONS.items()):
        path = run.folder / f"{name}.csv"
        if not path.is_file():
            progress.message(f"{condition.description} ({done + 1} of {len(CONDITIONS)})")
            said = list(_label(run, clips, condition, progress))
            _refuse_unreadable(labelled.root, said)
            write_said(path, said, bundle.classes)
        # Read back, so that an interruption makes no difference.
        by_condition[name] = read_said(path, by_name)
    metrics = dict(condition_metrics(setting_of(bundle, labelled), by_condition))
    text = json.dumps(metrics, indent=2, ensure_ascii=False)
    atomic_write(run.folder / "metrics.json", text + "\n")
    atomic_write(run.folder / "report.md", condition_report(metrics))
    return metrics


def _label(
    run: ConditionsRun, clips: DegradedClips, condition: Condition, progress: Progress
) -> Iterable[Said]:
    total = len(clips.clips)
    for start in range(0, total, _AT_A_TIME):
        part = clips.clips[start : start + _AT_A_TIME]
        with clips.files(part, condition) as files:
            results = zip(part, run.label(files), strict=True)
            for count, (clip, result) in enumerate(results, start + 1):
                progress.update("Labelling", count, total)
                yield said_of(clip, result)


def _refuse_unreadable(root: Path, said: Sequence[Said]) -> None:
    if all(one.clip is None for one in said):
        raise ToolkitError(f"{root}: no clip can be read: {said[0].error}")
