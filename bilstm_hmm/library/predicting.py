"""One call from a recording to its prediction: the model is loaded once and kept."""

import os
from collections import OrderedDict
from pathlib import Path
from threading import Lock
from typing import Any

from bilstm_hmm.features.audio.inputs import Recording
from bilstm_hmm.inference.bundle_files import MANIFEST, find_bundle
from bilstm_hmm.inference.model import Model, load
from bilstm_hmm.inference.shipped import model_path
from bilstm_hmm.prediction import Prediction

#: Models that are kept; the one that was not used for longest goes first.
MAX_MODELS = 4
#: A bundle's folder and what its manifest was when it was read: a newer one is another model.
_Key = tuple[Path, int, int]
_models: "OrderedDict[_Key, Model]" = OrderedDict()
_lock = Lock()


def predict(
    recording: Recording,
    rate: float | None = None,
    model: str | os.PathLike[str] | Model | None = None,
    **options: Any,
) -> Prediction:
    """Label one recording by the model that ships, or another.

    Parameters
    ----------
    recording, rate
        As in `Model.predict`: a path, the bytes of a file, or samples with their rate in Hz.
    model
        As in `load`, or a `Model` that is at hand. One that is loaded is kept for the next call,
        and loaded anew once its bundle is another.
    options
        All else that `Model.predict` takes.

    Raises
    ------
    AudioError, ToolkitError, EncoderError
        As for `load` and `Model.predict`.
    """
    known = model if isinstance(model, Model) else kept_model(model)
    prediction: Prediction = known.predict(recording, rate, **options)
    return prediction


def kept_model(name: str | os.PathLike[str] | None = None) -> Model:
    """Return a model as `load` does, each bundle read once; threads may ask at the same time."""
    folder = find_bundle(model_path(None if name is None else Path(name))).resolve()
    written = (folder / MANIFEST).stat()
    key = folder, written.st_mtime_ns, written.st_ino
    with _lock:
        model = _models.pop(key, None) or load(folder)
        _models[key] = model
        while len(_models) > MAX_MODELS:
            _models.popitem(last=False)
    return model
