"""Speech emotion recognition with a BiLSTM and one hidden Markov model an emotion.

>>> import bilstm_hmm
>>> model = bilstm_hmm.load("runs/ravdess")  # doctest: +SKIP
>>> model.predict("x.wav").emotion  # doctest: +SKIP
'happy'
"""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bilstm_hmm.runtime import Model
    from bilstm_hmm.stream import EmotionStream
else:

    def __getattr__(name: str) -> object:
        """Import what is heavy when it is asked for."""
        if name != "EmotionStream":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from bilstm_hmm.stream import EmotionStream

        return EmotionStream


__version__ = "0.1.0"
__all__ = ["EmotionStream", "__version__", "load"]


def load(path: str | os.PathLike[str], precision: str = "float") -> "Model":
    """Load a trained model from a bundle's folder or a training run's; see `runtime.load`."""
    from bilstm_hmm import runtime

    return runtime.load(path, precision)
