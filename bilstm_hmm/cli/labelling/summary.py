"""What became of several recordings, in one line."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bilstm_hmm.cli.durations import hours_minutes
from bilstm_hmm.output.label_tracks import escape_unprintable
from bilstm_hmm.prediction import Failure, Result

_MAX_EMOTIONS = 20


@dataclass(slots=True)
class Summary:
    """Counts results as they are written.

    Attributes
    ----------
    clock
        Seconds, from any moment on.
    """

    clock: Callable[[], float] = time.monotonic
    n_failed: int = 0
    n_silent: int = 0
    n_unsure: int = 0
    seconds: float = 0.0
    emotions: Counter[str] = field(default_factory=Counter)
    started: float = field(init=False)

    def __post_init__(self) -> None:
        self.started = self.clock()

    def add(self, result: Result) -> None:
        """Take the next result."""
        if isinstance(result, Failure):
            self.n_failed += 1
            return
        self.seconds += result.duration
        # Without speech there is no emotion.
        emotion: str | None = result.emotion
        if result.unsure:
            self.n_unsure += 1
        elif emotion is None:
            self.n_silent += 1
        else:
            self.emotions[emotion] += 1

    def line(self, output: Path | None, n_before: int, n_others: int) -> str:
        """Return everything in one line.

        Parameters
        ----------
        output
            Where the results were written, None for standard output.
        n_before
            Recordings that an earlier run had labelled.
        n_others
            Files that are no recordings.
        """
        elapsed = max(self.clock() - self.started, 1e-9)
        counts = ", ".join(
            f"{escape_unprintable(name)} {count}"
            for name, count in self.emotions.most_common(_MAX_EMOTIONS)
        )
        done = [f"{self.emotions.total()} labelled{f' ({counts})' if counts else ''}"]
        if self.n_unsure:
            done.append(f"{self.n_unsure} unsure")
        done += [f"{self.n_silent} no speech", f"{self.n_failed} failed"]
        if n_before:
            done.append(f"{n_before} labelled before")
        parts = [", ".join(done)]
        if self.seconds:
            speed = self.seconds / elapsed
            parts.append(f"{hours_minutes(self.seconds)} of audio, {speed:.3g} times real time")
        if output is not None:
            parts.append(f"written to {escape_unprintable(str(output))}")
        if n_others:
            parts.append(f"{n_others} other file{'s' if n_others > 1 else ''} left out")
        return "; ".join(parts) + "."
