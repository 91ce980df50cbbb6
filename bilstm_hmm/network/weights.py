"""The weights of a network as plain arrays."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bilstm_hmm.arrays import Array


def get_weights(variables: Sequence[Any]) -> list[Array]:
    """Return copies of Keras variables."""
    from keras import ops

    # A copy: a backend may hand out a view of memory that the next step overwrites.
    return [np.array(ops.convert_to_numpy(variable)) for variable in variables]


def set_weights(variables: Sequence[Any], arrays: Sequence[Array]) -> None:
    """Set Keras variables."""
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)


def to_half_precision(array: Array) -> Array:
    """Return float32 weights with no more than half precision, so that they take half the room.

    They stay float32; other types are returned as they are.
    """
    if array.dtype != np.float32:
        return array
    # Far beyond any weight of a network that has learnt something.
    limit = float(np.finfo(np.float16).max)
    return np.clip(array, -limit, limit).astype(np.float16).astype(np.float32)
