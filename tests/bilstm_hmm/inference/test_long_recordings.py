"""Long recordings in chunks and in one piece; their segments on the way."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from bilstm_hmm.features.extraction.extract import extract
from bilstm_hmm.features.spectral.filterbanks import FilterBanks
from hypothesis import given, settings
from hypothesis import strategies as st

from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.inference.long_recordings import (
    MAX_SEGMENTS_PER_BATCH,
    Chunk,
    Chunker,
    max_clip_samples,
    score_long_recording,
)
from bilstm_hmm.inference.model import Model
from bilstm_hmm.inference.scoring import RecordingScores
from bilstm_hmm.inference.windows import window_starts
from tests.oracle import EMOTIONS, say, talk

RECIPE = Recipe.model_validate(
    {
        "features": {"rate": 8000, "hop_length": 80, "n_fft": 256, "frame_length": 200}
        | {"fmax": 4000.0, "level": "none"},
        "network": {"stack": 4},
        "training": {"max_seconds": 1.0},
    }
)
HOP, STRIDE, CONTEXT = 80, 4, 48


def chunks(blocks: Sequence[np.ndarray], recipe: Recipe) -> list[Chunk]:
    chunker = Chunker(recipe)
    whole = [chunk for block in blocks for chunk in chunker.push(block)]
    return [*whole, *chunker.close()]


@pytest.fixture(scope="module")
def samples() -> np.ndarray:
    """Two minutes of many utterances by two voices."""
    parts: list[np.ndarray] = []
    while sum(map(len, parts)) < 120 * 16000:
        number = len(parts)
        parts.append(say(EMOTIONS[number // 3 % 5], number % 2, number))
    spoken = np.concatenate(parts)[: 120 * 16000]
    # In a room: each chunk has its own floor 80 dB below its loudest band, which rooms are above.
    noise = np.random.default_rng(0).normal(scale=2e-2, size=len(spoken))
    return (spoken + noise).astype(np.float32)


def with_features(model: Model, **changes: object) -> Model:
    features = model.bundle.recipe.features.model_copy(update=changes)
    recipe = model.bundle.recipe.model_copy(update={"features": features})
    return Model(replace(model.bundle, recipe=recipe))


def long_of(model: Model, samples: np.ndarray, block: int, jobs: int = 2) -> RecordingScores:
    blocks = (samples[first : first + block] for first in range(0, len(samples), block))
    return score_long_recording(model.scorer, blocks, jobs).whole


@given(
    length=st.integers(1, 90_000 * 8),
    seed=st.integers(0, 1000),
)
@settings(deadline=None, max_examples=30)
def test_the_cores_of_chunks_are_the_recording(length: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    samples = np.arange(length, dtype=np.float32)
    cuts = np.sort(rng.integers(0, length, rng.integers(1, 6)))
    found = list(chunks(np.split(samples, cuts), RECIPE))
    assert len(found) == 1 or length > max_clip_samples(RECIPE) // 2
    frames = []
    for chunk in found:
        assert len(chunk.samples) <= max_clip_samples(RECIPE)
        np.testing.assert_array_equal(np.diff(chunk.samples), 1)
        first, beyond = divmod(int(chunk.samples[0]), HOP)
        assert beyond == 0
        stop = chunk.frames.stop - chunk.frames.start
        assert chunk.core.start in (0, CONTEXT)
        assert chunk is found[-1] or stop - chunk.core.stop == CONTEXT
        # Nothing that a frame is made of lies beyond a cut: half a spectrum and four frames.
        needed = 4 + 128 / HOP
        assert first == chunk.frames.start == 0 or chunk.frames.start >= needed
        room = len(chunk.samples) / HOP - chunk.frames.stop
        assert chunk is found[-1] or room >= needed
        frames.append(first + np.arange(*chunk.frames.indices(10**6))[chunk.core])
    np.testing.assert_array_equal(np.concatenate(frames), np.arange(1 + length // HOP))


def test_windows_of_chunks_are_those_of_the_whole() -> None:
    length = max_clip_samples(RECIPE) * 3 + 12345
    samples = np.arange(length, dtype=np.float32)
    size, starts = RECIPE.window_frames, []
    for chunk in chunks([samples], RECIPE):
        first = int(chunk.samples[0]) // HOP + chunk.frames.start
        own = chunk.frames.stop - chunk.frames.start
        for start in window_starts(own, size, STRIDE):
            centre = start + size // 2
            last = chunk.core.stop == own
            if chunk.core.start <= centre and (last or centre < chunk.core.stop):
                starts.append(first + start)
    assert starts == window_starts(1 + length // HOP, size, STRIDE)


def test_chunks_are_levelled_where_the_recipe_asks_for_it() -> None:
    rng = np.random.default_rng(0)
    samples = 0.1 * rng.uniform(-1, 1, 60 * 8000).astype(np.float32)
    for level, peak in (("none", 0.1), ("peak", 1.0)):
        features = RECIPE.features.model_copy(update={"level": level})
        for chunk in chunks([samples], RECIPE.model_copy(update={"features": features})):
            assert np.abs(chunk.samples).max() == pytest.approx(peak, rel=0.01)


@pytest.mark.parametrize("max_seconds", [3.0, 4.0])
def test_chunks_have_the_frames_that_an_encoder_gives_of_the_whole(
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
    for chunk in chunks(np.array_split(samples, 7), recipe):
        frames = extract(chunk.samples, recipe.features, FilterBanks()).values[chunk.frames]
        first = sum(map(len, found)) - chunk.core.start
        context.append(np.abs(frames - whole[first : first + len(frames)]).max())
        found.append(frames[chunk.core])
    assert len(found) > 2
    np.testing.assert_allclose(np.concatenate(found), whole, atol=1e-4)
    # The network sees the context as well.
    assert max(context) < 1e-4


@pytest.mark.parametrize("seconds", [25.1, 30.0, 45.3, 119.99])
@pytest.mark.parametrize("jobs", [1, 3])
def test_chunks_give_what_the_whole_gives(
    model: Model, samples: np.ndarray, seconds: float, jobs: int
) -> None:
    """At one level; the HMMs alone have forgotten what lies before a chunk's context."""
    plain = with_features(model, level="none", trim_db=None)
    part = samples[: round(seconds * 16000)]
    long = len(part) > max_clip_samples(plain.bundle.recipe)
    (whole,) = plain.scorer.score_clips([part])
    found = long_of(plain, part, 70_001, jobs)
    np.testing.assert_allclose(found.frame_logits, whole.frame_logits, atol=1e-3)
    np.testing.assert_allclose(found.frame_log_likelihoods, whole.frame_log_likelihoods, atol=1e-2)
    np.testing.assert_allclose(found.clip_logits, whole.clip_logits, atol=1e-4)
    assert (found.rate, found.start, found.end) == (whole.rate, whole.start, whole.end)
    # Which way is taken goes by the length.
    np.testing.assert_array_equal(
        plain.score(part).clip_logits, (found if long else whole).clip_logits
    )


