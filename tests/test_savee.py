"""SAVEE from files to a report; its audio may not be passed on, so its names carry other audio."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import soundfile
import soxr
from bilstm_hmm.data.synthesis.corpus import synthesise

SPEAKERS = ("DC", "JE", "JK", "KL")
# Its seven codes, with the synthetic emotion that stands in for each.
CODES = {
    "a": "angry",
    "d": "sad",
    "f": "fearful",
    "h": "happy",
    "n": "neutral",
    "sa": "sad",
    "su": "happy",
}


@pytest.fixture(scope="module")
def savee(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The official layout at the official rate: ``AudioData/DC/a01.wav``, 44.1 kHz."""
    root = tmp_path_factory.mktemp("savee")
    for number, speaker in enumerate(SPEAKERS):
        folder = root / "AudioData" / speaker
        folder.mkdir(parents=True)
        for code, emotion in CODES.items():
            for take in (1, 2):
                seed = 100 * number + 10 * take + len(code)
                samples = soxr.resample(synthesise(emotion, number, seed), 16000, 44100)
                soundfile.write(folder / f"{code}{take:02d}.wav", samples, 44100)
    return root


def test_savee_trains_by_changing_two_keys(
    savee: Path, command: Callable[..., Any], tiny: Path, least: tuple[str, ...], tmp_path: Path
) -> None:
    keys = ("--set", "data.corpus=savee", "--set", f"data.root={savee}")
    run = tmp_path / "run"
    done = command("train.py", "--config", tiny, *least, *keys, "--output", run, train=True)
    assert done.returncode == 0, done.stderr
    metrics = json.loads((run / "metrics.json").read_text("utf-8"))
    assert metrics["protocol"] == "savee-loso"
    assert metrics["speaker_independent"] is True
    assert len(metrics["classes"]) == 7
    assert metrics["clips"] == 14
    label = command("predict.py", "--folder", savee / "AudioData" / "KL", "--model", run)
    assert label.returncode == 0, label.stderr
    assert len(label.stdout.splitlines()) == 14
