"""How clips lie in the arrays of a step: padded, or in rows that they share."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bilstm_hmm.config.network_settings import NetworkSettings
from bilstm_hmm.network.packing import (
    PAD_MULTIPLE,
    ROW_LENGTH_FACTOR,
    can_pack,
    pack_batch,
    packing_gap,
    pad,
    pad_batch,
)

LENGTHS = st.lists(st.integers(1, 300), min_size=1, max_size=40)


def clips_of(lengths: list[int], seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(n, 3)).astype(np.float32) for n in lengths]


@given(lengths=LENGTHS, stride=st.integers(1, 16), seed=st.integers(0, 99))
@settings(deadline=None)
def test_padding_is_masked_and_zero(lengths: list[int], stride: int, seed: int) -> None:
    sequences = clips_of(lengths, seed)
    frames, mask = pad(sequences)
    assert frames.shape[1] % PAD_MULTIPLE == 0
    assert frames.shape[1] < max(lengths) + PAD_MULTIPLE
    assert frames.dtype == np.float32
    np.testing.assert_array_equal(mask.sum(axis=1), lengths)
    for row, sequence in enumerate(sequences):
        np.testing.assert_array_equal(frames[row][mask[row]], sequence)
        assert mask[row, : len(sequence)].all()
    assert not frames[~mask].any()
    packed = pad_batch(sequences, stride)
    np.testing.assert_array_equal(packed.inputs[0], frames)
    np.testing.assert_array_equal(packed.inputs[1], mask)
    np.testing.assert_array_equal(packed.step_mask.sum(axis=1), [-(-n // stride) for n in lengths])


@given(lengths=LENGTHS, stride=st.integers(1, 16), gaps=st.integers(1, 3), seed=st.integers(0, 99))
@settings(deadline=None)
def test_clips_that_share_rows_are_whole_and_apart(
    lengths: list[int], stride: int, gaps: int, seed: int
) -> None:
    """Every clip is found where its steps are, and at least a gap of nothing follows it."""
    sequences, gap = clips_of(lengths, seed), gaps * stride
    packed = pack_batch(sequences, stride, gap)
    rows, mask, places, steps = packed.inputs
    assert steps is packed.step_mask
    assert rows.shape[1] % stride == 0
    assert not rows[~mask].any()
    taken = np.zeros(mask.shape, bool)
    for clip, sequence in enumerate(sequences):
        count = -(-len(sequence) // stride)
        np.testing.assert_array_equal(steps[clip], np.arange(steps.shape[1]) < count)
        row, start = np.divmod(places[clip, 0] * stride, rows.shape[1])
        np.testing.assert_array_equal(
            places[clip, :count] * stride,
            row * rows.shape[1] + start + stride * np.arange(count),
        )
        np.testing.assert_array_equal(rows[row, start : start + len(sequence)], sequence)
        room = slice(start, start + count * stride + gap)
        assert mask[row, room].sum() == len(sequence)
        assert not taken[row, room].any()
        taken[row, room] = True
    # The same step of all rows is masked or not: strides keep the first frame of each step.
    assert mask[:, ::stride].sum() == steps.sum()


@given(lengths=LENGTHS)
@settings(deadline=None)
def test_rows_never_take_more_than_a_row_each(lengths: list[int]) -> None:
    """Nor are they much longer than the longest clip, or two of them half empty."""
    mask = pack_batch(clips_of(lengths, 0), 8, 8).inputs[1]
    rooms = [-(-n // 8) * 8 + 8 for n in lengths]
    assert max(rooms) <= mask.shape[1] <= ROW_LENGTH_FACTOR * max(rooms) + 8
    assert mask.size <= len(rooms) * max(rooms)
    assert mask.size <= 2 * sum(rooms) + mask.shape[1]


@pytest.mark.parametrize("count", [1, 2, 30])
def test_clips_of_one_length_have_a_row_each(count: int) -> None:
    assert pack_batch(clips_of([100] * count, 0), 8, 8).inputs[1].shape == (count, 112)


def test_rows_take_half_of_what_padding_takes() -> None:
    """As lengths of acted clips are: a row is seldom as long as the longest."""
    lengths = np.random.default_rng(0).gamma(9.0, 26.0, 64).astype(int).tolist()
    rows = pack_batch(clips_of(lengths, 0), 8, 8).inputs[0]
    frames, _ = pad(clips_of(lengths, 0))
    assert rows.shape[0] * rows.shape[1] < 0.6 * frames.shape[0] * frames.shape[1]
    assert rows.shape[0] * rows.shape[1] < 1.15 * sum(lengths)


@pytest.mark.parametrize(
    ("network", "gap"),
    [
        ({"family": "bilstm"}, 1),
        ({"family": "bilstm", "stack": 5}, 5),
        # The second convolution reaches over two of its steps, of two frames each.
        ({"family": "cnn_bilstm"}, 8),
        (
            {
                "family": "cnn_bilstm",
                "convolutions": [{"kernel": 3, "stride": 2}, {"kernel": 9, "stride": 1}],
            },
            8,
        ),
        (
            {
                "family": "cnn_lstm",
                "stack": 2,
                "convolutions": [{"kernel": 11, "stride": 3}],
            },
            12,
        ),
    ],
)
def test_the_gap_is_as_wide_as_the_convolutions_reach(network: dict, gap: int) -> None:
    assert packing_gap(NetworkSettings.model_validate(network)) == gap


def test_images_are_not_packed() -> None:
    assert can_pack(NetworkSettings(family="cnn_bilstm"))
    flat = [{"kernel": 3}]
    seen = {"family": "cnn_bilstm", "image": {"channels": 1}, "convolutions": flat}
    assert not can_pack(NetworkSettings.model_validate(seen))
