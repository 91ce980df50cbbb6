"""What makes tests fast: trainings compute the same as what they stand in for, long files begin."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from bilstm_hmm.network.layers import PackedLSTM  # noqa: E402
from tests.fast_runs import without_graphs  # noqa: E402
from tests.order import LONG, TESTS, long_files_first  # noqa: E402


def outputs_and_gradients(make: Callable[[], Any], hidden: np.ndarray, mask: np.ndarray) -> list:
    import tensorflow as tf

    keras.utils.set_random_seed(3)
    layer = make()
    inputs = tf.constant(hidden)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        told = layer(inputs, mask=tf.constant(mask))
        loss = tf.reduce_sum(told * np.cos(np.arange(told.shape[-1]), dtype=np.float32))
    return [told, *tape.gradient(loss, [inputs, *layer.trainable_variables])]


def bidirectional() -> Any:
    return keras.layers.Bidirectional(keras.layers.LSTM(4, return_sequences=True))


def packed() -> Any:
    layer = bidirectional()
    layer.build((None, None, 3))
    return PackedLSTM(layer)


@pytest.mark.parametrize("make", [bidirectional, packed])
def test_the_shared_recurrence_is_that_of_keras(make: Callable[[], Any]) -> None:
    hidden = np.random.default_rng(0).normal(size=(3, 6, 3)).astype(np.float32)
    mask = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 0, 1, 1, 0], [1, 0, 0, 0, 0, 0]], bool)
    expected = outputs_and_gradients(make, hidden, mask)
    with without_graphs():
        found = outputs_and_gradients(make, hidden, mask)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def stepped(gradients: np.ndarray) -> np.ndarray:
    """The variable after a step of Adam for each gradient."""
    optimizer = keras.optimizers.AdamW(0.1, beta_2=0.98, weight_decay=0.01, clipnorm=1.0)
    variable = keras.Variable(np.linspace(-1.0, 1.0, gradients.shape[1]), dtype="float32")
    optimizer.build([variable])
    for gradient in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(gradient)])
    return np.array(variable)


def test_the_single_operation_is_adam() -> None:
    gradients = np.random.default_rng(1).normal(size=(5, 7)).astype(np.float32)
    expected = stepped(gradients)
    with without_graphs():
        found = stepped(gradients)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert np.ptp(expected - np.linspace(-1.0, 1.0, 7)) > 0.1


def test_long_files_come_first() -> None:
    assert [name for name in LONG if not (TESTS / name).is_file()] == []
    items = [SimpleNamespace(path=TESTS / name) for name in ("b.py", LONG[1], "a.py", LONG[0])]
    long_files_first(items)
    assert [item.path.name for item in items] == [*(Path(n).name for n in LONG[:2]), "b.py", "a.py"]
