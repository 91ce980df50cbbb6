"""Timing contestants in turn: costs, spreads, and ratios that hold on a noisy machine."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from benchmarks.setting import REPOSITORY
from bilstm_hmm.errors import ToolkitError

LAUNCHER = Path(__file__).with_name("launcher.py")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process took: wall seconds, peak megabytes (10^6 bytes), and its standard output."""

    seconds: float
    megabytes: float
    output: str


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of some values, and the bounds of the others around it."""

    median: float
    low: float
    high: float


def measure(command: Sequence[str | Path]) -> Cost:
    """Run a command in the repository's root and return its cost.

    The peak is that of its largest process, or of all its processes together where that is more.

    Raises
    ------
    ToolkitError
        The command failed; the last line of what it said on standard error is told.
    """
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        report = Path(folder) / "report.json"
        done = subprocess.run(
            [sys.executable, "-I", "-S", LAUNCHER, report, *command],
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        if done.returncode != 0:
            reason = last_line(done.stderr) or f"exit status {done.returncode}"
            what = " ".join(Path(part).name for part in command[1:4])
            raise ToolkitError(f"{what}: it failed while it was measured: {reason}")
        measured = json.loads(report.read_text("utf-8"))
    return Cost(measured["seconds"], measured["peak"] / 1e6, done.stdout)


def last_line(text: str) -> str:
    """Return the last line of what a process said: that of a traceback names the error."""
    return (text.strip().splitlines() or [""])[-1]


def run_in_turns(
    contestants: Mapping[str, Callable[[], T]], turns: int, pause: float = 0.0
) -> dict[str, list[T]]:
    """Call every contestant once a turn, always in the same order; a list of results for each.

    What slows the machine for a while then slows all of them.

    Parameters
    ----------
    pause
        Seconds before each call, where contestants live on between their calls: the threads of
        numeric libraries spin for some time once they are done, and the next would pay for it.
    """
    results: dict[str, list[T]] = {name: [] for name in contestants}
    for _ in range(turns):
        for name, contestant in contestants.items():
            time.sleep(pause)
            results[name].append(contestant())
    return results


def spread(values: Sequence[float], outside: float = 0.0) -> Spread:
    """Return the median and the bounds that leave a share `outside` of the values at each end."""
    low, median, high = np.quantile(values, [outside, 0.5, 1.0 - outside])
    return Spread(float(median), float(low), float(high))


def ratio(theirs: Sequence[float], ours: Sequence[float], outside: float = 0.0) -> Spread:
    """Return the ratio of the medians, with the bounds of the ratios turn by turn."""
    turns = spread([a / b for a, b in zip(theirs, ours, strict=True)], outside)
    return Spread(float(np.median(theirs) / np.median(ours)), turns.low, turns.high)
