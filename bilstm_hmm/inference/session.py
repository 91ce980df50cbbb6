"""The network as ONNX Runtime runs it: sequences of any lengths in, outputs in their order.

What is longer than a window of the training is cut into such windows, and their outputs are joined.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from bilstm_hmm.arrays import FloatArray
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.features.encoder import session as encoder_session
from bilstm_hmm.features.windows import window_starts as grid_starts
from bilstm_hmm.network.outputs import NetworkOutput, unpad_outputs
from bilstm_hmm.network.packing import pad

#: Sequences that go through the network together. More are no faster, because they leave the
#: processor's cache.
MAX_BATCH = 32
#: How much longer than the shortest of its batch a sequence may be: the rest would be padding.
LENGTH_TOLERANCE = 1.15


def open_session(network: bytes, model_id: str) -> Any:
    """Return an ONNX Runtime session of a network.

    Raises
    ------
    ToolkitError
        Where this version of ONNX Runtime cannot run the network; `model_id` names the model.
    """
    return encoder_session.open_session(
        network,
        lambda reason: ToolkitError(
            f"{model_id}: its network cannot be run ({reason}); train it anew or upgrade "
            "onnxruntime."
        ),
    )


def run_network(session: Any, sequences: Sequence[FloatArray], stride: int) -> list[NetworkOutput]:
    """Run normalised sequences, ``[T, F]`` each, in batches of like length.

    The network takes each one's own length, so that the padding of a batch changes nothing.

    Parameters
    ----------
    stride
        Input frames an output frame.

    Raises
    ------
    ToolkitError
        Where the network gives values that are no numbers.
    """
    results: list[NetworkOutput | None] = [None] * len(sequences)
    for group in _length_groups([len(sequence) for sequence in sequences]):
        lengths = [len(sequences[index]) for index in group]
        frames, _ = pad([sequences[index] for index in group], multiple=1)
        hidden, frame, clip = session.run(
            ["hidden", "frame", "clip"],
            {"frames": frames, "lengths": np.array(lengths, np.int32)},
        )
        outputs = unpad_outputs(hidden, frame, clip, lengths, stride)
        for index, output in zip(group, outputs, strict=True):
            _refuse_no_numbers(output)
            results[index] = output
    return [result for result in results if result is not None]


def _refuse_no_numbers(output: NetworkOutput) -> None:
    # Of frames that are finite, weights give something else only where they were altered.
    for values in (output.hidden, output.frame_logits, output.clip_logits):
        if not np.isfinite(values).all():
            raise ToolkitError(
                "the network of this model gives values that are no numbers; copy the model again "
                "or train it anew."
            )


def _length_groups(lengths: Sequence[int]) -> list[list[int]]:
    """Group the positions of `lengths` by like length."""
    groups: list[list[int]] = []
    shortest = 0
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        is_full = not groups or len(groups[-1]) == MAX_BATCH
        if is_full or lengths[index] > LENGTH_TOLERANCE * shortest:
            groups.append([])
            shortest = lengths[index]
        groups[-1].append(index)
    return groups


def window_starts(length: int, size: int, stride: int) -> list[int]:
    """Return where the windows of a sequence of `length` frames begin, at half overlap.

    The last one ends with the sequence, at a multiple of the stride.
    """
    return grid_starts(length, size, size // 2, stride)


def stitch_windows(
    parts: Sequence[NetworkOutput], starts: Sequence[int], length: int, size: int, stride: int
) -> tuple[FloatArray, FloatArray]:
    """Return hidden states and frame logits of the whole, each frame from where it is most central.

    Parameters
    ----------
    parts
        Outputs of the windows that begin at `starts`.
    length
        Frames of the whole.
    """
    seams = [(left + size + right) // 2 // stride for left, right in pairwise(starts)]
    edges = [0, *seams, -(-length // stride)]
    hidden, frame = [], []
    for index, part in enumerate(parts):
        offset = starts[index] // stride
        window = slice(edges[index] - offset, edges[index + 1] - offset)
        hidden.append(part.hidden[window])
        frame.append(part.frame_logits[window])
    return np.concatenate(hidden), np.concatenate(frame)
