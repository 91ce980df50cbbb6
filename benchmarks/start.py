"""One short recording from a shell: the whole process, from starting Python to its end."""

from collections.abc import Callable
from functools import partial

from benchmarks.clips import drawn_clips, short_recording
from benchmarks.contestants import (
    ACCURATE,
    LIBROSA,
    NOT_FETCHED,
    ONE_VIEW,
    OPENSMILE,
    accurate_model,
    labelled,
    opensmile_table,
    predict,
    script,
)
from benchmarks.peers import opensmile_svm
from benchmarks.setting import Setting
from benchmarks.table import Section, cell, comparison
from benchmarks.timing import Cost, in_turn, measured, spread

SECONDS = 3.0


def run(setting: Setting) -> Section:
    """Measure ``predict.py --file`` and the scripts of the peers."""
    clips = drawn_clips(setting.corpora, setting.seed)
    wav = short_recording(clips, setting.scratch / "start.wav", SECONDS)
    ours = predict(setting.model, "--file", wav)
    librosa = script("straightforward", setting.model, wav)
    contestants: dict[str, Callable[[], Cost]] = {
        "ours, predict.py --file": partial(measured, ours),
        LIBROSA: lambda: labelled(librosa).cost,
    }
    notes = [ONE_VIEW]
    if opensmile_svm.installed():
        opensmile = script("opensmile_svm", "label", opensmile_table(setting, clips), wav)
        contestants[OPENSMILE] = lambda: labelled(opensmile).cost
    else:
        notes.append(opensmile_svm.NOT_INSTALLED)
    accurate = accurate_model()
    if accurate is not None:
        contestants[ACCURATE] = partial(measured, predict(accurate, "--file", wav))
    else:
        notes.append(NOT_FETCHED)
    in_turn(contestants, 1)  # warms the disk
    costs = in_turn(contestants, setting.repeats)
    seconds = {name: [c.seconds for c in found] for name, found in costs.items()}
    peaks = {name: cell(spread([c.megabytes for c in found])) for name, found in costs.items()}
    return Section(
        f"One {SECONDS:g}-second clip from a shell",
        f"The whole process, disk warm: median of {setting.repeats} turns (least to most).",
        (comparison(seconds, unit="wall, s", further={"peak, MB": peaks}),),
        tuple(notes),
    )
