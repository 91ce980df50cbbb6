"""One short recording from a shell: the whole process, from starting Python to its end."""

from collections.abc import Callable
from functools import partial

from benchmarks.clips import draw_clips, write_short_recording
from benchmarks.contestants import (
    ACCURATE,
    LIBROSA,
    NOT_FETCHED,
    ONE_VIEW,
    OPENSMILE,
    accurate_model,
    measure_script,
    opensmile_table,
    predict_command,
    script_command,
)
from benchmarks.peers import opensmile_svm
from benchmarks.setting import Setting
from benchmarks.table import Section, cell, comparison
from benchmarks.timing import Cost, measure, run_in_turns, spread

SECONDS = 3.0


def run(setting: Setting) -> Section:
    """Measure ``predict.py --file`` and the scripts of the peers."""
    clips = draw_clips(setting.corpora, setting.seed)
    wav = write_short_recording(clips, setting.scratch / "start.wav", SECONDS)
    ours = predict_command(setting.model, "--file", wav)
    librosa = script_command("straightforward", setting.model, wav)
    contestants: dict[str, Callable[[], Cost]] = {
        "ours, predict.py --file": partial(measure, ours),
        LIBROSA: lambda: measure_script(librosa).cost,
    }
    notes = [ONE_VIEW]
    if opensmile_svm.is_installed():
        opensmile = script_command("opensmile_svm", "label", opensmile_table(setting, clips), wav)
        contestants[OPENSMILE] = lambda: measure_script(opensmile).cost
    else:
        notes.append(opensmile_svm.NOT_INSTALLED)
    accurate = accurate_model()
    if accurate is not None:
        contestants[ACCURATE] = partial(measure, predict_command(accurate, "--file", wav))
    else:
        notes.append(NOT_FETCHED)
    run_in_turns(contestants, 1)  # warms the disk
    costs = run_in_turns(contestants, setting.repeats)
    seconds = {name: [c.seconds for c in turns] for name, turns in costs.items()}
    peaks = {name: cell(spread([c.megabytes for c in turns])) for name, turns in costs.items()}
    return Section(
        f"One {SECONDS:g}-second clip from a shell",
        f"The whole process, disk warm: median of {setting.repeats} turns (least to most).",
        (comparison(seconds, unit="wall, s", further={"peak, MB": peaks}),),
        tuple(notes),
    )
