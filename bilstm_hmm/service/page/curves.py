"""The probabilities over time, for the timeline of the page."""

from typing import Any

import numpy as np

from bilstm_hmm.output.downsampling import downsample_curves
from bilstm_hmm.prediction import Curves, Prediction, Result

#: Moments at most: more than a screen has columns.
_MAX_POINTS = 2000


def with_curves(result: Result) -> dict[str, Any]:
    """Return the JSON of a result, with its curves where it has some."""
    document = result.to_dict()
    if isinstance(result, Prediction) and result.curves is not None:
        document["curves"] = _plain(result, result.curves)
    return document


def _plain(result: Prediction, curves: Curves) -> dict[str, Any]:
    few = downsample_curves(curves, max(result.duration, 1e-3), _MAX_POINTS)
    # Stretches of speech may overlap by a frame.
    order = np.argsort(few.times, kind="stable")
    columns = few.probabilities[order].T.tolist()
    return {
        "times": [round(time, 3) for time in few.times[order].tolist()],
        "probabilities": {
            name: [round(value, 4) for value in column]
            for name, column in zip(result.probabilities, columns, strict=False)
        },
    }
