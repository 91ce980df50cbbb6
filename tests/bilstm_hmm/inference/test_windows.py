"""Windows and stretches: every frame once, from where it is most central."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from bilstm_hmm.features.extraction.extract import extract
from bilstm_hmm.features.spectral.filterbanks import FilterBanks
from hypothesis import given, settings
from hypothesis import strategies as st

from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.inference.windows import (
    chunks,
    max_clip_samples,
    stitch_windows,
    window_size,
    window_starts,
)
from bilstm_hmm.network.outputs import NetworkOutput

RECIPE = Recipe.model_validate(
    {
        "features": {"rate": 8000, "hop_length": 80, "n_fft": 256, "frame_length": 200}
        | {"fmax": 4000.0, "level": "none"},
        "network": {"stack": 4},
        "training": {"max_seconds": 1.0},
    }
)
HOP, STRIDE, CONTEXT = 80, 4, 48


def test_a_window_is_as_long_as_what_the_network_was_trained_on() -> None:
    assert RECIPE.network.stride == STRIDE
    assert window_size(RECIPE) == 96  # whole output frames in each half
    assert window_size(Recipe()) == 1000


@given(length=st.integers(1, 1500), half=st.integers(1, 40))
@settings(deadline=None)
def test_every_frame_comes_from_where_it_is_most_central(length: int, half: int) -> None:
    size = 2 * half * STRIDE
    starts = window_starts(length, size, STRIDE)
    steps = [-(-min(size, length - start) // STRIDE) for start in starts]
    # Each output frame tells its window and its place in the whole.
    parts = [
        NetworkOutput(
            hidden=start // STRIDE + np.arange(n, dtype=np.float32)[:, None],
            frame_logits=np.full((n, 1), number, np.float32),
            clip_logits=np.zeros(1, np.float32),
        )
        for number, (start, n) in enumerate(zip(starts, steps, strict=True))
    ]
    place, window = stitch_windows(parts, starts, length, size, STRIDE)
    np.testing.assert_array_equal(place[:, 0], np.arange(-(-length // STRIDE)))
    for step, number in enumerate(window[:, 0].astype(int)):
        centres = [abs(step * STRIDE - (start + size / 2)) for start in starts]
        assert centres[number] <= min(centres) + STRIDE


@given(
    length=st.integers(1, 90_000 * 8),
    seed=st.integers(0, 1000),
)
@settings(deadline=None, max_examples=30)
def test_the_cores_of_stretches_are_the_recording(length: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    samples = np.arange(length, dtype=np.float32)
    cuts = np.sort(rng.integers(0, length, rng.integers(1, 6)))
    found = list(chunks(np.split(samples, cuts), RECIPE))
    assert len(found) == 1 or length > max_clip_samples(RECIPE) // 2
    frames = []
    for stretch in found:
        assert len(stretch.samples) <= max_clip_samples(RECIPE)
        np.testing.assert_array_equal(np.diff(stretch.samples), 1)
        first, beyond = divmod(int(stretch.samples[0]), HOP)
        assert beyond == 0
        stop = stretch.frames.stop - stretch.frames.start
        assert stretch.core.start in (0, CONTEXT)
        assert stretch is found[-1] or stop - stretch.core.stop == CONTEXT
        # Nothing that a frame is made of lies beyond a cut: half a spectrum and four frames.
        needed = 4 + 128 / HOP
        assert first == stretch.frames.start == 0 or stretch.frames.start >= needed
        room = len(stretch.samples) / HOP - stretch.frames.stop
        assert stretch is found[-1] or room >= needed
        frames.append(first + np.arange(*stretch.frames.indices(10**6))[stretch.core])
    np.testing.assert_array_equal(np.concatenate(frames), np.arange(1 + length // HOP))


def test_windows_of_stretches_are_those_of_the_whole() -> None:
    length = max_clip_samples(RECIPE) * 3 + 12345
    samples = np.arange(length, dtype=np.float32)
    size, starts = window_size(RECIPE), []
    for stretch in chunks([samples], RECIPE):
        first = int(stretch.samples[0]) // HOP + stretch.frames.start
        own = stretch.frames.stop - stretch.frames.start
        for start in window_starts(own, size, STRIDE):
            centre = start + size // 2
            last = stretch.core.stop == own
            if stretch.core.start <= centre and (last or centre < stretch.core.stop):
                starts.append(first + start)
    assert starts == window_starts(1 + length // HOP, size, STRIDE)


def test_stretches_are_levelled_where_the_recipe_asks_for_it() -> None:
    rng = np.random.default_rng(0)
    samples = 0.1 * rng.uniform(-1, 1, 60 * 8000).astype(np.float32)
    for level, peak in (("none", 0.1), ("peak", 1.0)):
        features = RECIPE.features.model_copy(update={"level": level})
        for stretch in chunks([samples], RECIPE.model_copy(update={"features": features})):
            assert np.abs(stretch.samples).max() == pytest.approx(peak, rel=0.01)


@pytest.mark.parametrize("max_seconds", [3.0, 4.0])
def test_stretches_have_the_frames_that_an_encoder_gives_of_the_whole(
    max_seconds: float, tmp_path: Path, store: Path, make_encoder: Callable[..., Path]
) -> None:
    encoder = {
        "model": str(make_encoder(tmp_path / "tiny.onnx")),
        "taps": ["states_1", "states_2"],
        "width": 6,
        "window": 1.0,
    }
    recipe = Recipe.model_validate(
        {
            "features": {
                "streams": ["encoder", "energy"],
                "encoder": encoder,
                "level": "none",
                "trim_db": None,
            },
            "augmentation": {"vocal_tract": {"probability": 0.0}},
            "training": {"max_seconds": max_seconds},
        }
    )
    rng = np.random.default_rng(1)
    length = max_clip_samples(recipe) * 3 + 12345
    samples = rng.normal(0.0, 0.1, length).astype(np.float32)
    whole = extract(samples, recipe.features, FilterBanks()).values
    found, context = [], []
    for stretch in chunks(np.array_split(samples, 7), recipe):
        frames = extract(stretch.samples, recipe.features, FilterBanks()).values[stretch.frames]
        first = sum(map(len, found)) - stretch.core.start
        context.append(np.abs(frames - whole[first : first + len(frames)]).max())
        found.append(frames[stretch.core])
    assert len(found) > 2
    np.testing.assert_allclose(np.concatenate(found), whole, atol=1e-4)
    # The network sees the context as well.
    assert max(context) < 1e-4
