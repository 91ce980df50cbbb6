"""A model whose answers are known: weights set by hand, and sound that it labels by design.

Nothing is trained. Each emotion is a band of frequencies (`BANDS`); the convolution subtracts the
mean level of all bands from that of each emotion's, the LSTM averages it over some tenths of a
second, and logits, HMM means and timeline follow from that. `say` makes sound in one of the bands.
Emotions, and their boundaries to about 0.2 s, are then the same on every machine: the right one
has a confidence of 0.6 at least and the others of 0.2 at most (``tests/test_oracle.py``). Every
weight that is not set has a small value of its own, so that nothing may be left out unseen.
"""

import json
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import soundfile
from bilstm_hmm.features.extraction.normalise import FeatureStatistics
from bilstm_hmm.features.spectral.filterbanks import FilterBanks, build_filter_banks
from numpy.typing import NDArray

from bilstm_hmm.config.loading import recipe_from_tree
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.hmm.bank import bank_from_models
from bilstm_hmm.hmm.fusion import ScoreFusion
from bilstm_hmm.hmm.projection import Projection
from bilstm_hmm.inference.bundle import Bundle
from bilstm_hmm.inference.bundle_files import CARD, METRICS, write_bundle

RATE = 16000
EMOTIONS = ("neutral", "happy", "sad", "angry", "fearful")
SPEAKERS, TAKES = 6, 3
IDENTITY = "oracle-0123abcd"
#: Hz from and to, an emotion each. Between two of them lies a mel band that belongs to neither.
BANDS = ((160.0, 520.0), (730.0, 1120.0), (1350.0, 2000.0), (2450.0, 3650.0), (4450.0, 6500.0))
#: The mel bands of each emotion: four, and one between.
N_MELS = 24
MEL_BANDS = tuple(slice(5 * e, 5 * e + 4) for e in range(len(EMOTIONS)))

_UNITS, _KERNEL, _FILTERS, _STRIDE = 12, 5, 16, 4
_EMOTIONS = len(EMOTIONS)
#: Decibels that weights count in, and the spread of those that are not set.
_DECIBELS, _SMALL = 20.0, 0.02
#: Of the hidden state where an emotion is in the sound and where it is not.
_HIGH, _LOW = 0.6, -0.6

Samples = NDArray[np.float32]
Weights = list[NDArray[np.float32]]


def say(emotion: str, speaker: int = 1, take: int = 0) -> Samples:
    """Return a phrase of 1.2 to 2 s in the band of an emotion, with 0.1 s of silence at each end.

    Harmonics of the speaker's pitch, louder and softer by syllables, in soft noise. The same
    arguments give the same samples.
    """
    rng = np.random.default_rng([speaker, take, EMOTIONS.index(emotion)])
    low, high = BANDS[EMOTIONS.index(emotion)]
    time = np.arange(round(rng.uniform(1.2, 2.0) * RATE)) / RATE
    pitch = 90.0 + 13.0 * speaker + rng.uniform(-3.0, 3.0)
    harmonics = np.arange(np.ceil(low / pitch), np.floor(high / pitch) + 1)
    phases = rng.uniform(0.0, 2 * np.pi, len(harmonics))
    sound = np.sin(2 * np.pi * pitch * harmonics[:, None] * time + phases[:, None]).sum(axis=0)
    syllables = 0.6 + 0.4 * np.cos(2 * np.pi * rng.uniform(3.0, 4.5) * time)
    edges = np.clip((np.minimum(time, time[::-1]) - 0.1) / 0.05, 0.0, 1.0)
    sound *= syllables * edges * 0.5 / np.abs(sound).max()
    return (sound + _hum(rng, len(time))).astype(np.float32)


