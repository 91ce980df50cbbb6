"""Warnings about recordings on standard error: of a folder each kind once, with its number."""

import sys

from bilstm_hmm.output.label_tracks import escape_unprintable
from bilstm_hmm.prediction import Failure, Prediction, Result


class WarningCounts:
    """How many recordings each kind of warning was given of; its kind is what a colon ends."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._first: dict[str, tuple[str, str]] = {}
        self._n_labelled = 0
        self._what = "recordings"

    def counted(self, result: Result) -> Result:
        """Take the next result, and return it."""
        if isinstance(result, Failure):
            return result
        self._n_labelled += 1
        name = result.file
        if result.voice:
            self._what, name = "voices", f"{result.file} [{result.voice}]"
        for warning in result.warnings:
            kind = warning.partition(":")[0]
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._first.setdefault(kind, (name, warning))
        return result

    def print(self) -> None:
        """Say each kind once, the most frequent first."""
        for kind, count in sorted(self._counts.items(), key=lambda item: -item[1]):
            file, warning = self._first[kind]
            what = f"{count} of {self._n_labelled} {self._what}, such as {escape_unprintable(file)}"
            print(f"{kind}: {what} ({escape_unprintable(warning)})", file=sys.stderr)


def print_warnings(result: Prediction) -> None:
    """Say the warnings about one recording, a line each."""
    for warning in result.warnings:
        print(f"{escape_unprintable(result.file)}: {escape_unprintable(warning)}", file=sys.stderr)
