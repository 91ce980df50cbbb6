"""How clips of unequal length lie in the arrays of a step: padded, or packed into rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bilstm_hmm.arrays import Array, FloatArray, Mask
from bilstm_hmm.config.network_settings import NetworkSettings

#: Padded lengths are rounded up to a multiple of this, so that a backend compiles few shapes.
PAD_MULTIPLE = 64

#: How much longer rows are than the longest clip: in longer ones less room is left over, but an
#: LSTM takes more steps, of fewer rows each (docs/development/experiments.md).
ROW_LENGTH_FACTOR = 1.5


@dataclass(frozen=True, slots=True)
class PackedBatch:
    """`inputs` is what a network is called with for B clips.

    `steps` bool ``[B, T']`` tells which time steps of the network's output are of the clip,
    which begins at the first of them.
    """

    inputs: tuple[Array, ...]
    steps: Mask


Packing = Callable[[Sequence[FloatArray]], PackedBatch]


def pad(sequences: Sequence[FloatArray], quantum: int = PAD_MULTIPLE) -> tuple[FloatArray, Mask]:
    """Pad sequences with zeros to one length: frames ``[B, T, F]`` and mask ``[B, T]``."""
    count = len(sequences)
    length = round_up(max(len(sequence) for sequence in sequences), quantum)
    return _scatter(sequences, range(count), [0] * count, length)


def pad_batch(
    sequences: Sequence[FloatArray], stride: int, quantum: int = PAD_MULTIPLE
) -> PackedBatch:
    """Give each clip a row of its own: frames and mask, for a network of `stride`."""
    frames, mask = pad(sequences, quantum)
    return PackedBatch((frames, mask), mask[:, ::stride])


def pack_batch(sequences: Sequence[FloatArray], stride: int, gap: int) -> PackedBatch:
    """Let clips share rows, each at least `gap` frames behind the one before.

    Clips are placed by falling length, each in the first row with room for it (first-fit
    decreasing; Johnson, 1973).

    Returns
    -------
    Arranged
        Inputs: rows ``[R, T, F]``, their mask ``[R, T]``, for every step of every clip its place
        among the R x T' steps of all rows, int32 ``[B, longest]``, and `steps` once more.
    """
    rooms = [round_up(len(sequence), stride) + gap for sequence in sequences]
    length = round_up(round(ROW_LENGTH_FACTOR * max(rooms)), stride)
    rows, starts = _first_fit(rooms, length)
    if (max(rows) + 1) * length > len(rooms) * max(rooms):
        # Of like length after all: longer rows would stay half empty.
        length = max(rooms)
        rows, starts = _first_fit(rooms, length)
    frames, mask = _scatter(sequences, rows, starts, length)
    counts = [-(-len(sequence) // stride) for sequence in sequences]
    steps = np.arange(max(counts)) < np.array(counts)[:, None]
    places = np.zeros(steps.shape, np.int32)
    for clip, (row, start, count) in enumerate(zip(rows, starts, counts, strict=True)):
        places[clip, :count] = (row * length + start) // stride + np.arange(count)
    return PackedBatch((frames, mask, places, steps), steps)


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
    """Tell whether a network can be run on rows of several clips: not if it sees images."""
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


def round_up(frames: int, stride: int) -> int:
    return -(-frames // stride) * stride


def _first_fit(rooms: Sequence[int], length: int) -> tuple[list[int], list[int]]:
    """Return the row of each room, none longer than `length`, and where in it the room begins."""
    filled: list[int] = []
    rows, starts = [0] * len(rooms), [0] * len(rooms)
    for clip in sorted(range(len(rooms)), key=lambda clip: -rooms[clip]):
        fitting = (row for row, until in enumerate(filled) if until + rooms[clip] <= length)
        row = next(fitting, len(filled))
        if row == len(filled):
            filled.append(0)
        rows[clip], starts[clip] = row, filled[row]
        filled[row] += rooms[clip]
    return rows, starts
