"""When a run was worked on, by its log."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bilstm_hmm.cli.progress import STARTED

#: Characters that a line of the log begins with: ``2026-11-28 06:52:52,123``, local time.
_STAMP = 23


@dataclass(frozen=True, slots=True)
class LogTimes:
    """The first and the last line of a log, and the seconds in which there was work.

    None where there is no log, or nothing in it.
    """

    start: datetime | None = None
    end: datetime | None = None
    seconds: float | None = None


def read_log_times(paths: Sequence[Path]) -> LogTimes:
    """Read the first of these logs that is there.

    Every process begins its part with a line of its own, so that the time between an interruption
    and its resumption does not count. In older logs there is no such line, and it does.
    """
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        return LogTimes()
    try:
        with path.open(encoding="utf-8", errors="replace") as lines:
            parts = [part for part in _parts(lines) if part]
    except OSError:
        return LogTimes()
    if not parts:
        return LogTimes()
    seconds = sum((end - start).total_seconds() for start, end in parts)
    return LogTimes(parts[0][0], parts[-1][1], seconds)


def _parts(lines: Iterable[str]) -> Iterator[tuple[datetime, datetime]]:
    """Yield the first and the last moment of each process."""
    start = end = None
    for line in lines:
        moment = _moment(line)
        if moment is None:
            continue
        if start is not None and end is not None and STARTED in line:
            yield start, end
            start = None
        start, end = start or moment, moment
    if start is not None and end is not None:
        yield start, end


def _moment(line: str) -> datetime | None:
    """When a line was written; None of what is no line of a log."""
    try:
        return datetime.fromisoformat(line[:_STAMP])
    except ValueError:
        return None
