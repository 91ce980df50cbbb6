"""Standard input is a recording like any other, by the name "-", and leaves nothing behind."""

import errno
import io
import json
import os
import shutil
import struct
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile
from bilstm_hmm.features.audio.wav_stream import SampleFormat

from bilstm_hmm.cli.labelling.label import write_predictions
from bilstm_hmm.cli.labelling.stdin import label_standard_input, open_standard_input
from bilstm_hmm.cli.options import PredictOptions
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.inference.model import Model
from bilstm_hmm.output.formats import FORMATS

RATE = 16000

Give = Callable[[io.BufferedIOBase | bytes], None]


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of temporary files, which is empty in the end."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []


@pytest.fixture
def give(monkeypatch: pytest.MonkeyPatch) -> Give:
    def given(data: io.BufferedIOBase | bytes, terminal: bool = False) -> None:
        buffer = io.BytesIO(data) if isinstance(data, bytes) else data
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=buffer, isatty=lambda: terminal))

    return given


def order(format: str = "json", **changes: Any) -> PredictOptions:
    return PredictOptions(
        (), False, format, changes.pop("output", None), changes.pop("timeline", True), False
    )


def converted(recording: Path, **how: Any) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, *soundfile.read(recording, dtype="int16"), **how)
    return file.getvalue()


@pytest.mark.parametrize("timeline", [False, True])
@pytest.mark.parametrize("format", FORMATS)
def test_every_format_is_that_of_the_file(
    model: Model, give: Give, recording: Path, tmp_path: Path, format: str, timeline: bool
) -> None:
    # A file of the same name, which a picture shows.
    named, written, piped = tmp_path / "-", tmp_path / "written", tmp_path / "piped"
    shutil.copy(recording, named)
    of_file = PredictOptions((named,), False, format, written, timeline, False)
    assert write_predictions(model, of_file, lambda _done, _total: None) == 0
    give(named.read_bytes())
    assert label_standard_input(model, order(format, output=piped, timeline=timeline), None) == 0
    expected = written.read_bytes().replace(os.fsencode(named), b"-")
    assert piped.read_bytes() == expected


@pytest.mark.parametrize("kind", ["FLAC", "OGG", "WAV", "sizes unknown"])
def test_kinds_of_files(
    model: Model, give: Give, recording: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    data = converted(recording, format="WAV" if kind == "sizes unknown" else kind)
    if kind == "sizes unknown":
        place = data.index(b"data") + 4
        size = struct.pack("<I", 0xFFFFFFFF)
        data = data[:4] + size + data[8:place] + size + data[place + 4 :]
    give(data)
    assert label_standard_input(model, order(), None) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["file"] == "-"
    assert said["duration"] == pytest.approx(model.predict(recording).duration, abs=1e-3)
    assert not any("cut off" in warning for warning in said["warnings"])


@pytest.mark.parametrize(
    ("channels", "more", "warned"),
    [(1, b"", False), (2, b"", False), (1, b"\1", True), (2, b"\1\2\3", True)],
)
def test_raw_samples(
    model: Model,
    give: Give,
    recording: Path,
    capsys: pytest.CaptureFixture[str],
    channels: int,
    more: bytes,
    warned: bool,
) -> None:
    samples, rate = soundfile.read(recording, dtype="int16")
    give(np.repeat(samples, channels).astype("<i2").tobytes() + more)
    assert label_standard_input(model, order(), SampleFormat(rate, channels)) == 0
    said, expected = json.loads(capsys.readouterr().out), model.predict(recording).to_dict()
    assert said["emotion"] == expected["emotion"]
    assert said["segments"] == expected["segments"]
    cut_off = ["cut off: the stream ends in the middle of a sample"]
    assert [w for w in said["warnings"] if "cut off" in w] == (cut_off if warned else [])


def not_a_number() -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.full(999, np.nan), RATE, subtype="FLOAT", format="WAV")
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "raw", "words"),
    [
        (b"", None, "Standard input is empty; record or send it again."),
        (b"", SampleFormat(RATE), "Standard input is empty; record or send it again."),
        (b"\1", SampleFormat(RATE), "Standard input holds no samples; record or copy it again."),
        (
            b"This is no recording." * 99,
            None,
            "Standard input cannot be read as audio; send WAV, FLAC or Ogg, or raw 16-bit samples "
            "with --pcm RATE.",
        ),
        (
            not_a_number(),
            None,
            "Standard input holds samples that are infinite or not a number; export it again.",
        ),
    ],
)
def test_what_is_no_recording(
    model: Model,
    give: Give,
    capsys: pytest.CaptureFixture[str],
    data: bytes,
    raw: SampleFormat | None,
    words: str,
) -> None:
    give(data)
    assert label_standard_input(model, order(), raw) == 1
    assert capsys.readouterr() == ("", words + "\n")


class Failing(io.BytesIO):
    """Something goes wrong while it is copied."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    def read(self, size: int | None = -1) -> bytes:
        raise self.error


def test_nothing_is_left_where_copying_fails(model: Model, give: Give, temporary: Path) -> None:
    give(Failing(OSError(errno.ENOSPC, "No space left on device")))
    with pytest.raises(ToolkitError, match=r"does not fit into .*temporary \(No space .*TMPDIR\.$"):
        label_standard_input(model, order(), None)
    for error in (OSError(errno.EIO, "Input/output error"), KeyboardInterrupt()):
        give(Failing(error))
        with pytest.raises(type(error)):
            label_standard_input(model, order(), None)


class Long(io.BytesIO):
    """So many blocks of silence."""

    blocks = 1000

    def read(self, size: int | None = -1) -> bytes:
        self.blocks -= 1
        return bytes(size or 0) if self.blocks >= 0 else b""


def test_memory_does_not_grow_with_what_is_copied(
    model: Model, give: Give, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def look(_model: Model, order: PredictOptions, *_: object) -> int:
        seen.append(order.files[0].stat().st_size)
        return 0

    monkeypatch.setattr("bilstm_hmm.cli.labelling.stdin.write_predictions", look)
    give(Long())
    tracemalloc.start()
    label_standard_input(model, order(), SampleFormat(RATE))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seen[0] > 60_000_000
    assert peak < 2_000_000


def test_a_terminal_or_nothing_at_all(give: Give, monkeypatch: pytest.MonkeyPatch) -> None:
    give(b"", terminal=True)
    with pytest.raises(ToolkitError, match="standard input is a terminal; send a recording into"):
        open_standard_input()
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(ToolkitError, match="standard input is closed; send a recording into it"):
        open_standard_input()
