"""Clips of unequal length as the arrays of a step: padded, or packed into rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bilstm_hmm.arrays import Array, FloatArray, Mask
from bilstm_hmm.config.network_settings import NetworkSettings

#: Padded lengths are rounded up to a multiple of this, so that a backend compiles few shapes.
PAD_MULTIPLE = 64

#: How much longer rows are than the longest clip: in longer ones fewer frames are left empty, but
#: an LSTM takes more steps, of fewer rows each (docs/development/experiments.md).
ROW_LENGTH_FACTOR = 1.5


@dataclass(frozen=True, slots=True)
class PackedBatch:
    """B clips as a network takes them.

    Attributes
    ----------
    inputs
        What the network is called with.
    step_mask
        Which time steps of the network's output are of the clip, which begins at the first of
        them: bool ``[B, T']``.
    """

    inputs: tuple[Array, ...]
    step_mask: Mask


#: Makes a batch of clips, ``[T, F]`` each.
Packing = Callable[[Sequence[FloatArray]], PackedBatch]


def pad(sequences: Sequence[FloatArray], multiple: int = PAD_MULTIPLE) -> tuple[FloatArray, Mask]:
    """Pad sequences with zeros to one length: frames ``[B, T, F]`` and mask ``[B, T]``.

    Parameters
    ----------
    multiple
        What T is a multiple of.
    """
    count = len(sequences)
    length = round_up(max(len(sequence) for sequence in sequences), multiple)
    return _scatter(sequences, range(count), [0] * count, length)


def pad_batch(
    sequences: Sequence[FloatArray], stride: int, multiple: int = PAD_MULTIPLE
) -> PackedBatch:
    """Give each clip a row of its own: frames and mask, for a network of `stride`."""
    frames, mask = pad(sequences, multiple)
    return PackedBatch((frames, mask), mask[:, ::stride])


def pack_batch(sequences: Sequence[FloatArray], stride: int, gap: int) -> PackedBatch:
    """Let clips share rows, each at least `gap` frames behind the one before.

    Clips go by falling length, each into the first row with a slot for it (first-fit decreasing;
    Johnson, 1973).

    Returns
    -------
    PackedBatch
        Inputs: rows ``[R, T, F]``, their mask ``[R, T]``, for every step of every clip its
        position among the R x T' steps of all rows, int32 ``[B, longest]``, and the mask of the
        steps once more.
    """
    slots = [round_up(len(sequence), stride) + gap for sequence in sequences]
    row_length = round_up(round(ROW_LENGTH_FACTOR * max(slots)), stride)
    rows, starts = _first_fit(slots, row_length)
    if (max(rows) + 1) * row_length > len(slots) * max(slots):
        # Of like length after all: longer rows would stay half empty.
        row_length = max(slots)
        rows, starts = _first_fit(slots, row_length)
    frames, mask = _scatter(sequences, rows, starts, row_length)
    counts = [-(-len(sequence) // stride) for sequence in sequences]
    step_mask = np.arange(max(counts)) < np.array(counts)[:, None]
    positions = np.zeros(step_mask.shape, np.int32)
    for clip, (row, start, count) in enumerate(zip(rows, starts, counts, strict=True)):
        positions[clip, :count] = (row * row_length + start) // stride + np.arange(count)
    return PackedBatch((frames, mask, positions, step_mask), step_mask)


def packing_gap(settings: NetworkSettings) -> int:
    """Return how many empty frames keep two clips of a row from seeing each other.

    At least one time step of the network, at which its LSTMs begin anew, and as many frames as
    its convolutions reach over; a multiple of the stride, so that a clip begins at a time step.
    """
    reach, frames = 1, settings.stack
    if settings.convolutional:
        for convolution in settings.convolutions:
            reach = max(reach, convolution.kernel // 2 * frames)
            frames *= convolution.stride
    return round_up(reach, settings.stride)


def can_pack(settings: NetworkSettings) -> bool:
    """Return whether a network can be run on rows of several clips: not if it takes images."""
    return settings.image is None


def _scatter(
    sequences: Sequence[FloatArray], rows: Sequence[int], starts: Sequence[int], length: int
) -> tuple[FloatArray, Mask]:
    """Write each sequence into its row, from its start on; elsewhere zeros, masked."""
    frames = np.zeros((max(rows) + 1, length, sequences[0].shape[1]), np.float32)
    mask = np.zeros(frames.shape[:2], np.bool_)
    for sequence, row, start in zip(sequences, rows, starts, strict=True):
        frames[row, start : start + len(sequence)] = sequence
        mask[row, start : start + len(sequence)] = True
    return frames, mask


def round_up(frames: int, multiple: int) -> int:
    """Return the least multiple of `multiple` that is not below `frames`."""
    return -(-frames // multiple) * multiple


def _first_fit(slots: Sequence[int], row_length: int) -> tuple[list[int], list[int]]:
    """Return the row of each slot, none longer than `row_length`, and where the slot starts."""
    row_ends: list[int] = []
    rows, starts = [0] * len(slots), [0] * len(slots)
    for clip in sorted(range(len(slots)), key=lambda clip: -slots[clip]):
        fitting = (row for row, end in enumerate(row_ends) if end + slots[clip] <= row_length)
        row = next(fitting, len(row_ends))
        if row == len(row_ends):
            row_ends.append(0)
        rows[clip], starts[clip] = row, row_ends[row]
        row_ends[row] += slots[clip]
    return rows, starts
