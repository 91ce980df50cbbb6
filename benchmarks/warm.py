"""One short recording inside a running process: from the bytes of a wav file to a label."""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bilstm_hmm.data.clip import Clip

from benchmarks import warm_worker
from benchmarks.clips import draw_clips, write_short_recording
from benchmarks.contestants import LIBROSA, ONE_VIEW, OPENSMILE, opensmile_table
from benchmarks.peers import opensmile_svm
from benchmarks.setting import REPOSITORY, Setting
from benchmarks.table import Rows, Section, cell, comparison
from benchmarks.timing import last_line, run_in_turns, spread
from benchmarks.variants import write_variant
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.inference.bundle_files import read_bundle

SECONDS = 3.0
# A call takes milliseconds, so there are many in each of the turns asked for.
CALLS = 20
# Before each call. OpenBLAS spins for about 0.1 s, and more where several libraries have it.
PAUSE = 0.3
QUARTILE = 0.25


def run(setting: Setting) -> Section:
    """Measure the toolkit's Python interface and the peers' functions, each in its own process.

    All processes are there from the beginning, and one of them works at a time.
    """
    clips = draw_clips(setting.corpora, setting.seed)
    wav = write_short_recording(clips, setting.scratch / "warm.wav", SECONDS)
    workers, notes = _workers(setting, clips)
    turns = CALLS * setting.repeats
    with ExitStack() as stack:
        contestants = {
            name: stack.enter_context(start_worker(kind, wav, what))
            for name, (kind, what) in workers.items()
        }
        run_in_turns(contestants, 3)  # the first calls set things up
        answers = run_in_turns(contestants, turns, PAUSE)
    return Section(
        f"One {SECONDS:g}-second clip in a running process",
        f"From the bytes of a wav file to a label: median of {turns} turns (quartiles), "
        f"{PAUSE:g} s after the contestant before has answered.",
        (_table(answers),),
        tuple(notes),
    )


def _workers(
    setting: Setting, clips: Sequence[Clip]
) -> tuple[dict[str, tuple[str, Path]], list[str]]:
    """The kind of each worker and what it labels with, ours first, and notes."""
    workers = {"ours, Model.predict": (warm_worker.OURS, setting.model)}
    notes = [
        ONE_VIEW,
        "Processor time is of all cores, until the next call of the same process: what its threads "
        "do behind a label counts.",
    ]
    if len(read_bundle(setting.model).recipe.decision.warps) > 1:
        single = write_variant(setting.model, setting.scratch / "one-view", warps=(1.0,))
        workers["ours, one vocal-tract length"] = (warm_worker.OURS, single)
    workers[LIBROSA] = (warm_worker.LIBROSA, setting.model)
    if opensmile_svm.is_installed():
        workers[OPENSMILE] = (warm_worker.OPENSMILE, opensmile_table(setting, clips))
    else:
        notes.append(opensmile_svm.NOT_INSTALLED)
    return workers, notes


def _table(answers: Mapping[str, Sequence[tuple[float, float]]]) -> Rows:
    seconds = {name: [wall for wall, _ in calls] for name, calls in answers.items()}
    # The first answer tells of a call before the pauses.
    processor = {
        name: cell(spread([1e3 * used for _, used in calls[1:]], QUARTILE))
        for name, calls in answers.items()
    }
    further = {"processor time, ms": processor}
    return comparison(seconds, unit="ms", scale=1e3, outside=QUARTILE, further=further)


@contextmanager
def start_worker(kind: str, wav: Path, what: Path) -> Iterator[Callable[[], tuple[float, float]]]:
    """Start a worker, wait until it is ready, and yield what asks it to label once.

    The answer is the seconds of the label, and the processor time since the request before.

    Raises
    ------
    ToolkitError
        The worker ended, at the start or later; the last line of what it said is told.
    """
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.warm_worker", kind, wav, what],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            encoding="utf-8",
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        requests, answers = process.stdin, process.stdout

        def answer() -> str:
            line = answers.readline()
            if not line:
                errors.seek(0)
                reason = last_line(errors.read().decode("utf-8", "replace"))
                raise ToolkitError(f"{kind}: it ended while it was measured: {reason}")
            return line

        def ask() -> tuple[float, float]:
            requests.write("\n")
            requests.flush()
            seconds, used = map(float, answer().split())
            return seconds, used

        answer()
        yield ask
