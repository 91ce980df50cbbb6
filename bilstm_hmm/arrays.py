"""The kinds of arrays that the packages hand to each other, by what they hold."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.features.frames import FloatArray

__all__ = ["Array", "FloatArray", "FloatMatrix", "Indices", "Mask", "Weights"]

#: Numbers of whatever kind.
Array = NDArray[Any]
#: Scores and probabilities; `FloatArray`, of the features, is float32.
FloatMatrix = NDArray[np.float64]
#: Positions in another array, or labels as positions among the classes.
Indices = NDArray[np.intp]
#: Which entries of another array count.
Mask = NDArray[np.bool_]
#: The weights of a network or of its optimiser, one array a variable.
Weights = list[Array]
