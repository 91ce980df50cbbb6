"""Clips decoded once, and their frames as networks take them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from bilstm_hmm.data.clip import Clip
from bilstm_hmm.features.audio.reading import read_audio
from bilstm_hmm.features.extraction.extract import extract
from bilstm_hmm.features.extraction.normalise import FeatureStatistics, fit_statistics
from bilstm_hmm.features.settings.extraction import FeatureSettings
from bilstm_hmm.features.spectral.filterbanks import FilterBanks

from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.training import examples as module
from bilstm_hmm.training.examples import (
    Examples,
    frame_views,
    load_examples,
    normalised_frames,
)

SETTINGS = FeatureSettings(n_mfcc=3, n_mels=4)
CLASSES = ("happy", "sad")
MakeRecipe = Callable[..., Recipe]


def statistics_of(examples: Examples) -> FeatureStatistics:
    return fit_statistics(frames.values for frames in examples.frames)


@pytest.fixture
def small_banks() -> FilterBanks:
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
def load(clips: list[Clip], small_banks: FilterBanks) -> Callable[..., object]:
    def run(cache: Path | None = None) -> object:
        recipe = Recipe(features=SETTINGS, cache=cache, jobs=2)
        return load_examples(clips, CLASSES, recipe, small_banks, lambda _: None)

    return run


def test_clips_become_samples_and_frames(load, clips: list[Clip], small_banks: FilterBanks) -> None:
    examples = load()
    assert examples.clips == tuple(clips)
    assert examples.labels.tolist() == [0, 1, 0, 1, 0, 1]
    for clip, samples, frames in zip(clips, examples.samples, examples.frames, strict=True):
        expected = read_audio(clip.path, 16000).samples
        np.testing.assert_array_equal(samples, expected)
        np.testing.assert_array_equal(
            frames.values, extract(expected, SETTINGS, small_banks).values
        )


def test_every_clip_is_counted(clips: list[Clip], small_banks: FilterBanks) -> None:
    counted: list[int] = []
    recipe = Recipe(features=SETTINGS, cache=None)
    load_examples(clips, CLASSES, recipe, small_banks, counted.append)
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


def test_plain_frames_are_normalised_by_the_statistics_given(
    tones: Examples, quick_recipe: MakeRecipe
) -> None:
    found = np.concatenate(
        normalised_frames(tones, range(len(tones.clips)), quick_recipe(), statistics_of(tones))
    )
    np.testing.assert_allclose(found.mean(axis=0), 0.0, atol=1e-4)
    np.testing.assert_allclose(found.std(axis=0), 1.0, atol=1e-4)


def test_lengths_are_counted_in_frames(tones: Examples) -> None:
    assert tones.lengths.tolist() == [f.values.shape[0] for f in tones.frames]


def test_views_are_made_of_the_samples(
    tones: Examples, quick_recipe: MakeRecipe, banks: FilterBanks
) -> None:
    warps = (0.8, 1.0)
    recipe = quick_recipe(decision={"warps": warps})
    for index, views in zip((5, 2), frame_views(tones, [5, 2], recipe, banks), strict=True):
        for view, warp in zip(views, warps, strict=True):
            frames = extract(tones.samples[index], recipe.features, banks, warp=warp)
            np.testing.assert_array_equal(view, frames.values)
        (alone,) = frame_views(tones, [index], quick_recipe(), banks)
        np.testing.assert_allclose(alone[0], views[1], atol=1e-5)
