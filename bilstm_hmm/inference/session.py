"""The network as ONNX Runtime runs it: sequences of any lengths in, outputs in their order."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bilstm_hmm.arrays import FloatArray
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.network.outputs import NetworkOutput

#: Sequences that go through the network together. More are no faster, because they leave the
#: processor's cache.
MAX_BATCH = 32
#: How much longer than the shortest of its batch a sequence may be: the rest would be padding.
LENGTH_TOLERANCE = 1.15


def open_session(network: bytes, identity: str) -> Any:
    """Return an ONNX Runtime session of one thread: several recordings run side by side instead.

    Raises
    ------
    ToolkitError
        Where this version of ONNX Runtime cannot run the network; `identity` names the model.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        first = str(error).splitlines()[0]
        raise ToolkitError(
            f"{identity}: its network cannot be run ({first}); train it anew or upgrade "
            "onnxruntime."
        ) from None


def run_network(session: Any, sequences: Sequence[FloatArray], stride: int) -> list[NetworkOutput]:
    """Run normalised sequences, ``[T, F]`` each, in batches of like length.

    The network takes each one's own length, so that the padding of a batch changes nothing.

    Parameters
    ----------
    stride
        Input frames an output frame.
    """
    results: list[NetworkOutput | None] = [None] * len(sequences)
    for group in _length_groups([len(sequence) for sequence in sequences]):
        lengths = np.array([len(sequences[index]) for index in group], np.int32)
        width = sequences[group[0]].shape[1]
        batch = np.zeros((len(group), int(lengths.max()), width), np.float32)
        for row, index in enumerate(group):
            batch[row, : lengths[row]] = sequences[index]
        hidden, frame, clip = session.run(
            ["hidden", "frame", "clip"], {"frames": batch, "lengths": lengths}
        )
        for row, index in enumerate(group):
            steps = -(-int(lengths[row]) // stride)
            results[index] = NetworkOutput(hidden[row, :steps], frame[row, :steps], clip[row])
    return [result for result in results if result is not None]


def _length_groups(lengths: Sequence[int]) -> list[list[int]]:
    """Deal the places of `lengths` into groups of like length."""
    groups: list[list[int]] = []
    shortest = 0
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        if (
            not groups
            or len(groups[-1]) == MAX_BATCH
            or lengths[index] > LENGTH_TOLERANCE * shortest
        ):
            groups.append([])
            shortest = lengths[index]
        groups[-1].append(index)
    return groups
