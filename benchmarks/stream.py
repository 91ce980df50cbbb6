"""A stream on one core: the share of it that following a voice takes, and how long an update."""

import json
import sys
from pathlib import Path

from benchmarks.clips import draw_clips, write_long_recording
from benchmarks.setting import Setting
from benchmarks.table import Section, cell
from benchmarks.timing import measure, run_in_turns, spread

#: Seconds of sound, and of a chunk, as a microphone gives them.
SECONDS = 300.0
CHUNK = 0.1


def run(setting: Setting) -> Section:
    """Measure `EmotionStream` on clips joined to one recording, in a process on one core."""
    clips = draw_clips(setting.corpora, setting.seed)
    wav = write_long_recording(clips, setting.scratch / "stream.wav", SECONDS)
    command: list[str | Path] = [sys.executable, "-m", "benchmarks.stream", wav, setting.model]
    costs = run_in_turns({"stream": lambda: measure(command)}, setting.repeats)["stream"]
    answers = [json.loads(cost.output.splitlines()[-1]) for cost in costs]
    rows = [["", "share of the core, %", "median update, ms", "95th percentile, ms", "peak, MB"]]
    columns = [[answer[key] for answer in answers] for key in ("share", "median", "late")]
    columns.append([cost.megabytes for cost in costs])
    rows.append(["EmotionStream", *(cell(spread(column)) for column in columns)])
    return Section(
        "A stream on one core",
        f"{SECONDS:g} s in chunks of {CHUNK:g} s, as fast as they are taken: median of "
        f"{setting.repeats} turns (least to most). The share is processor time over the time of "
        "the sound; an update is the time from a chunk that ends its interval to the update.",
        (rows,),
    )


def main() -> None:
    """Follow the recording, and print what it took as JSON."""
    import os
    import time

    import numpy as np
    import soundfile

    import bilstm_hmm

    wav, model = (Path(argument) for argument in sys.argv[1:])
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    samples, rate = soundfile.read(wav, dtype="float32")
    stream = bilstm_hmm.EmotionStream(bilstm_hmm.load(model), rate)
    updates, size = [], round(CHUNK * rate)
    started = time.process_time()
    for first in range(0, len(samples), size):
        before = time.perf_counter()
        if stream.push(samples[first : first + size]):
            updates.append(1e3 * (time.perf_counter() - before))
    stream.close()
    share = 100.0 * (time.process_time() - started) / (len(samples) / rate)
    median, late = np.percentile(updates, [50, 95]).tolist()
    print(json.dumps({"share": share, "median": median, "late": late}))


if __name__ == "__main__":
    main()
