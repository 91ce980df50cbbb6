"""How to add an output format: docs/development/how-to/add-an-output-format.md shows this code."""

from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType

import pytest
from typer.testing import CliRunner

from bilstm_hmm.cli.main import program
from bilstm_hmm.output import formats
from bilstm_hmm.output.formats import FORMATS, Format, RenderOptions, render
from bilstm_hmm.prediction import Failure, Prediction, Result, Segment

SAMPLES = Path(__file__).parents[2] / "samples"


# --8<-- [start:writer]
def webvtt(results: Sequence[Result], options: RenderOptions) -> str:
    """Return the segments of one recording as WebVTT, the subtitles of browsers."""
    (result,) = results
    lines = ["WEBVTT", ""]
    for segment in () if isinstance(result, Failure) else result.segments:
        lines += [f"{_clock(segment.start)} --> {_clock(segment.end)}", segment.emotion, ""]
    return "\n".join(lines)


def _clock(seconds: float) -> str:
    minutes, milliseconds = divmod(round(seconds * 1000), 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{milliseconds / 1000:06.3f}"


# --8<-- [end:writer]

# --8<-- [start:entry]
ENTRY = {"webvtt": Format(".vtt", webvtt, per_file=True)}
# --8<-- [end:entry]


@pytest.fixture(autouse=True)
def _added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "FORMATS", MappingProxyType({**FORMATS, **ENTRY}))


def test_the_writer_gets_the_results() -> None:
    segments = (Segment(0.3, 1.9, "happy", 0.8), Segment(61.0, 3723.5, "sad", 0.6))
    prediction = Prediction("x.wav", "happy", 0.8, {}, 3724.0, segments, (), "model")
    assert render([prediction], "webvtt", many=False, timeline=True) == (
        "WEBVTT\n\n00:00:00.300 --> 00:00:01.900\nhappy\n\n00:01:01.000 --> 01:02:03.500\nsad\n"
    )


def test_the_command_knows_the_format(tmp_path: Path) -> None:
    arguments = ["--folder", str(SAMPLES), "--format", "webvtt", "--output", str(tmp_path)]
    done = CliRunner().invoke(program(), ["predict", "--jobs", "1", *arguments])
    assert done.exit_code == 0, done.output
    samples = sorted(SAMPLES.glob("*.wav"))
    assert sorted(tmp_path.iterdir()) == [tmp_path / f"{sample.name}.vtt" for sample in samples]
    for written in tmp_path.iterdir():
        header, empty, times, emotion, *_ = written.read_text("utf-8").split("\n")
        assert (header, empty) == ("WEBVTT", "")
        assert " --> " in times
        assert emotion
