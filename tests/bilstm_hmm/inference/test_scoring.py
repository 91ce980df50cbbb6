"""Clips together and alone; long recordings in stretches and in one piece."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bilstm_hmm.inference.model import Model
from bilstm_hmm.inference.scoring import RecordingScores, score_clips, score_long_recording
from bilstm_hmm.inference.windows import max_clip_samples
from tests.oracle import EMOTIONS, say


@pytest.fixture(scope="module")
def samples() -> np.ndarray:
    """Two minutes of many utterances by two voices."""
    parts: list[np.ndarray] = []
    while sum(map(len, parts)) < 120 * 16000:
        number = len(parts)
        parts.append(say(EMOTIONS[number // 3 % 5], number % 2, number))
    spoken = np.concatenate(parts)[: 120 * 16000]
    # In a room: each stretch has its own floor 80 dB below its loudest band, which rooms are above.
    noise = np.random.default_rng(0).normal(scale=2e-2, size=len(spoken))
    return (spoken + noise).astype(np.float32)


def with_features(model: Model, **changes: object) -> Model:
    features = model.bundle.recipe.features.model_copy(update=changes)
    recipe = model.bundle.recipe.model_copy(update={"features": features})
    return Model(replace(model.bundle, recipe=recipe))


def long_of(model: Model, samples: np.ndarray, block: int, jobs: int = 2) -> RecordingScores:
    blocks = (samples[first : first + block] for first in range(0, len(samples), block))
    return score_long_recording(blocks, model.bundle, model._session, jobs)


def test_clips_get_together_what_they_get_alone(model: Model, samples: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    clips = []
    for seconds in (0.01, 0.3, 2.0, 2.1, 2.2, 9.0, 14.0, 3.0, 3.0):
        first = int(rng.integers(0, 100 * 16000))
        clips.append(samples[first : first + round(seconds * 16000)])
    together = score_clips(clips, model.bundle, model._session)
    for clip, found in zip(clips, together, strict=True):
        alone = model.score(clip)
        for name in ("clip_logits", "frame_logits", "frame_log_likelihoods"):
            np.testing.assert_allclose(getattr(found, name), getattr(alone, name), atol=2e-4)
        assert (found.rate, found.start, found.end) == (alone.rate, alone.start, alone.end)


@pytest.mark.parametrize("seconds", [25.1, 30.0, 45.3, 119.99])
@pytest.mark.parametrize("jobs", [1, 3])
def test_stretches_say_what_the_whole_says(
    model: Model, samples: np.ndarray, seconds: float, jobs: int
) -> None:
    """At one level; the HMMs alone have forgotten what lies before a stretch's context."""
    plain = with_features(model, level="none", trim_db=None)
    part = samples[: round(seconds * 16000)]
    long = len(part) > max_clip_samples(plain.bundle.recipe)
    (whole,) = score_clips([part], plain.bundle, plain._session)
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
    for minutes in (2, 40):
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
    # Decoded, the longer one has 146 MB of samples alone.
    assert peaks[1] < peaks[0] + 40.0
