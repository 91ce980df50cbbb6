import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest
from bilstm_hmm.features.audio.decoding import files
from bilstm_hmm.features.audio.envelope import envelope
from bilstm_hmm.features.audio.reading import open_array
from bilstm_hmm.features.errors import AudioError
from hypothesis import given, settings
from hypothesis import strategies as st


class Blocks:
    """A stream that is made as it is gone through."""

    rate = 16000

    def __init__(self, blocks: Iterator[np.ndarray]) -> None:
        self._blocks = blocks

    def __iter__(self) -> Iterator[np.ndarray]:
        return self._blocks


@given(
    lengths=st.lists(st.integers(1, 70), min_size=1, max_size=12),
    width=st.integers(1, 20),
    seed=st.integers(0, 99),
)
@settings(deadline=None)
def test_every_stretch_has_its_extremes(lengths: list[int], width: int, seed: int) -> None:
    samples = np.random.default_rng(seed).normal(size=sum(lengths)).astype(np.float32)
    parts = iter(np.split(samples, np.cumsum(lengths)[:-1]))
    ranges = envelope(Blocks(parts), width)
    size = round(ranges.step * 16000)
    stretches = [samples[first : first + size] for first in range(0, len(samples), size)]
    assert ranges.minima.tolist() == [part.min() for part in stretches]
    assert ranges.maxima.tolist() == [part.max() for part in stretches]
    assert len(stretches) <= 2 * width
    assert len(stretches) >= width or size == 1
    assert ranges.minima.dtype == ranges.maxima.dtype == np.float32


def test_blocks_of_a_recording_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = np.random.default_rng(0).normal(size=10_000).astype(np.float32)
    whole = envelope(open_array(samples, 16000), 50)
    monkeypatch.setattr(files, "BLOCK", 333)
    blocks = envelope(open_array(samples, 16000), 50)
    np.testing.assert_array_equal(whole.minima, blocks.minima)
    np.testing.assert_array_equal(whole.maxima, blocks.maxima)
    assert whole.step == blocks.step == 128 / 16000


def test_hours_take_no_more_memory_than_minutes() -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        envelope(Blocks(np.full(10_000, i % 7, np.float32) for i in range(count)), 1000)
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    minutes, hours = peak(100), peak(10_000)
    assert hours < 1.2 * minutes


@pytest.mark.parametrize("samples", [[], [0.0, np.nan]])
def test_what_is_no_recording_has_no_envelope(samples: list[float]) -> None:
    with pytest.raises(AudioError):
        envelope(open_array(np.array(samples, np.float32), 16000), 5)
