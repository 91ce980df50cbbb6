"""The same recording has the same answer whichever threads and processes compute it.

Batches, blocks and chunks: tests/bilstm_hmm/inference, test_model, test_iteration,
test_long_recordings and test_stream.
"""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import soundfile

from bilstm_hmm.inference.model import Model, load
from tests.oracle import EMOTIONS, RATE, say, talk

#: Sums in another order differ in the last digits of float32.
TOLERANCE = 1e-5
CLIPS = [say(emotion) for emotion in EMOTIONS]
LONG = talk(*(part for emotion in EMOTIONS for part in (emotion, 0.6)), "happy", 2.0, "sad")


def test_threads_of_onnx_runtime_change_nothing(
    model: Model, oracle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    class Options(onnxruntime.SessionOptions):  # type: ignore[misc]
        def __setattr__(self, name: str, value: object) -> None:
            asked.append(name)
            super().__setattr__(name, 4 if name == "intra_op_num_threads" else value)

    monkeypatch.setattr(onnxruntime, "SessionOptions", Options)
    threaded = load(oracle)
    for samples in (*CLIPS, LONG):
        found, expected = (each.predict(samples, RATE) for each in (threaded, model))
        assert found.emotion == expected.emotion
        assert found.probabilities == pytest.approx(expected.probabilities, abs=TOLERANCE)
        assert [(each.start, each.end, each.emotion) for each in found.segments] == [
            (each.start, each.end, each.emotion) for each in expected.segments
        ]
    assert "intra_op_num_threads" in asked


def test_processes_and_threads_of_blas_change_nothing(
    script: Callable[..., object], oracle: Path, synthetic: Path, tmp_path: Path
) -> None:
    """Enough files for processes of their own, a long one and a broken one with them."""
    soundfile.write(tmp_path / "long.wav", LONG, RATE, subtype="FLOAT")
    soundfile.write(tmp_path / "none.wav", np.full(RATE, 1e30), RATE, subtype="FLOAT")
    order = ("predict.py", synthetic, tmp_path, "--model", oracle, "--format", "jsonl")

    def rows(jobs: str, threads: str) -> list[dict[str, object]]:
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        done = script(*order, "--jobs", jobs, **dict.fromkeys(names, threads))
        assert done.returncode == 1, done.stderr  # type: ignore[attr-defined]
        return [json.loads(line) for line in done.stdout.splitlines()]  # type: ignore[attr-defined]

    alone, together = rows("1", "1"), rows("2", "4")
    assert "too large" in str(alone[-1]["error"])
    assert len(alone) == len(together) == 92
    for one, other in zip(alone, together, strict=True):
        assert (one["file"], one.get("emotion")) == (other["file"], other.get("emotion"))
        # Written to four digits.
        shares = other.get("probabilities", {})
        assert one.get("probabilities", {}) == pytest.approx(shares, abs=1.1e-4)
