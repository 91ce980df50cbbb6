"""Cross-entropy of a clip over the emotions that its corpus has, and over no others.

Where few corpora have an emotion, a softmax over all of them would learn that emotion by the
sound of these corpora: every clip of the others would push it away. Left out of the softmax of
clips that could not have had it, it is told from the other emotions within its own corpora alone.

Importing this module imports Keras: import it inside the function that needs it.
"""

from typing import Any

import keras
from keras import ops

from bilstm_hmm.network.layers import PACKAGE

_LEFT_OUT = -1e9


@keras.saving.register_keras_serializable(PACKAGE)
class MaskedCrossEntropy(keras.losses.Loss):  # type: ignore[misc]
    """Categorical cross-entropy from logits ``[..., C]`` over some of the classes.

    The targets are ``[..., 2C]``: of each class the probability, then whether it takes part (1 or
    0). Label smoothing spreads over the classes that do.
    """

    def __init__(
        self, label_smoothing: float = 0.0, name: str = "masked_cross_entropy", **kwargs: Any
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.label_smoothing = label_smoothing

    def call(self, y_true: Any, y_pred: Any) -> Any:
        targets, mask = ops.split(y_true, 2, axis=-1)
        even = mask / ops.sum(mask, axis=-1, keepdims=True)
        targets = (1.0 - self.label_smoothing) * targets + self.label_smoothing * even
        log_probabilities = ops.log_softmax(ops.where(mask > 0, y_pred, _LEFT_OUT))
        return -ops.sum(ops.where(mask > 0, targets * log_probabilities, 0.0), axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "label_smoothing": self.label_smoothing}


def masked_accuracy(y_true: Any, y_pred: Any) -> Any:
    """Return whether the likeliest class that takes part is the target, ``[...]``."""
    targets, mask = ops.split(y_true, 2, axis=-1)
    guess = ops.argmax(ops.where(mask > 0, y_pred, _LEFT_OUT), axis=-1)
    return ops.cast(ops.equal(guess, ops.argmax(targets, axis=-1)), y_pred.dtype)
