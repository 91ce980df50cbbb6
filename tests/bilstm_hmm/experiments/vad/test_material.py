"""What of the corpora is trained on, and where in a clip there is speech."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from bilstm_hmm.data.errors import DataError
from bilstm_hmm.data.synthesis.corpus import synthesise, write_wav

from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.experiments.vad import material
from bilstm_hmm.experiments.vad.material import (
    HELD_OUT,
    RATE,
    TRAINING_CORPORA,
    mark_speech,
    read_noise,
    read_test_clips,
    read_training_speech,
    to_speech,
)


def test_marks_are_where_the_voice_is() -> None:
    voice = synthesise("neutral", 1, 1)
    hiss = np.random.default_rng(0).normal(0.0, 1e-4, 3 * RATE).astype(np.float32)
    marks = mark_speech(np.concatenate([hiss[:RATE], voice, hiss[RATE:]]))
    assert len(marks) == 3 * RATE + len(voice)
    assert not marks[: RATE - 800].any()
    assert not marks[RATE + len(voice) + 800 :].any()
    assert marks[RATE : RATE + len(voice)].mean() > 0.7


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        # A pause of 0.15 s is speech, one of 0.3 s is none.
        ([(1, 20), (0, 15), (1, 20)], [(1, 55)]),
        ([(1, 20), (0, 30), (1, 20)], [(1, 20), (0, 30), (1, 20)]),
        # A click is none, and so is what lies before the first word, however short.
        ([(1, 20), (0, 30), (1, 2), (0, 30)], [(1, 20), (0, 62)]),
        ([(0, 9), (1, 20), (0, 9)], [(0, 9), (1, 20), (0, 9)]),
    ],
)
def test_short_pauses_are_bridged_and_clicks_dropped(
    frames: list[tuple[int, int]], expected: list[tuple[int, int]]
) -> None:
    def wave(runs: list[tuple[int, int]]) -> np.ndarray:
        return np.repeat([v for v, _ in runs], [160 * n for _, n in runs])

    marks = mark_speech(0.3 * wave(frames).astype(np.float32))
    # The levels are smoothed over three frames.
    assert np.abs(marks.astype(int) - wave(expected)).mean() < 0.15
    assert (np.abs(np.diff(marks.astype(int))) > 0).sum() == (np.abs(np.diff(wave(expected)))).sum()


@pytest.mark.parametrize("count", [0, 100, 160])
def test_short_clips_have_marks(count: int) -> None:
    assert (
        len(to_speech(np.ones(count, np.float32) if count else np.zeros(0, np.float32)).is_speech)
        == count
    )


@pytest.fixture
def corpora(tmp_path: Path) -> Path:
    """A clip each of speakers of either side, and of a corpus that nobody knows."""
    names = (
        *("crema-d/1001_DFA_ANG_XX", "crema-d/1002_DFA_ANG_XX", "crema-d/1003_DFA_SAD_XX"),
        *("emodb/03a01Fa", "emodb/08a01Fa", "strange/one", "strange/two"),
    )
    for number, name in enumerate(names):
        write_wav(tmp_path / f"{name}.wav", synthesise("happy", number, number))
    return tmp_path


def test_nobody_held_out_is_trained_on(corpora: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(material, "N_MADE_VOICES", 2)
    speech = read_training_speech(corpora, 0)
    # 1002, 1003, 08, and two made voices.
    lengths = [len(synthesise("happy", number, number)) for number in (1, 2, 4)]
    assert sorted(len(one.samples) for one in speech[:3]) == sorted(lengths)
    assert len(speech) == 5
    assert all(np.abs(one.samples).max() == pytest.approx(0.5) for one in speech)


def test_of_the_corpora_of_the_training_others_are_tested(corpora: Path) -> None:
    found = read_test_clips(corpora, 5, 0)
    assert {name: len(clips) for name, clips in found.items()} == {
        "crema-d": 1,
        "emodb": 1,
        "strange": 2,
    }
    assert len(found["crema-d"][0]) == len(synthesise("happy", 0, 0))
    assert len(read_test_clips(corpora, 1, 0)["strange"]) == 1


def test_the_fold_of_noise_is_in_its_name(tmp_path: Path) -> None:
    for name in ("rain/1-17-A", "rain/4-18-A", "dog/4-19-B", "readme/x"):
        write_wav(tmp_path / f"{name}.wav", np.full(800, 0.1, np.float32))
    found = read_noise(tmp_path, (4, 5))
    assert {kind: len(recordings) for kind, recordings in found.items()} == {"dog": 1, "rain": 1}
    assert found["rain"][0] == pytest.approx(0.5, abs=1e-3)


@pytest.mark.parametrize(
    ("read", "words"),
    [
        (lambda folder: read_noise(folder, (2, 3)), ("fold 2, 3", "ESC-10")),
        (lambda folder: read_test_clips(folder, 1, 0), ("no corpora",)),
        (lambda folder: read_training_speech(folder, 0), ("crema-d does not exist",)),
    ],
)
def test_what_is_missing_is_named(
    read: Callable[[Path], object], words: tuple[str, ...], tmp_path: Path
) -> None:
    with pytest.raises((ToolkitError, DataError)) as error:
        read(tmp_path)
    assert all(word in str(error.value) for word in words)


def test_the_speakers_held_out_are_in_the_corpora() -> None:
    root = os.environ.get("EMOTION_CORPORA")
    if root is None:
        pytest.skip("EMOTION_CORPORA is unset")
    there = {
        clip.speaker for name in TRAINING_CORPORA for clip in material._clips(Path(root), name)
    }
    assert there >= HELD_OUT
    assert len(there - HELD_OUT) > 3 * len(HELD_OUT)
