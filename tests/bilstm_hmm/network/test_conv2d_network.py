"""Networks that see frames x bands: what the layers do, by brute force, and what is refused."""

import os
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from bilstm_hmm.config.network_settings import Conv2dSettings, NetworkSettings
from bilstm_hmm.errors import ToolkitError

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
keras = pytest.importorskip("keras")

from bilstm_hmm.network.build import build_network  # noqa: E402
from bilstm_hmm.network.conv2d_layers import BandMask, JoinPatches, PoolMask, SplitPatches, ToImage  # noqa: E402


def as_array(value: Any) -> np.ndarray:
    return np.array(keras.ops.convert_to_numpy(value))


def network(n_features: int, **keys: Any) -> Any:
    settings = NetworkSettings.model_validate({"family": "cnn_bilstm", "units": [3], **keys})
    return build_network(settings, n_features, 2)


def up_to(model: Any, layer: str) -> Any:
    """The network as far as a layer."""
    return keras.Model(model.inputs, model.get_layer(layer).output)


def test_streams_become_channels() -> None:
    streams = [np.arange(4.0) + 10 * k for k in range(3)]
    frames = np.concatenate(streams)[None, None].repeat(2, axis=1).astype(np.float32)
    image = as_array(ToImage(3)(frames))
    assert image.shape == (1, 2, 4, 3)
    for channel, stream in enumerate(streams):
        np.testing.assert_array_equal(image[0, 1, :, channel], stream)


