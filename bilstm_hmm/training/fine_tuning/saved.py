"""A saved Keras network with other output layers, for bundles that are made of another.

Importing this module imports Keras: import it inside the function that needs it.
"""

import tempfile
from pathlib import Path

import keras
import numpy as np

# The layers of saved networks are found by the names that these modules register.
from bilstm_hmm.config.network_settings import NetworkSettings
from bilstm_hmm.network import conv2d_layers, layers  # noqa: F401
from bilstm_hmm.network.build import build_network
from bilstm_hmm.training.fine_tuning.output_layers import OutputLayers


def with_output_layers(
    saved: bytes, settings: NetworkSettings, outputs: OutputLayers
) -> keras.Model:
    """Return a saved network with the output layers given, which may have other classes.

    Parameters
    ----------
    saved
        A ``.keras`` file of a network that `build_network` built by these settings.

    Raises
    ------
    ValueError
        It is not such a file.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.keras"
        path.write_bytes(saved)
        before = keras.models.load_model(path, compile=False)
    network = build_network(settings, before.inputs[0].shape[-1], len(outputs.clip.bias))
    given = {"clip": outputs.clip, "frame": outputs.frame}
    for layer in network.layers:
        weights = before.get_layer(layer.name).get_weights()
        if layer.name in given:
            dense = given[layer.name]
            weights = [np.asarray(w, np.float32) for w in (dense.matrix, dense.bias)]
        layer.set_weights(weights)
    return network
