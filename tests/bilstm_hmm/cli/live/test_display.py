"""What is seen of a stream: lines for programs, one in place for the eye."""

import io
import json
import os
from contextlib import closing

import pytest

from bilstm_hmm.cli.live.display import LiveDisplay, live_line
from bilstm_hmm.inference.stream import Update
from bilstm_hmm.prediction import NO_SPEECH, Segment

SHARES = {"neutral": 0.1, "happy": 0.72, "sad": 0.18}
HAPPY = Update(75.5, 74.46, "happy", 0.72, SHARES, (Segment(60.0, 72.25, "sad", 0.5),))
SILENT = Update(76.0, 75.0, NO_SPEECH, 1.0, {}, ())


class Screen(io.TextIOWrapper):
    """A terminal without a size, that shows what it was told."""

    def __init__(self, encoding: str = "utf-8", terminal: bool = True) -> None:
        self.told = io.BytesIO()
        super().__init__(self.told, encoding=encoding, write_through=True, newline="")
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal

    def fileno(self) -> int:
        raise OSError

    def lines(self) -> list[str]:
        """What is left to see: a carriage return goes back, and what follows covers it."""
        shown = []
        for line in self.told.getvalue().decode(self.encoding).split("\n"):
            seen = ""
            for part in line.split("\r"):
                seen = part + seen[len(part) :]
            shown.append(seen.rstrip())
        return shown


def test_the_live_line() -> None:
    line = live_line(HAPPY, 80)
    assert line == "  1:14.5  happy       ███████░░░ 0.72  sad 0.18  neutral 0.10"
    assert live_line(HAPPY, 50) == "  1:14.5  happy       ███████░░░ 0.72  sad 0.18"
    assert live_line(HAPPY, 20) == "  1:14.5  happy     "
    assert live_line(SILENT, 80).rstrip() == "  1:15.0  no speech"
    assert live_line(Update(1, 59.96, "sad", 0, {}, ()), 80).startswith("  1:00.0")


def test_text_is_a_line_a_segment() -> None:
    out, screen = io.StringIO(), Screen(terminal=False)
    with closing(LiveDisplay("text", out, screen)) as display:
        for update in (HAPPY, SILENT):
            display.update(update)
        display.note("some is lost")
    assert out.getvalue() == "     60.00 -    72.25 s  sad (0.50)\n"
    assert screen.told.getvalue() == f"some is lost{os.linesep}".encode()


def test_json_lines_are_updates() -> None:
    out = io.StringIO()
    with closing(LiveDisplay("jsonl", out, Screen(terminal=False))) as display:
        display.update(HAPPY)
        assert out.getvalue().endswith("}\n")
        display.update(SILENT)
    assert [json.loads(line) for line in out.getvalue().splitlines()] == [
        HAPPY.to_dict(),
        SILENT.to_dict(),
    ]


@pytest.mark.parametrize(("encoding", "blocks"), [("utf-8", "█░"), ("ascii", "#.")])
def test_a_terminal_shows_one_line_in_place(encoding: str, blocks: str) -> None:
    screen = Screen(encoding)
    # Both on one terminal, as they mostly are.
    with closing(LiveDisplay("text", screen, screen)) as display:
        display.update(HAPPY)
        segment, live = screen.lines()
        assert segment == "     60.00 -    72.25 s  sad (0.50)"
        assert live == live_line(HAPPY, 80, blocks).rstrip()
        display.update(SILENT)
        assert screen.lines() == [segment, live_line(SILENT, 80).rstrip()]
        display.note("some is lost")
        assert screen.lines() == [segment, "some is lost", ""]
        display.update(SILENT)
    assert screen.lines() == [segment, "some is lost", ""]
