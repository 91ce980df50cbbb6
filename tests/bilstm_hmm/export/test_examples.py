"""The programs of ``examples/exported`` label a file as the command does."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import soundfile

from bilstm_hmm import __version__
from bilstm_hmm.export.metadata import model_metadata
from bilstm_hmm.export.model import export_model
from bilstm_hmm.inference.bundle_files import read_bundle
from bilstm_hmm.inference.model import load
from tests.oracle import RATE, say, talk

REPOSITORY = Path(__file__).parents[3]
EXAMPLES, WEB = REPOSITORY / "examples" / "exported", REPOSITORY / "web"
#: Where the headers of ONNX Runtime lie: as told, or as packages put them.
HEADERS = (
    os.environ.get("ONNXRUNTIME_INCLUDE", ""),
    "/usr/include/onnxruntime",
    "/usr/include/onnxruntime/core/session",
    "/usr/local/include/onnxruntime",
    "/usr/local/include",
)


@pytest.fixture(scope="module")
def exported(oracle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exported") / "oracle.onnx"
    bundle = read_bundle(oracle)
    path.write_bytes(export_model(bundle, model_metadata(bundle, oracle, __version__)))
    return path


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        list(map(str, command)), capture_output=True, text=True, timeout=300, check=False
    )


def test_javascript(oracle: Path, exported: Path, tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None or not (WEB / "node_modules" / "onnxruntime-web").is_dir():
        pytest.skip("Node.js or the packages of web/ are not installed: npm ci --prefix web.")
    # As if both had been installed beside each other.
    shutil.copytree(EXAMPLES, tmp_path / "examples" / "exported")
    (tmp_path / "web").symlink_to(WEB)
    (tmp_path / "node_modules").symlink_to(WEB / "node_modules")
    file = tmp_path / "talk.wav"
    soundfile.write(file, talk("happy", 0.4, "sad", 2.0, "angry", "fearful", 1.9), RATE)
    done = run(node, tmp_path / "examples" / "exported" / "label.mjs", exported, file)
    assert done.returncode == 0, done.stderr[-1000:]
    found, expected = json.loads(done.stdout), load(oracle).predict(file).to_dict()
    assert found.pop("segments") == [
        pytest.approx(segment, abs=2e-3) for segment in expected.pop("segments")
    ]
    for key in ("probabilities", "shares"):
        assert found.pop(key) == pytest.approx(expected.pop(key), abs=2e-4)
    assert found.pop("confidence") == pytest.approx(expected.pop("confidence"), abs=2e-4)
    # Of how good a recording is the page knows nothing.
    expected.pop("warnings")
    assert found.pop("warnings") == []
    assert found == expected


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("g++ is not installed.")
    headers = [Path(place) for place in HEADERS if place]
    found = [place for place in headers if (place / "onnxruntime_cxx_api.h").is_file()]
    if not found:
        pytest.skip("The headers of ONNX Runtime are not there; ONNXRUNTIME_INCLUDE names them.")
    libraries = sorted(Path(onnxruntime.__file__).parent.glob("capi/libonnxruntime.so*"))
    if not libraries:
        pytest.skip("This ONNX Runtime for Python has no library for C++.")
    folder = tmp_path_factory.mktemp("compiled")
    for name in ("libonnxruntime.so", "libonnxruntime.so.1"):
        (folder / name).symlink_to(libraries[0])
    program = folder / "label"
    done = run(
        *(compiler, "-std=c++17", "-Wall", "-Wextra", EXAMPLES / "label.cpp", "-o", program),
        *("-isystem", found[0], f"-L{folder}", "-lonnxruntime", f"-Wl,-rpath,{folder}"),
    )
    assert (done.returncode, done.stderr) == (0, "")
    return program


@pytest.mark.parametrize("emotion", ["angry", "sad"])
def test_cpp(emotion: str, compiled: Path, exported: Path, oracle: Path, tmp_path: Path) -> None:
    file = tmp_path / "said.wav"
    samples = say(emotion).astype(np.float32)
    soundfile.write(file, np.stack([samples, samples], axis=1), RATE, subtype="PCM_16")
    done = run(compiled, exported, file)
    label, probability = done.stdout.split()
    expected = load(oracle).predict(file)
    assert (label, done.returncode) == (expected.emotion, 0) == (emotion, 0)
    assert float(probability) == pytest.approx(expected.confidence, abs=1e-4)


def test_cpp_says_what_is_wrong(compiled: Path, exported: Path, tmp_path: Path) -> None:
    silence, other = tmp_path / "silence.wav", tmp_path / "other.wav"
    soundfile.write(silence, np.zeros(RATE), RATE, subtype="PCM_16")
    assert run(compiled, exported, silence).stdout == "no speech\n"
    soundfile.write(other, np.zeros(8000), 8000, subtype="PCM_16")
    for file, sentence in (
        (other, "resample it to 16000 Hz first"),
        (exported, f"{exported} is no WAV file"),
        (tmp_path / "missing.wav", "is no WAV file"),
    ):
        done = run(compiled, exported, file)
        assert done.returncode == 1
        assert sentence in done.stderr
