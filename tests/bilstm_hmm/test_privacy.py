"""Prediction leaves nothing behind that it was not asked for, and no library reports its use."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "samples" / "synthetic_angry.wav"
#: By any of these ONNX Runtime, or a folder of a user, is another than at a user's.
ELSEWHERE = ("ORT_", "XDG_", "CI")


def run(home: Path, *arguments: str, **environment: str) -> str:
    ours = {key: value for key, value in os.environ.items() if not key.startswith(ELSEWHERE)}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**ours, "HOME": str(home), "OMP_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_prediction_writes_nothing_to_the_home_folder(tmp_path: Path) -> None:
    said = run(tmp_path, "-m", "bilstm_hmm", "predict", "--file", str(SAMPLE))
    assert said.startswith("Predicted Emotion: ")
    assert not list(tmp_path.rglob("*"))


@pytest.mark.parametrize(("given", "held"), [({}, "1"), ({"ORT_DISABLE_TELEMETRY": "0"}, "0")])
def test_a_user_has_the_last_word(tmp_path: Path, given: dict[str, str], held: str) -> None:
    code = "import os, bilstm_hmm; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    assert run(tmp_path, "-c", code, **given) == f"{held}\n"