def test_the_level_of_a_long_recording_does_not_matter(model: Model, samples: np.ndarray) -> None:
    loud, quiet = long_of(model, samples, 1 << 16), long_of(model, 0.1 * samples, 1 << 16)
    np.testing.assert_allclose(loud.frame_logits, quiet.frame_logits, atol=1e-2)


_PEAK = """
import sys
import bilstm_hmm
said = bilstm_hmm.load(sys.argv[1]).predict(sys.argv[2])
(peak,) = (line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(said.duration, int(peak.split()[1]) / 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_memory_does_not_grow_with_the_recording(
    oracle: Path, samples: np.ndarray, tmp_path: Path
) -> None:
    peaks = []
    for minutes in (2, 20):
        path = tmp_path / f"{minutes}.wav"
        with soundfile.SoundFile(path, "w", 16000, 1) as file:
            for _ in range(minutes // 2):
                file.write(samples)
        done = subprocess.run(
            [sys.executable, "-c", _PEAK, oracle, path],
            capture_output=True,
            text=True,
            check=True,
        )
        duration, peak = map(float, done.stdout.split())
        assert duration == 60.0 * minutes
        peaks.append(peak)
    # Decoded, the longer one has 73 MB of samples alone.
    assert peaks[1] < peaks[0] + 40.0


@pytest.mark.parametrize("jobs", [1, 3])
@pytest.mark.parametrize("size", [4_000, 50_000, 10**7])
def test_segments_do_not_depend_on_blocks_and_threads(model: Model, jobs: int, size: int) -> None:
    samples = talk(*(EMOTIONS[n % 5] for n in range(24)), speaker=3)
    expected = model.score_segments(samples)
    assert len(expected) > MAX_SEGMENTS_PER_BATCH
    blocks = np.split(samples, range(size, len(samples), size))
    segments = score_long_recording(model.scorer, blocks, jobs).segments
    for one, other in zip(segments, expected, strict=True):
        assert (one.start, one.end) == (other.start, other.end)
        np.testing.assert_allclose(one.frame_logits, other.frame_logits, atol=1e-4)
    assert score_long_recording(model.scorer, blocks, jobs, with_segments=False).segments == ()
