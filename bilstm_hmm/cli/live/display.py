"""What is seen of a stream: lines on standard output, one redrawn in place on the terminal."""

import os
from typing import TextIO

from bilstm_hmm.inference.stream import Update
from bilstm_hmm.output.formats import json_line
from bilstm_hmm.output.label_tracks import escape_unprintable
from bilstm_hmm.output.lines import segment_line
from bilstm_hmm.prediction import NO_SPEECH

_BAR = 10
_EMOTION = 10


class LiveDisplay:
    """Writes updates: in text each segment once it is closed, in JSON lines every update.

    Parameters
    ----------
    format
        One of `bilstm_hmm.cli.options.LIVE_FORMATS`.
    out
        For what other programs read, flushed after each line.
    screen
        For notes; where it is a terminal, for the live line too.
    """

    def __init__(self, format: str, out: TextIO, screen: TextIO) -> None:
        self._json = format == "jsonl"
        self._out, self._screen = out, screen
        self._has_line = screen.isatty()
        self._line_length = 0

    def close(self) -> None:
        """Take the live line away."""
        self._clear()

    def update(self, update: Update) -> None:
        """Write what has become known."""
        if self._json:
            self._write(json_line(update.to_dict()))
        for segment in () if self._json else update.final_segments:
            self._write(segment_line(segment) + "\n")
        if self._has_line:
            line = live_line(update, _width(self._screen), self._blocks())
            # Spaces over what was longer: no terminal is too old for them.
            self._screen.write("\r" + line.ljust(self._line_length))
            self._screen.flush()
            self._line_length = len(line)

    def note(self, text: str) -> None:
        """Tell the user something, on the screen alone."""
        self._clear()
        print(text, file=self._screen, flush=True)

    def _write(self, text: str) -> None:
        self._clear()
        self._out.write(text)
        self._out.flush()

    def _clear(self) -> None:
        if self._line_length:
            self._screen.write("\r" + " " * self._line_length + "\r")
            self._screen.flush()
            self._line_length = 0

    def _blocks(self) -> str:
        try:
            "█░".encode(self._screen.encoding or "ascii")
        except (LookupError, UnicodeEncodeError):
            return "#."
        return "█░"


def live_line(update: Update, width: int, blocks: str = "█░") -> str:
    """Return a line for the eye: time, emotion, its confidence as a bar, and the other emotions.

    Those are the likeliest, as many as fit into `width` characters.
    """
    minutes, tenths = divmod(round(10 * update.time), 600)
    line = f"{minutes:3d}:{tenths / 10:04.1f}  {escape_unprintable(update.emotion):{_EMOTION}}"
    if update.emotion != NO_SPEECH:
        full = round(_BAR * update.confidence)
        line += f"  {blocks[0] * full}{blocks[1] * (_BAR - full)} {update.confidence:.2f}"
    for emotion, probability in sorted(update.probabilities.items(), key=lambda item: -item[1]):
        if emotion == update.emotion:
            continue
        other = f"  {escape_unprintable(emotion)} {probability:.2f}"
        if len(line) + len(other) > width:
            break
        line += other
    return line[:width]


def _width(screen: TextIO) -> int:
    try:
        columns = os.get_terminal_size(screen.fileno()).columns
    except (OSError, ValueError):
        columns = 0
    # The last column stays free, or some terminals go on to the next line; some tell no width.
    return (columns or 80) - 1
