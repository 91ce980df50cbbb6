"""Speech emotion recognition with a BiLSTM and one hidden Markov model an emotion.

>>> import bilstm_hmm
>>> bilstm_hmm.predict("x.wav").emotion  # doctest: +SKIP
'happy'
>>> model = bilstm_hmm.load("accurate")  # doctest: +SKIP
"""

import os
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

# In a checkout `features`, `data`, `configs` and `models` lie beside this package, in an installed
# one inside it; either way they are imported as `bilstm_hmm.features` and so on.
if not (Path(__file__).parent / "features").is_dir():
    __path__.append(str(Path(__file__).parents[1]))

# From 1.29 on ONNX Runtime's own builds report to their maker how they are used, and keep a number
# of the machine for it in the user's cache. It looks at this once, when it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

if TYPE_CHECKING:
    from bilstm_hmm.inference.model import Model
    from bilstm_hmm.inference.stream import EmotionStream, Update
    from bilstm_hmm.inference.voice.profile import VoiceProfile
    from bilstm_hmm.library.classifier import BiLSTMHMMClassifier
    from bilstm_hmm.library.predicting import predict
    from bilstm_hmm.library.results import EvaluationResult, TrainingResult
    from bilstm_hmm.library.runs import evaluate, train
    from bilstm_hmm.prediction import Failure, Prediction, Segment, to_dataframe
else:
    _MODULES = {
        "BiLSTMHMMClassifier": "bilstm_hmm.library.classifier",
        "EmotionStream": "bilstm_hmm.inference.stream",
        "EvaluationResult": "bilstm_hmm.library.results",
        "Failure": "bilstm_hmm.prediction",
        "Model": "bilstm_hmm.inference.model",
        "Prediction": "bilstm_hmm.prediction",
        "Segment": "bilstm_hmm.prediction",
        "TrainingResult": "bilstm_hmm.library.results",
        "Update": "bilstm_hmm.inference.stream",
        "VoiceProfile": "bilstm_hmm.inference.voice.profile",
        "evaluate": "bilstm_hmm.library.runs",
        "predict": "bilstm_hmm.library.predicting",
        "to_dataframe": "bilstm_hmm.prediction",
        "train": "bilstm_hmm.library.runs",
    }

    def __getattr__(name: str) -> object:
        """Import what is heavy when it is asked for."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_MODULES[name]), name)


__version__ = "0.1.0"
__all__ = [
    "BiLSTMHMMClassifier",
    "EmotionStream",
    "EvaluationResult",
    "Failure",
    "Model",
    "Prediction",
    "Segment",
    "TrainingResult",
    "Update",
    "VoiceProfile",
    "__version__",
    "evaluate",
    "load",
    "predict",
    "to_dataframe",
    "train",
]


def load(
    path: str | os.PathLike[str] | None = None,
    precision: str = "float",
    emotions: Sequence[str] | None = None,
) -> "Model":
    """Load a trained model: the shipped `default`, another by its name, or a folder's.

    See `bilstm_hmm.inference.model.load`.
    """
    from bilstm_hmm.inference import model

    return model.load(path, precision, emotions)
