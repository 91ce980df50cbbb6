"""Getting Keras ready for a training: quiet, seeded, and with results that repeat."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def prepare_keras(seed: int) -> None:
    """Import Keras quietly, seeded, and with operations whose results repeat."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _quiet_stderr():
        import keras

    keras.utils.set_random_seed(seed)
    if keras.backend.backend() == "tensorflow":
        with _quiet_stderr():
            import tensorflow as tf

        # Its advice about retracing is for us, not for the user.
        logging.getLogger("tensorflow").setLevel(logging.ERROR)
        tf.config.experimental.enable_op_determinism()


@contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Drop what native code writes to standard error: TensorFlow greets there at import."""
    sys.stderr.flush()
    stderr, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nowhere)
