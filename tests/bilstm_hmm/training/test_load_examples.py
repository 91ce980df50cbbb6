from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from bilstm_hmm.data.clip import Clip
from bilstm_hmm.features.audio.reading import read_audio
from bilstm_hmm.features.extraction.extract import extract
from bilstm_hmm.features.settings.extraction import FeatureSettings
from bilstm_hmm.features.spectral.filterbanks import FilterBanks

from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.training import load_examples as module
from bilstm_hmm.training.load_examples import load_examples

SETTINGS = FeatureSettings(n_mfcc=3, n_mels=4)
CLASSES = ("happy", "sad")


@pytest.fixture
def banks() -> FilterBanks:
    rng = np.random.default_rng(1)
    return FilterBanks(
        mel=rng.random((4, 257)).astype(np.float32),
        mel_dct=rng.random((3, 4)).astype(np.float32),
    )


@pytest.fixture
def clips(tmp_path: Path) -> list[Clip]:
    rng = np.random.default_rng(2)
    made = []
    for number in range(6):
        path = tmp_path / f"{number}.wav"
        soundfile.write(path, 0.1 * rng.standard_normal(2000 + 100 * number), 16000)
        made.append(Clip(path, path.name, CLASSES[number % 2], "own-ann", "own"))
    return made


@pytest.fixture
def load(clips: list[Clip], banks: FilterBanks) -> Callable[..., object]:
    def run(cache: Path | None = None) -> object:
        recipe = Recipe(features=SETTINGS, cache=cache, jobs=2)
        return load_examples(clips, CLASSES, recipe, banks, lambda _: None)

    return run


def test_clips_become_samples_and_frames(load, clips: list[Clip], banks: FilterBanks) -> None:
    examples = load()
    assert examples.clips == tuple(clips)
    assert examples.labels.tolist() == [0, 1, 0, 1, 0, 1]
    for clip, samples, frames in zip(clips, examples.samples, examples.frames, strict=True):
        expected = read_audio(clip.path, 16000).samples
        np.testing.assert_array_equal(samples, expected)
        np.testing.assert_array_equal(frames.values, extract(expected, SETTINGS, banks).values)


def test_every_clip_is_counted(clips: list[Clip], banks: FilterBanks) -> None:
    counted: list[int] = []
    recipe = Recipe(features=SETTINGS, cache=None)
    load_examples(clips, CLASSES, recipe, banks, counted.append)
    assert counted == [1, 2, 3, 4, 5, 6]


def test_frames_come_from_the_cache(load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load(tmp_path / "cache")
    monkeypatch.setattr(module, "extract", None)
    again = load(tmp_path / "cache")
    for before, after in zip(first.frames, again.frames, strict=True):
        np.testing.assert_array_equal(before.values, after.values)


def test_clips_that_cannot_be_read_are_left_out(
    load, clips: list[Clip], caplog: pytest.LogCaptureFixture
) -> None:
    clips[1].path.write_text("no audio")
    clips[4].path.unlink()
    examples = load()
    assert [clip.name for clip in examples.clips] == ["0.wav", "2.wav", "3.wav", "5.wav"]
    assert examples.labels.tolist() == [0, 0, 1, 1]
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert str(clips[1].path) in caplog.messages[0]
    assert "does not exist" in caplog.messages[1]


def test_no_clip_at_all(load, clips: list[Clip]) -> None:
    for clip in clips:
        clip.path.write_bytes(b"")
    told = r"^None of the 6 clips can be read; check data\.root or data\.home\.$"
    with pytest.raises(ToolkitError, match=told):
        load()
