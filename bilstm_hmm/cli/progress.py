"""What a person at the terminal sees: progress on standard error, and a log beside the run."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bilstm_hmm import __version__
from bilstm_hmm.atomic_files import write_error
from bilstm_hmm.cli.durations import hours_minutes, pace
from bilstm_hmm.cli.run_time import RunTime
from bilstm_hmm.output.label_tracks import escape_unprintable

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

LOG = logging.getLogger("bilstm_hmm")


#: How the log of a process begins, so that a run that was resumed has several.
STARTED = "Started: bilstm-hmm"
#: Seconds between the lines that stand for a moving bar where none is seen.
LINE_INTERVAL = 30.0


@dataclass(slots=True)
class ConsoleProgress:
    """Shows one bar, which an epoch or a clip moves on, and logs what is reported.

    Where standard error is no terminal, and in the log, a line now and then stands for the bar.

    Attributes
    ----------
    clock
        Seconds, from any moment on.
    """

    bar: "Bar"
    clock: Callable[[], float] = time.monotonic
    current: "TaskID | None" = None
    label: str = ""
    label_started: float = 0.0
    line_due: float = field(init=False)
    run_time: RunTime = field(init=False)

    def __post_init__(self) -> None:
        self.line_due = self.clock() + LINE_INTERVAL
        self.run_time = RunTime(self.clock)

    def message(self, text: str) -> None:
        """Print and log one thing."""
        LOG.info(text)
        self._print(text)

    def fold(self, done: int, total: int) -> None:
        """Take note of the folds, for the time left."""
        self.run_time.begin_fold(done, total)

    def networks(self, work: Mapping[str, float]) -> None:
        """Take note of the networks, for the time left."""
        self.run_time.begin_networks(work)

    def epoch(self, name: str, total: int, row: Mapping[str, float]) -> None:
        """Move the bar of a network on."""
        epoch = int(row["epoch"])
        text = ", ".join(
            f"{key} {value:.4g}" for key, value in row.items() if key not in ("epoch", "seconds")
        )
        left = self.run_time.left(name, epoch, total)
        rest = "" if left is None else f"; whole run: about {hours_minutes(left)} left"
        LOG.info("%s, epoch %d: %s%s", name, epoch, text, rest)
        shown = f"loss {row['loss']:.2f}"
        if "val_ua" in row:
            shown += f", validation UA {row['val_ua']:.1f}"
        self._show(f"Network {name}", epoch, total, shown + rest)
        if self._is_line_due() and not self.bar.console.is_terminal:
            self._print(f"Network {name}: epoch {epoch} of {total}, {shown}{rest}")

    def update(self, label: str, done: int, total: int) -> None:
        """Set the one bar that is shown, with its pace and the time left of it."""
        if self.current is None or self.label != label:
            self.label_started = self.clock()
        note = pace(done, total, self.clock() - self.label_started)
        self._show(label, done, total, note)
        if not self._is_line_due():
            return
        line = f"{label}: {done} of {total}{note and f', {note}'}"
        LOG.info(line)
        if not self.bar.console.is_terminal:
            self._print(line)

    def _show(self, label: str, done: int, total: int, note: str) -> None:
        if self.current is None or self.label != label:
            if self.current is not None:
                self.bar.remove_task(self.current)
            self.current, self.label = self.bar.add_task(label, note="", total=total), label
        self.bar.update(self.current, completed=done, total=total, note=note)

    def _print(self, text: str) -> None:
        # Line by line: a name with an escape in it is shown, not obeyed.
        text = "\n".join(map(escape_unprintable, text.split("\n")))
        self.bar.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def _is_line_due(self) -> bool:
        now = self.clock()
        if now < self.line_due:
            return False
        self.line_due = now + LINE_INTERVAL
        return True


class LogFile(logging.FileHandler):
    """A log that a full disk leaves short: what cannot be done without says so itself."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Pass over a record that cannot be written."""

    def close(self) -> None:
        """Close the file, with whatever it holds."""
        with suppress(OSError):
            super().close()


@contextmanager
def console_progress(
    log_file: Path | None = None, clock: Callable[[], float] = time.monotonic
) -> Iterator[ConsoleProgress]:
    """Show progress on standard error while the block runs, and log it to `log_file`.

    `clock` gives seconds, from any moment on.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    LOG.setLevel(logging.INFO)
    handler: logging.Handler | None = None
    if log_file is not None:
        try:
            handler = LogFile(log_file, encoding="utf-8")
        except OSError as error:
            raise write_error(log_file, error) from None
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        LOG.addHandler(handler)
        LOG.info("%s %s", STARTED, __version__)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        TextColumn("{task.completed}/{task.total}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
    )
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    try:
        with bar:
            yield ConsoleProgress(bar, clock)
        LOG.info("Finished")
    finally:
        if handler is not None:
            LOG.removeHandler(handler)
            handler.close()
