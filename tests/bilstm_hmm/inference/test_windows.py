"""Windows: every frame once, from where it is most central."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bilstm_hmm.inference.session import stitch_windows, window_starts
from bilstm_hmm.network.outputs import NetworkOutput

STRIDE = 4


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
