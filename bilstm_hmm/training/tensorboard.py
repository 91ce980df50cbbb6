"""The TensorBoard events of a network, and one sentence where they cannot be written."""

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bilstm_hmm.atomic_files import write_error


class EventLog:
    """Keras's TensorBoard callback, as far as the training loop calls it.

    TensorFlow's own errors about a full disk are pages long; here they are a `ToolkitError`.

    Parameters
    ----------
    folder
        Of the event files.
    """

    def __init__(self, folder: Path) -> None:
        import keras

        self._folder = folder
        self._callback = keras.callbacks.TensorBoard(str(folder), write_graph=False)

    def set_model(self, model: Any) -> None:
        """Take note of the model."""
        self._told(self._callback.set_model, model)

    def on_train_begin(self) -> None:
        """Open the event files."""
        self._told(self._callback.on_train_begin)

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Write the scores of an epoch, the first of which is 0."""
        self._told(self._callback.on_epoch_end, epoch, logs)

    def on_train_end(self) -> None:
        """Close the event files."""
        self._told(self._callback.on_train_end)

    def _told(self, method: Callable[..., Any], *arguments: Any) -> None:
        import tensorflow as tf

        try:
            method(*arguments)
        except tf.errors.ResourceExhaustedError:
            raise write_error(self._folder, OSError(errno.ENOSPC, "")) from None
        except tf.errors.OpError as error:
            first = error.message.splitlines()[-1]
            raise write_error(self._folder, OSError(errno.EIO, first)) from None
