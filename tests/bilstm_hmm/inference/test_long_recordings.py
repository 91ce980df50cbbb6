"""Recordings that are not held: their speech comes out however they are cut and shared out."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bilstm_hmm.inference.long_recordings import (
    MAX_SEGMENTS_PER_BATCH,
    max_held_samples,
    score_long_recording,
)
from bilstm_hmm.inference.model import Model
from tests.oracle import EMOTIONS, RATE, say, talk


@pytest.fixture(scope="module")
def samples() -> np.ndarray:
    """Two minutes of many utterances by two voices."""
    parts: list[np.ndarray] = []
    while sum(map(len, parts)) < 120 * RATE:
        number = len(parts)
        parts.append(say(EMOTIONS[number // 3 % 5], number % 2, number))
    return np.concatenate(parts)[: 120 * RATE]


@pytest.mark.parametrize("jobs", [1, 3])
@pytest.mark.parametrize("size", [4_000, 50_000, 10**7])
def test_segments_do_not_depend_on_blocks_and_threads(model: Model, jobs: int, size: int) -> None:
    samples = talk(*(EMOTIONS[n % 5] for n in range(24)), speaker=3)
    expected = model.score_speech(samples)
    assert len(expected) > MAX_SEGMENTS_PER_BATCH
    blocks = np.split(samples, range(size, len(samples), size))
    scored = score_long_recording(model.scorer, blocks, jobs)
    assert not scored.is_utterance
    for one, other in zip(scored.segments, expected, strict=True):
        assert (one.start, one.end) == (other.start, other.end)
        np.testing.assert_allclose(one.frame_logits, other.frame_logits, atol=1e-4)


@pytest.mark.parametrize("silence", [0.0, 3.0, 45.0])
def test_whether_a_recording_is_held_makes_no_difference(model: Model, silence: float) -> None:
    """A single utterance with much silence is the same one as without."""
    alone = model.predict(say("angry"), RATE)
    long = model.predict(talk(silence, "angry", silence), RATE)
    assert long.emotion == alone.emotion == "angry"
    assert long.confidence == pytest.approx(alone.confidence, abs=0.01)
    (spoken,) = [segment for segment in long.segments if segment.emotion == "angry"]
    assert spoken.start == pytest.approx(silence + alone.segments[0].start, abs=0.02)
    assert (2 * silence * RATE > max_held_samples(model.bundle.recipe)) == (silence == 45.0)


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
