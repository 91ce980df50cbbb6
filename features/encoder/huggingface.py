"""Encoders from a local folder of Hugging Face: wav2vec 2.0, HuBERT, WavLM and their like.

They run in PyTorch, which only the optional extra ``huggingface`` installs.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import EncoderError
from ..frames import FloatArray
from ..settings.encoder import EncoderSettings


def folder_forward(
    path: Path, settings: EncoderSettings
) -> Callable[[FloatArray], list[FloatArray]]:
    """Return what runs the model in a folder up to the last layer of ``settings.taps``.

    Tap 0 is what goes into the first layer, 1 what comes out of it, as in ``hidden_states``.
    Weights are read from ``model.safetensors`` alone, and nothing is downloaded or executed that
    lies in the folder.

    Raises
    ------
    EncoderError
        Where PyTorch or transformers are missing, the folder holds no model that they know, or
        it has no such layer.
    """
    try:
        import torch
        import transformers
    except ImportError:
        raise EncoderError(
            f"{settings.model}: a folder of Hugging Face needs PyTorch and transformers; install "
            "them with pip install torch transformers, or take an ONNX file."
        ) from None
    layers = [tap for tap in settings.taps if isinstance(tap, int)]
    if settings.input != "waveform" or len(layers) < len(settings.taps):
        raise EncoderError(
            f"{settings.model}: a folder of Hugging Face has layers by number and hears the "
            "waveform; mend features.encoder.taps and input."
        )
    model = _load_model(path, transformers)
    count = len(model.encoder.layers)
    if max(layers) > count:
        raise EncoderError(
            f"{settings.model}: it has {count} layers, but features.encoder.taps asks for layer "
            f"{max(layers)}; name one that it has."
        )
    _remove_layers_behind(model, max(layers))

    def forward(windows: FloatArray) -> list[FloatArray]:
        batch = torch.from_numpy(np.ascontiguousarray(windows))
        with torch.inference_mode():
            output = model(batch, output_hidden_states=True, return_dict=True)
        return [output.hidden_states[layer].numpy() for layer in layers]

    return forward


def _load_model(path: Path, transformers: Any) -> Any:
    try:
        model = transformers.AutoModel.from_pretrained(
            path, local_files_only=True, use_safetensors=True
        ).eval()
        model.encoder.layers  # noqa: B018 - what is no speech encoder has none
    except (OSError, ValueError, KeyError, RuntimeError, AttributeError) as error:
        reason = str(error).strip().split("\n")[0]
        raise EncoderError(
            f"{path}: transformers finds no speech encoder there ({reason}); check the folder."
        ) from None
    return model


def _remove_layers_behind(model: Any, last: int) -> None:
    """Take off the layers that nothing depends on.

    One layer more than needed stays: some models normalise what their last one gives.
    """
    model.encoder.layers = model.encoder.layers[: last + 1]
