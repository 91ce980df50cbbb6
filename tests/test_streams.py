"""Sound through pipes and from the microphone, as users have it: processes, signals, terminals."""

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import bilstm_hmm
from tests.oracle import talk

RATE = 16000
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """About 17 s of one voice, with a long pause; as WAV."""
    parts = ("neutral", 0.3, "neutral", "happy", 0.2, "happy", 3.0, "sad", 0.4, "angry", "angry")
    path = tmp_path_factory.mktemp("spoken") / "x.wav"
    soundfile.write(path, talk(*parts), RATE)
    return path


SAID = ["neutral", "happy", "no speech", "sad", "angry"]


@pytest.fixture
def predict(start: Start, oracle: Path) -> Start:
    def begin(*arguments: object, **options: Any) -> subprocess.Popen[str]:
        return start("predict.py", "--model", oracle, *arguments, **options)

    return begin


def piped(predict: Start, data: bytes, *arguments: object) -> tuple[int, str, str]:
    """Exit status, output and complaints of ``predict.py --file -`` with data through a pipe."""
    process = predict("--file", "-", *arguments, stdin=subprocess.PIPE)
    # Which it need not take whole.
    with suppress(BrokenPipeError), process.stdin.buffer as pipe:
        pipe.write(data)
    process.stdin = None
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def raw(path: Path) -> bytes:
    return soundfile.read(path, dtype="int16")[0].astype("<i2").tobytes()


