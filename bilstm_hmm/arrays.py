"""The kinds of arrays that the packages hand to each other, by what they hold.

`FloatMatrix`, float64, holds scores and probabilities; `FloatArray`, of the features, float32.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.features.frames import FloatArray, FloatMatrix

__all__ = ["Array", "FloatArray", "FloatMatrix", "Indices", "Mask", "Weights"]

#: Numbers of whatever kind.
Array = NDArray[Any]
#: Positions in another array, or labels as positions among the classes.
Indices = NDArray[np.intp]
#: Which entries of another array count.
Mask = NDArray[np.bool_]
#: The weights of a network or of its optimiser, one array a variable.
Weights = list[Array]
