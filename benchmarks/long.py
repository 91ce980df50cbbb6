"""A recording of hours: time and memory of one command, with and without the timeline."""

from collections.abc import Callable
from functools import partial

from benchmarks.clips import draw_clips, write_long_recording
from benchmarks.contestants import predict_command
from benchmarks.setting import Setting
from benchmarks.table import Section, cell
from benchmarks.timing import Cost, measure, run_in_turns, spread


def run(setting: Setting) -> Section:
    """Measure ``predict.py --file`` on clips joined to one recording."""
    clips = draw_clips(setting.corpora, setting.seed)
    wav = write_long_recording(clips, setting.scratch / "long.wav", setting.seconds)
    wav.read_bytes()
    output = setting.scratch / "long.json"
    plain = predict_command(setting.model, "--file", wav, "--output", output, "--overwrite")
    contestants: dict[str, Callable[[], Cost]] = {
        "predict.py --file": partial(measure, plain),
        "predict.py --file --timeline": partial(measure, [*plain, "--timeline"]),
    }
    rows = [["", "wall, s", "times real time", "peak, MB"]]
    for name, costs in run_in_turns(contestants, setting.repeats).items():
        seconds = [cost.seconds for cost in costs]
        rows.append(
            [
                name,
                cell(spread(seconds)),
                cell(spread([setting.seconds / value for value in seconds])),
                cell(spread([cost.megabytes for cost in costs])),
            ]
        )
    wav.unlink()
    return Section(
        f"A recording of {setting.seconds / 3600:.3g} hours",
        "Clips joined to one 16 kHz wav file, ours alone, the whole process, disk warm: median of "
        f"{setting.repeats} turns (least to most).",
        (rows,),
    )