def updates(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def closed(text: str) -> list[dict[str, Any]]:
    return [segment for update in updates(text) for segment in update["closed"]]


def assert_same(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    assert [s["emotion"] for s in found] == [s["emotion"] for s in expected]
    for one, other in zip(found, expected, strict=True):
        assert one["start"] == pytest.approx(other["start"], abs=2e-3)
        assert one["end"] == pytest.approx(other["end"], abs=2e-3)


def test_live_segments_are_those_of_the_file(predict: Start, model: Any, spoken: Path) -> None:
    status, out, err = piped(predict, spoken.read_bytes(), "--format", "json")
    assert (status, err) == (0, "")
    of_file = json.loads(out)
    assert of_file == {**model.predict(spoken).to_dict(), "file": "-"}
    assert [s["emotion"] for s in of_file["segments"]] == SAID

    status, out, err = piped(predict, spoken.read_bytes(), "--live", "--format", "jsonl")
    assert (status, err) == (0, "")
    assert_same(closed(out), of_file["segments"])
    assert [u["heard"] for u in updates(out)[:3]] == [0.5, 1.0, 1.5]
    assert all(u["heard"] - u["time"] <= 1.0 for u in updates(out))

    options = ("--live", "--pcm", 16000, "--interval", 2, "--lookahead", 0.5)
    status, out, err = piped(predict, raw(spoken) + b"\1", *options)
    assert status == 0
    assert err == "cut off: the stream ends in the middle of a sample\n"
    lines = out.splitlines()
    assert len(lines) == len(of_file["segments"])
    for line, segment in zip(lines, of_file["segments"], strict=True):
        start, _, end, *_ = line.split()
        assert f" s  {segment['emotion']} (" in line
        assert float(start) == pytest.approx(segment["start"], abs=0.008)
        assert float(end) == pytest.approx(segment["end"], abs=0.008)


def test_lines_come_while_sound_does_and_an_interruption_ends_it_well(
    predict: Start, spoken: Path
) -> None:
    options = ("--live", "--pcm", RATE, "--format", "jsonl")
    process = predict("--file", "-", *options, stdin=subprocess.PIPE)
    samples = raw(spoken)[: 2 * 8 * RATE]
    pipe = process.stdin.buffer
    pipe.write(samples)
    pipe.flush()
    # The pipe stays open, and yet all but the rest of an interval is told.
    told = [process.stdout.readline() for _ in range(16)]
    process.send_signal(signal.SIGINT)
    out, err = process.stdout.read(), process.stderr.read()
    assert (process.wait(60), err) == (0, "")
    last = updates("".join(told) + out)[-1]
    assert (last["heard"], last["time"]) == (8.0, 8.0)
    status, expected, _ = piped(predict, samples, *options)
    assert status == 0
    assert "".join(told) + out == expected
    for stream in (process.stdout, process.stderr):
        stream.close()
    process.stdin.close()


def test_a_fault_within_is_told_after_the_segments_before(
    predict: Start, spoken: Path, tmp_path: Path
) -> None:
    samples = soundfile.read(spoken, dtype="float32")[0][: 8 * RATE]
    samples[6 * RATE] = np.nan
    soundfile.write(tmp_path / "x.wav", samples, RATE, subtype="FLOAT")
    status, out, err = piped(predict, (tmp_path / "x.wav").read_bytes(), "--live")
    assert status == 1
    assert [words in out for words in ("neutral", "happy", "sad")] == [True, True, False]
    assert err == (
        "Standard input holds samples that are infinite or not a number, at 6.00 s; export it "
        "again.\n"
    )


def test_a_reader_that_has_gone_is_no_error_worth_a_word(predict: Start, spoken: Path) -> None:
    with spoken.open("rb") as file, subprocess.Popen(["cat"], stdin=file, stdout=-1) as cat:
        process = predict("--file", "-", "--live", "--format", "jsonl", stdin=cat.stdout)
        cat.stdout.close()
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(60) == 1
        process.stderr.close()


def test_a_terminal_shows_where_it_is(oracle: Path, spoken: Path, start: Start) -> None:
    """Both streams on one terminal; and standard input as well, which is refused."""
    script = Path(__file__).parents[1] / "predict.py"
    arguments = [sys.executable, script, "--model", oracle, "--file", "-"]
    for given, shown in ((["--live"], ["\r  0:00.0  no speech", "█"]), ([], ["is a terminal; "])):
        controller, terminal = pty.openpty()
        with spoken.open("rb") as file:
            process = subprocess.Popen(
                [*arguments, *given],
                stdin=file if given else terminal,
                stdout=terminal,
                stderr=terminal,
                env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"},
            )
        os.close(terminal)
        said = b""
        while True:
            try:
                data = os.read(controller, 4096)
            except OSError:  # Linux says so of an end; others give nothing.
                break
            if not data:
                break
            said += data
        os.close(controller)
        assert process.wait(60) == (0 if given else 2)
        for words in shown:
            assert words in said.decode("utf-8")


FAKE = """\
import threading
import time

import soundfile


class PortAudioError(Exception):
    pass


def query_devices(device, kind):
    return {{"default_samplerate": {rate}.0}}


class InputStream:
    active = True

    def __init__(self, blocksize, callback, **options):
        self.blocksize, self.callback = blocksize, callback

    def start(self):
        threading.Thread(target=self.record, daemon=True).start()

    def record(self):
        class Status:
            input_overflow = False

        for block in soundfile.blocks({path!r}, self.blocksize, dtype="float32", always_2d=True):
            self.callback(block, len(block), None, Status)
            time.sleep(0.001)
        self.active = {stays}

    def close(self):
        self.active = False
"""


@pytest.fixture
def library(tmp_path: Path) -> Callable[[str], dict[str, str]]:
    """Put a module in the place of `sounddevice`."""

    def put(source: str) -> dict[str, str]:
        (tmp_path / "sounddevice.py").write_text(source)
        return {"PYTHONPATH": str(tmp_path)}

    return put


def test_the_microphone(
    predict: Start, library: Callable[[str], dict[str, str]], model: Any, spoken: Path
) -> None:
    fake = library(FAKE.format(rate=RATE, path=str(spoken), stays=True))
    process = predict("--mic", "--format", "jsonl", **fake)
    intervals = int(soundfile.info(spoken).duration / 0.5)
    told = "".join(process.stdout.readline() for _ in range(intervals))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    # The last block is there in part, if at all.
    expected = model.predict(spoken).to_dict()["segments"]
    assert_same(closed(told + out)[:-1], expected[:-1])
    assert closed(out)[-1]["emotion"] == expected[-1]["emotion"]


@pytest.mark.parametrize(
    ("source", "status", "said"),
    [
        (
            "raise ImportError",
            2,
            "--mic needs sounddevice; install it with pip install 'bilstm-hmm[mic]'.",
        ),
        ("raise OSError('PortAudio library not found')", 2, "--mic needs PortAudio (PortAudio lib"),
        (
            "class PortAudioError(Exception): ...\n"
            "def query_devices(device, kind): raise PortAudioError('Error querying device -1')",
            2,
            "--mic: no microphone to listen to (Error querying device -1); `python -m sounddevice`",
        ),
    ],
)
def test_no_microphone_is_one_sentence(
    predict: Start,
    library: Callable[[str], dict[str, str]],
    source: str,
    status: int,
    said: str,
) -> None:
    process = predict("--mic", **library(source))
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (status, "")
    assert err.startswith(said)
    assert err.count("\n") == 1


def test_the_package_has_the_stream(model: Any) -> None:
    assert bilstm_hmm.EmotionStream(model, 8000).close().final_segments == ()
    with pytest.raises(AttributeError, match="'bilstm_hmm' has no attribute 'Emotion'"):
        bilstm_hmm.Emotion  # noqa: B018
