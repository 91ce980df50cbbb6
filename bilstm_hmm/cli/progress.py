"""What a person at the terminal sees: progress on standard error, and a log beside the run."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bilstm_hmm.atomic_files import write_error

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

LOG = logging.getLogger("bilstm_hmm")


@dataclass(slots=True)
class ConsoleProgress:
    """Shows one bar, which an epoch or a clip moves on, and logs what is reported."""

    bar: "Bar"
    current: "TaskID | None" = None
    label: str = ""

    def say(self, text: str) -> None:
        """Print and log one thing."""
        LOG.info(text)
        self.bar.console.print(text, highlight=False, markup=False)

    def epoch(self, name: str, total: int, row: Mapping[str, float]) -> None:
        """Move the bar of a network on."""
        text = ", ".join(
            f"{key} {value:.4g}" for key, value in row.items() if key not in ("epoch", "seconds")
        )
        LOG.info("%s, epoch %d: %s", name, row["epoch"], text)
        shown = f"loss {row['loss']:.2f}"
        if "val_ua" in row:
            shown += f", validation UA {row['val_ua']:.1f}"
        self.move(f"Network {name}", int(row["epoch"]), total, shown)

    def move(self, label: str, done: int, total: int, note: str = "") -> None:
        """Set the one bar that is shown."""
        if self.current is None or self.label != label:
            if self.current is not None:
                self.bar.remove_task(self.current)
            self.current, self.label = self.bar.add_task(label, note="", total=total), label
        self.bar.update(self.current, completed=done, total=total, note=note)


class LogFile(logging.FileHandler):
    """A log that a full disk leaves short: what cannot be done without says so itself."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Pass over a record that cannot be written."""

    def close(self) -> None:
        """Close the file, with whatever it holds."""
        with suppress(OSError):
            super().close()


@contextmanager
def console_progress(log_file: Path | None = None) -> Iterator[ConsoleProgress]:
    """Show progress on standard error while the block runs, and log it to `log_file`."""
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
            yield ConsoleProgress(bar)
    finally:
        if handler is not None:
            LOG.removeHandler(handler)
            handler.close()