@pytest.mark.parametrize("time", [1, 3, 4, 5, 8, 17])
def test_chunks_are_centred_and_half_overlapping(time: int) -> None:
    size, half = 8, 4
    frames = np.random.default_rng(1).normal(size=(2, time, 3)).astype(np.float32)
    count = -(-time // half)
    expected = np.zeros((2, count, size, 3), np.float32)
    for i in range(count):
        for place in range(size):
            if 0 <= (frame := half * i - half // 2 + place) < time:
                expected[:, i, place] = frames[:, frame]
    chunks = SplitPatches(size)(frames)
    np.testing.assert_array_equal(as_array(chunks), expected.reshape(2 * count, size, 3))
    joined = as_array(JoinPatches(size)(chunks, frames))
    np.testing.assert_array_equal(joined, expected.reshape(2, count, size * 3))


def test_masks_are_cut_as_frames_are() -> None:
    mask = np.arange(9)[None] < np.array([[9], [3]])
    inside = as_array(SplitPatches(8)(mask))
    frames = as_array(SplitPatches(8)(mask[..., None].astype(np.float32)))
    np.testing.assert_array_equal(inside, frames[..., 0])


def test_a_mask_is_pooled_by_any() -> None:
    mask = np.array([[False, True, True, True, False], [True, False, False, False, False]])
    np.testing.assert_array_equal(as_array(PoolMask(2)(mask)), [[1, 1, 0], [1, 0, 0]])
    np.testing.assert_array_equal(as_array(PoolMask(3)(mask)), [[1, 1], [1, 0]])
    np.testing.assert_array_equal(as_array(BandMask(2)(mask))[0, :, 1], mask[0])


def test_layers_tell_their_shapes() -> None:
    assert ToImage(3).compute_output_shape((None, None, 12)) == (None, None, 4, 3)
    assert SplitPatches(8).compute_output_shape((2, 17, 6)) == (None, 8, 6)
    assert JoinPatches(8).compute_output_shape((None, 2, 5), (2, 17, 6)) == (2, 5, 10)
    assert JoinPatches(8).compute_output_shape((None, 2, 5), (2, None, 6)) == (2, None, 10)
    assert BandMask(5).compute_output_shape((2, None)) == (2, None, 5)
    assert PoolMask(4).compute_output_shape((2, 9)) == (2, 3)
    assert PoolMask(4).compute_output_shape((2, None)) == (2, None)


def test_a_block_is_convolution_normalisation_relu_and_maximum() -> None:
    from scipy.signal import correlate2d

    time, bands, channels, filters, pool = 7, 5, 2, 3, (2, 2)
    model = network(
        channels * bands,
        image={"channels": channels},
        convolutions=[{"filters": filters, "kernel": 3, "pool": pool}],
    )
    rng = np.random.default_rng(3)
    mean, variance = rng.normal(size=filters), rng.uniform(0.5, 2.0, filters)
    gamma, beta = rng.normal(size=filters), rng.normal(size=filters)
    model.get_layer("conv1_norm").set_weights([gamma, beta, mean, variance])
    kernel = as_array(model.get_layer("conv1").kernel)
    frames = rng.normal(size=(1, time, channels * bands)).astype(np.float32)
    found = as_array(up_to(model, "join")([frames, np.ones((1, time), bool)]))[0]

    streams = frames[0].reshape(time, channels, bands)
    expected = np.zeros((-(-time // 2), bands // 2, filters))
    for k in range(filters):
        convolved = sum(
            correlate2d(streams[:, c], kernel[:, :, c, k], mode="same") for c in range(channels)
        )
        scaled = (convolved - mean[k]) / np.sqrt(variance[k] + 1e-3) * gamma[k] + beta[k]
        positive = np.maximum(scaled, 0.0)
        for i, j in np.ndindex(expected.shape[:2]):
            expected[i, j, k] = positive[2 * i : 2 * i + 2, 2 * j : 2 * j + 2].max()
    np.testing.assert_allclose(found, expected.reshape(len(expected), -1), atol=1e-5)


def test_a_chunk_sees_its_own_frames_alone() -> None:
    """A change of a frame reaches the two chunks that hold it, and no other."""
    size, half, time = 16, 8, 60
    model = network(
        6,
        image={"chunk": size, "projection": 12},
        convolutions=[{"filters": 8, "kernel": 5, "pool": [2, 2]}, {"filters": 8, "kernel": 3}],
    )
    vectors = up_to(model, "projection")
    mask = np.ones((1, time), bool)
    frames = np.random.default_rng(4).normal(size=(1, time, 6)).astype(np.float32)
    before = as_array(vectors([frames, mask]))[0]
    assert before.shape == (8, 12)
    for frame in (0, 3, 4, 30, 59):
        changed = frames.copy()
        changed[0, frame] += 5.0
        differs = np.abs(as_array(vectors([changed, mask]))[0] - before).max(axis=1) > 1e-6
        holds = [half * i - half // 2 <= frame < half * i + size - half // 2 for i in range(8)]
        assert differs.tolist() == holds


@pytest.mark.parametrize("chunk", [None, 16])
def test_the_normalisation_learns_nothing_of_the_padding(chunk: int | None) -> None:
    frames = np.random.default_rng(5).normal(size=(2, 20, 6)).astype(np.float32)
    statistics = []
    for padding in (0, 44):
        keras.utils.set_random_seed(1)
        model = network(
            6,
            image={"chunk": chunk},
            convolutions=[{"filters": 4, "kernel": 3, "pool": [2, 1]}, {"filters": 4, "kernel": 3}],
            dropout=0.0,
        )
        padded = np.pad(frames, [(0, 0), (0, padding), (0, 0)])
        mask = np.broadcast_to(np.arange(20 + padding) < 20, padded.shape[:2])
        model([padded, mask], training=True)
        norms = [model.get_layer(f"conv{k}_norm") for k in (1, 2)]
        statistics.append([as_array(v) for n in norms for v in (n.moving_mean, n.moving_variance)])
    for without, with_padding in zip(*statistics, strict=True):
        np.testing.assert_allclose(with_padding, without, atol=1e-6)


@pytest.mark.parametrize(
    ("keys", "stride"),
    [
        ({"image": {}, "convolutions": [{"pool": [2, 2]}, {"pool": [3, 1]}]}, 6),
        ({"image": {}, "convolutions": [{"pool": [1, 4]}]}, 1),
        ({"image": {"chunk": 128}, "convolutions": [{"pool": [4, 4]}]}, 64),
        ({"image": {"chunk": 12}, "convolutions": []}, 6),
    ],
)
def test_the_stride_of_an_image(keys: dict[str, Any], stride: int) -> None:
    settings = NetworkSettings.model_validate({"family": "cnn_lstm", **keys})
    assert settings.stride == stride


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"image": {}}, "leave stride at 1"),
        ({"convolutions": [{"pool": [2, 1]}]}, "pool need image"),
        ({"image": {}, "convolutions": [], "family": "bilstm"}, "change family"),
        ({"image": {}, "convolutions": [], "stack": 2}, "set stack to 1"),
        ({"image": {"chunk": 10}, "convolutions": []}, "multiple of 4"),
        ({"image": {"chunk": 0}, "convolutions": []}, "greater than or equal to 4"),
    ],
)
def test_settings_that_do_not_fit_are_refused(keys: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        NetworkSettings.model_validate({"family": "cnn_bilstm", **keys})


def test_features_that_make_no_image_are_refused() -> None:
    with pytest.raises(ToolkitError, match="channels: 10 features cannot be shared among 3"):
        network(10, image=Conv2dSettings(channels=3), convolutions=[])
    pools = [{"pool": [1, 3]}, {"pool": [1, 4]}]
    with pytest.raises(ToolkitError, match=r"convolutions\.1\.pool: 4 bands .* only 3 are left"):
        network(10, image=Conv2dSettings(), convolutions=pools)