def _hum(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Soft noise that is white once it is pre-emphasised, in no emotion's band more than others."""
    spectrum = np.fft.rfft(rng.normal(0.0, 1e-4, count))
    turns = np.linspace(0.0, 0.5, len(spectrum))
    return np.fft.irfft(spectrum / (1.0 - 0.97 * np.exp(-2j * np.pi * turns)), count)


def talk(*parts: str | float, speaker: int = 1) -> Samples:
    """Return phrases one after another, each an emotion; numbers are seconds of silence."""
    pieces = [
        np.zeros(round(part * RATE), np.float32)
        if isinstance(part, float)
        else say(part, speaker, place)
        for place, part in enumerate(parts)
    ]
    return np.concatenate(pieces)


def write_corpus(root: Path) -> None:
    """Write ``root/<emotion>/<speaker>/<take>.wav``, of 6 speakers, 5 emotions and 3 takes."""
    for emotion in EMOTIONS:
        for speaker in range(SPEAKERS):
            for take in range(TAKES):
                path = root / emotion / f"{speaker:02d}" / f"{take:02d}.wav"
                path.parent.mkdir(parents=True, exist_ok=True)
                soundfile.write(path, say(emotion, speaker, take), RATE, subtype="PCM_16")


def oracle_recipe() -> Recipe:
    tree = {
        "name": "oracle",
        "cache": None,
        "jobs": 1,
        "features": {"n_mfcc": N_MELS, "n_mels": N_MELS},
        "network": {
            "family": "cnn_bilstm",
            "convolutions": [{"filters": _FILTERS, "kernel": _KERNEL, "stride": _STRIDE}],
            "units": [_UNITS],
            "dropout": 0.1,
        },
        "hmm": {"states": 2, "iterations": 3},
        # Nobody speaks in these sounds.
        "timeline": {
            "vad": "energy",
            "expected_duration": 2.0,
            "min_silence": 0.15,
            "max_speech": 2.0,
        },
    }
    return recipe_from_tree(tree, "the oracle's recipe")


def oracle_bundle(network: bytes | None = None) -> Bundle:
    """Return the bundle; `network` is its ONNX model, where that is at hand."""
    recipe = oracle_recipe()
    banks = build_filter_banks(recipe.features)
    identity = np.eye(_EMOTIONS)
    matrix = np.zeros((2 * _UNITS, _EMOTIONS))
    matrix[:_EMOTIONS] = matrix[_UNITS : _UNITS + _EMOTIONS] = 0.5 * identity
    return Bundle(
        model_id=IDENTITY,
        classes=EMOTIONS,
        recipe=recipe,
        filter_banks=banks,
        statistics=_statistics(),
        network=_onnx(recipe, banks) if network is None else network,
        projection=Projection(matrix, np.zeros(_EMOTIONS), from_logits=False),
        hmm_bank=bank_from_models(
            [np.full(2, 0.5)] * _EMOTIONS,
            [np.array([[0.9, 0.1], [0.2, 0.8]])] * _EMOTIONS,
            # An emotion in full, and its beginning and end.
            [
                np.stack([(_HIGH - _LOW) * share * own + _LOW for share in (1.0, 0.6)])
                for own in identity
            ],
            [np.tile(0.3 * identity, (2, 1, 1))] * _EMOTIONS,
        ),
        fusion=ScoreFusion(*(np.array(value) for value in (1.0, 0.6, 1.5)), np.array([0.5, 0.8])),
    )


def _stand_in(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("weights", "none")


def oracle_with_voices() -> Bundle:
    """Return the same as a bundle that knows voices; what it says of a known one is by no design.

    What is known of a voice moves the levels that its answers hang on.
    """
    bundle = oracle_bundle()
    voice = bundle.recipe.voice.model_copy(update={"known_clips": (0, 5, "all")})
    return replace(bundle, recipe=bundle.recipe.model_copy(update={"voice": voice}))


def write_oracle(folder: Path, save_keras: Callable[[Path], None] = _stand_in) -> None:
    """Write the bundle with all the files that a training run's has; Keras's is one in name."""
    texts = {METRICS: json.dumps({"systems": {}}), CARD: "# Card\n"}
    write_bundle(folder, oracle_bundle(), save_keras=save_keras, extra=texts)


def save_oracle_network(path: Path) -> None:
    """Write the network as Keras has it."""
    from bilstm_hmm.network.build import build_network

    recipe = oracle_recipe()
    network = build_network(recipe.network, 2 * N_MELS, _EMOTIONS)
    for name, weights in _weights(build_filter_banks(recipe.features)).items():
        network.get_layer(name).set_weights(weights)
    network.save(path)


def _statistics() -> FeatureStatistics:
    """Columns in units of some decibels, and no mean: what all bands share does not count."""
    return FeatureStatistics(
        np.zeros(2 * N_MELS, np.float32), np.full(2 * N_MELS, _DECIBELS, np.float32)
    )


def _weights(banks: FilterBanks) -> dict[str, Weights]:
    """The weights of each layer, in Keras's order."""
    rng = np.random.default_rng(7)

    def small(*shape: int) -> NDArray[np.float32]:
        return rng.normal(0.0, _SMALL, shape).astype(np.float32)

    kernel = small(_KERNEL, 2 * N_MELS, _FILTERS)
    for emotion, bands in enumerate(MEL_BANDS):
        levels = np.full(N_MELS, -1.0 / N_MELS)
        levels[bands] += 0.25
        # Of cepstra, which are levels by an orthonormal matrix.
        kernel[:, :N_MELS, emotion] = banks.mel_dct @ levels / _KERNEL
    ones, zeros = np.ones(_FILTERS, np.float32), np.zeros(_FILTERS, np.float32)
    frame, clip = small(2 * _UNITS, _EMOTIONS), small(4 * _UNITS, _EMOTIONS)
    for emotion in range(_EMOTIONS):
        frame[[emotion, _UNITS + emotion], emotion] = 1.5
        clip[[emotion, _UNITS + emotion], emotion] = 1.2
    # Of silence it says the first emotion.
    frame_bias, clip_bias = small(_EMOTIONS), small(_EMOTIONS)
    frame_bias[0], clip_bias[0] = 0.5, 0.3
    return {
        "conv1": [kernel],
        "conv1_norm": [ones, zeros, zeros, ones],
        "bilstm1": [*_lstm(small), *_lstm(small)],
        "frame": [frame, frame_bias],
        "pool": [small(2 * _UNITS, 64), small(64), small(64, 1)],
        "clip": [clip, clip_bias],
    }


def _lstm(small: Callable[..., NDArray[np.float32]]) -> Weights:
    """Units that take a twelfth to a third of a second to follow an emotion's level."""
    kernel, recurrent, bias = (
        small(_FILTERS, 4 * _UNITS),
        small(_UNITS, 4 * _UNITS),
        small(4 * _UNITS),
    )
    # Gates in Keras's order. Half of the state stays and half comes in; about all goes out.
    _enter, _keep, new, leave = (slice(gate * _UNITS, (gate + 1) * _UNITS) for gate in range(4))
    bias[leave] += 3.0
    for emotion in range(_EMOTIONS):
        kernel[emotion, new][emotion] = 4.0
        bias[new][emotion] = -1.5
    return [kernel, recurrent, bias]


def _onnx(recipe: Recipe, banks: FilterBanks) -> bytes:
    """The network as ONNX, from weights alone: Keras need not be loaded for it."""
    from bilstm_hmm.network.onnx_export import network_to_onnx

    def shaped(*shape: int) -> Any:
        return SimpleNamespace(shape=(None, *shape))

    def layer(name: str, weights: Weights) -> Any:
        return SimpleNamespace(name=name, get_weights=lambda: weights)

    network = SimpleNamespace(
        layers=[layer(name, weights) for name, weights in _weights(banks).items()],
        inputs=[shaped(None, 2 * N_MELS)],
        output={
            "hidden": shaped(None, 2 * _UNITS),
            "frame": shaped(None, _EMOTIONS),
            "clip": shaped(_EMOTIONS),
        },
    )
    return network_to_onnx(network, recipe.network)


def emotions_of(segments: Iterable[Any]) -> list[str]:
    """Return the emotions of segments, in their order."""
    return [segment.emotion for segment in segments]
