"""A folder of real clips: one command for all of them."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks.clips import audio_seconds, drawn_clips, linked
from benchmarks.contestants import (
    ACCURATE,
    LIBROSA,
    NOT_FETCHED,
    ONE_VIEW,
    OPENSMILE,
    Command,
    Labelled,
    accurate_model,
    labelled,
    opensmile_table,
    predict,
    script,
)
from benchmarks.peers import opensmile_svm
from benchmarks.setting import FIRST, Setting, usable_cores
from benchmarks.table import Section, cell, comparison
from benchmarks.timing import Cost, in_turn, measured, spread

OURS, SINGLE = "ours, predict.py --folder", "ours, a clip at a time"


def run(setting: Setting) -> Section:
    """Measure ``predict.py --folder``, the same path a clip at a time, and the peers' scripts."""
    drawn = drawn_clips(setting.corpora, setting.seed)
    clips, part = drawn[: setting.clips], drawn[: min(setting.slow_clips, setting.clips)]
    folder = linked(clips, setting.scratch / "folder")
    part_folder = linked(part, setting.scratch / "part")
    audio = audio_seconds(clips)
    share = audio_seconds(part[FIRST:]) / max(audio_seconds(clips[FIRST:]), 1e-9)
    output = setting.scratch / "folder.jsonl"
    what: list[str | Path] = ["--folder", folder, "--format", "jsonl"]
    what += ["--jobs", str(usable_cores()), "--output"]
    ours = predict(setting.model, *what, output)
    single = script("single", setting.model, folder)
    found: dict[str, list[str]] = {}

    def batched() -> Cost:
        cost = measured(ours)
        found[OURS] = emotions(output)
        return cost

    def one_by_one() -> Cost:
        told = labelled(single)
        found[SINGLE] = told.labels
        return told.cost

    contestants: dict[str, Callable[[], Cost]] = {OURS: batched, SINGLE: one_by_one}
    contestants[LIBROSA] = _on_part(script("straightforward", setting.model, part_folder), share)
    notes = [ONE_VIEW, "The peak adds up processes; memory that they share counts in each."]
    if opensmile_svm.installed():
        table = opensmile_table(setting, drawn)
        opensmile = script("opensmile_svm", "label", table, part_folder)
        contestants[OPENSMILE] = _on_part(opensmile, share)
        notes.append("openSMILE runs in a process a core.")
    else:
        notes.append(opensmile_svm.NOT_INSTALLED)
    accurate = accurate_model()
    if accurate is not None:
        command = predict(accurate, *what, setting.scratch / "accurate.jsonl")
        contestants[ACCURATE] = partial(measured, command)
    else:
        notes.append(NOT_FETCHED)
    if len(part) < len(clips):
        notes.append(
            f"The peers labelled {len(part)} of the clips; the time of their labelling is scaled "
            f"up by the seconds of audio, that of their start and first {FIRST} clips is not."
        )
    costs = in_turn(contestants, setting.repeats)
    differ = sum(a != b for a, b in zip(found[OURS], found[SINGLE], strict=True))
    notes.append(f"Labels that differ between the two of ours: {differ} of {len(clips)}.")
    return Section(
        f"A folder of {len(clips)} clips",
        f"{audio:.0f} s of audio from {', '.join(sorted({clip.corpus for clip in clips}))}, the "
        f"whole process, disk warm: median of {setting.repeats} turns (least to most).",
        (_table(costs, len(clips), audio),),
        tuple(notes),
    )


def emotions(output: Path) -> list[str]:
    """Return the labels in a file of the format jsonl, in the order of the files."""
    rows = [json.loads(line) for line in output.read_text("utf-8").splitlines()]
    return [str(row["emotion"]) for row in sorted(rows, key=lambda row: str(row["file"]))]


def scaled(told: Labelled, share: float) -> Cost:
    """Return what all the audio would take, where `told` is of a share of it.

    Its start, the first clips included, is not scaled.
    """
    start = told.cost.seconds - told.seconds
    return replace(told.cost, seconds=start + (told.seconds / share if share else 0.0))


def _on_part(command: Command, share: float) -> Callable[[], Cost]:
    return lambda: scaled(labelled(command), share)


def _table(costs: dict[str, list[Cost]], clips: int, audio: float) -> Sequence[Sequence[str]]:
    seconds = {name: [c.seconds for c in found] for name, found in costs.items()}
    further: dict[str, dict[str, str]] = {"clips/s": {}, "times real time": {}, "peak, MB": {}}
    for name, values in seconds.items():
        further["clips/s"][name] = cell(spread([clips / value for value in values]))
        further["times real time"][name] = cell(spread([audio / value for value in values]))
        further["peak, MB"][name] = cell(spread([c.megabytes for c in costs[name]]))
    return comparison(seconds, unit="wall, s", further=further)
