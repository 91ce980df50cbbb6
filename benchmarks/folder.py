"""A folder of real clips: one command for all of them."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from bilstm_hmm.data.clip import Clip

from benchmarks.clips import audio_seconds, draw_clips, link_clips
from benchmarks.contestants import (
    ACCURATE,
    LIBROSA,
    NOT_FETCHED,
    ONE_VIEW,
    OPENSMILE,
    Command,
    ScriptResult,
    accurate_model,
    measure_script,
    opensmile_table,
    predict_command,
    script_command,
)
from benchmarks.peers import opensmile_svm
from benchmarks.setting import WARM_UP_CLIPS, Setting, usable_cores
from benchmarks.table import Section, cell, comparison
from benchmarks.timing import Cost, measure, run_in_turns, spread

Contestants = dict[str, Callable[[], Cost]]
OURS, SINGLE = "ours, predict.py --folder", "ours, a clip at a time"


def run(setting: Setting) -> Section:
    """Measure ``predict.py --folder``, the same path a clip at a time, and the peers' scripts."""
    all_clips = draw_clips(setting.corpora, setting.seed)
    clips = all_clips[: setting.clips]
    folder = link_clips(clips, setting.scratch / "folder")
    audio = audio_seconds(clips)
    labels: dict[str, list[str]] = {}
    contestants = _ours(setting, folder, labels)
    peers, notes = _peers(setting, all_clips)
    costs = run_in_turns(contestants | peers, setting.repeats)
    differ = sum(a != b for a, b in zip(labels[OURS], labels[SINGLE], strict=True))
    notes.append(f"Labels that differ between the two of ours: {differ} of {len(clips)}.")
    return Section(
        f"A folder of {len(clips)} clips",
        f"{audio:.0f} s of audio from {', '.join(sorted({clip.corpus for clip in clips}))}, the "
        f"whole process, disk warm: median of {setting.repeats} turns (least to most).",
        (_table(costs, len(clips), audio),),
        tuple(notes),
    )


def _ours(setting: Setting, folder: Path, labels: dict[str, list[str]]) -> Contestants:
    """All files at once, and a clip at a time; what they call the files comes into `labels`."""
    output = setting.scratch / "folder.jsonl"
    batched = _folder_command(setting.model, folder, output)
    single = script_command("single", setting.model, folder)

    def at_once() -> Cost:
        cost = measure(batched)
        labels[OURS] = emotions(output)
        return cost

    def one_by_one() -> Cost:
        result = measure_script(single)
        labels[SINGLE] = result.labels
        return result.cost

    return {OURS: at_once, SINGLE: one_by_one}


def _folder_command(model: Path, folder: Path, output: Path) -> Command:
    how = ["--format", "jsonl", "--jobs", str(usable_cores())]
    return predict_command(model, "--folder", folder, *how, "--output", output, "--overwrite")


def _peers(setting: Setting, all_clips: Sequence[Clip]) -> tuple[Contestants, list[str]]:
    """The scripts of others, on some of the clips, our model with an encoder, and notes."""
    clips, part = all_clips[: setting.clips], all_clips[: min(setting.slow_clips, setting.clips)]
    folder = link_clips(part, setting.scratch / "part")
    share = audio_seconds(part[WARM_UP_CLIPS:]) / max(audio_seconds(clips[WARM_UP_CLIPS:]), 1e-9)
    peers = {LIBROSA: _on_part(script_command("straightforward", setting.model, folder), share)}
    notes = [ONE_VIEW, "The peak adds up processes; memory that they share counts in each."]
    if opensmile_svm.is_installed():
        table = opensmile_table(setting, all_clips)
        peers[OPENSMILE] = _on_part(script_command("opensmile_svm", "label", table, folder), share)
        notes.append("openSMILE runs in a process a core.")
    else:
        notes.append(opensmile_svm.NOT_INSTALLED)
    accurate = accurate_model()
    if accurate is not None:
        output = setting.scratch / "accurate.jsonl"
        command = _folder_command(accurate, setting.scratch / "folder", output)
        peers[ACCURATE] = partial(measure, command)
    else:
        notes.append(NOT_FETCHED)
    if len(part) < len(clips):
        notes.append(
            f"The scripts labelled {len(part)} of the clips; the time of their labelling is scaled "
            "up by the seconds of audio, that of their start and first "
            f"{WARM_UP_CLIPS} clips is not."
        )
    return peers, notes


def emotions(output: Path) -> list[str]:
    """Return the labels in a file of the format jsonl, in the order of the files."""
    rows = [json.loads(line) for line in output.read_text("utf-8").splitlines()]
    return [str(row["emotion"]) for row in sorted(rows, key=lambda row: str(row["file"]))]


def scale_cost(result: ScriptResult, share: float) -> Cost:
    """Return what all the audio would take, where `result` is of a share of it.

    Its start, the first clips included, is not scaled.
    """
    start = result.cost.seconds - result.seconds
    return replace(result.cost, seconds=start + (result.seconds / share if share else 0.0))


def _on_part(command: Command, share: float) -> Callable[[], Cost]:
    return lambda: scale_cost(measure_script(command), share)


def _table(costs: dict[str, list[Cost]], clips: int, audio: float) -> Sequence[Sequence[str]]:
    seconds = {name: [c.seconds for c in turns] for name, turns in costs.items()}
    further: dict[str, dict[str, str]] = {"clips/s": {}, "times real time": {}, "peak, MB": {}}
    for name, values in seconds.items():
        further["clips/s"][name] = cell(spread([clips / value for value in values]))
        further["times real time"][name] = cell(spread([audio / value for value in values]))
        further["peak, MB"][name] = cell(spread([c.megabytes for c in costs[name]]))
    return comparison(seconds, unit="wall, s", further=further)
