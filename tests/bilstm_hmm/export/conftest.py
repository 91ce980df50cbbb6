"""Bundles of any settings, with networks and HMMs drawn at random, and speech-like sounds."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from bilstm_hmm.features.extraction.extract import extract, n_features
from bilstm_hmm.features.extraction.normalise import fit_statistics
from bilstm_hmm.features.spectral.filterbanks import build_filter_banks
from numpy.typing import NDArray

from bilstm_hmm.config.loading import recipe_from_tree
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.hmm.bank import HmmBank, bank_from_models
from bilstm_hmm.hmm.fusion import ScoreFusion
from bilstm_hmm.hmm.projection import Projection
from bilstm_hmm.inference.bundle import Bundle
from bilstm_hmm.network.onnx_export import network_to_onnx

CLASSES, UNITS, FILTERS, DIMENSIONS, STATES = 4, 5, 6, 3, 3
Samples = NDArray[np.float32]


def make_sound(n: int, seed: int = 0) -> Samples:
    """Return `n` samples of gliding harmonics that rise and fall, in noise."""
    rng, time = np.random.default_rng(seed), np.arange(n) / 16000
    pitch = 2 * np.pi * np.cumsum(120.0 + 30.0 * np.sin(3.0 * time + seed)) / 16000
    voice = np.sum([np.sin(k * pitch) / k for k in range(1, 20)], axis=0)
    syllables = np.clip(np.sin(2 * np.pi * 1.7 * time + seed), 0.0, 1.0)
    sound = 0.2 * voice * syllables + 0.002 * rng.standard_normal(n)
    return np.asarray(sound, np.float32)


def _network(recipe: Recipe, rng: np.random.Generator) -> bytes:
    """A network with attention and, where the recipe has them, convolutions, as ONNX."""

    def draw(*shape: int) -> NDArray[np.float32]:
        return rng.normal(0.0, 0.4, shape).astype(np.float32)

    settings, width = recipe.network, n_features(recipe.features)
    weights: dict[str, list[NDArray[np.float32]]] = {}
    inputs = width * settings.stack
    if settings.convolutional:
        for index, convolution in enumerate(settings.convolutions, start=1):
            kernel = draw(convolution.kernel, inputs, convolution.filters) / 4
            inputs = convolution.filters
            ones, zeros = np.ones(inputs, np.float32), np.zeros(inputs, np.float32)
            weights |= {f"conv{index}": [kernel], f"conv{index}_norm": [ones, zeros, zeros, ones]}
    pooled = 4 * UNITS + (2 * inputs if settings.skip else 0)
    weights["bilstm1"] = [
        part
        for _ in range(2)
        for part in (draw(inputs, 4 * UNITS) / 4, draw(UNITS, 4 * UNITS), draw(4 * UNITS))
    ]
    weights["frame"] = [draw(2 * UNITS, CLASSES), draw(CLASSES)]
    weights["pool"] = [draw(2 * UNITS, 8), draw(8), draw(8, 1)]
    weights["clip"] = [draw(pooled, CLASSES), draw(CLASSES)]
    shaped = [SimpleNamespace(shape=(None, n)) for n in (width, 2 * UNITS, CLASSES, CLASSES)]
    model = SimpleNamespace(
        layers=[
            SimpleNamespace(name=name, get_weights=lambda arrays=arrays: arrays)
            for name, arrays in weights.items()
        ],
        inputs=shaped[:1],
        output=dict(zip(("hidden", "frame", "clip"), shaped[1:], strict=True)),
    )
    return network_to_onnx(model, settings)


def _bank(rng: np.random.Generator, left_right: bool) -> HmmBank:
    transmats, startprobs = [], []
    for _ in range(CLASSES):
        transmat = rng.uniform(0.1, 1.0, (STATES, STATES))
        startprob = rng.uniform(0.1, 1.0, STATES)
        if left_right:
            transmat, startprob = np.triu(transmat), np.eye(STATES)[0]
        transmats.append(transmat / transmat.sum(axis=1, keepdims=True))
        startprobs.append(startprob / startprob.sum())
    spread = [rng.uniform(0.05, 0.3, (STATES, DIMENSIONS)) for _ in range(CLASSES)]
    return bank_from_models(
        startprobs,
        transmats,
        [rng.normal(0.0, 0.5, (STATES, DIMENSIONS)) for _ in range(CLASSES)],
        [np.stack([np.diag(row) for row in rows]) for rows in spread],
    )


def make_bundle(left_right: bool = False, from_logits: bool = False, **tree: Any) -> Bundle:
    """Return a bundle of the recipe `tree`; the same arguments give the same bundle."""
    rng = np.random.default_rng(5)
    network = {"family": "bilstm", "stack": 3, "units": [UNITS], **tree.pop("network", {})}
    recipe = recipe_from_tree({"name": "drawn", "network": network, **tree}, "the test's recipe")
    banks = build_filter_banks(recipe.features)
    frames = extract(make_sound(40000, 9), recipe.features, banks).values
    source = CLASSES if from_logits else 2 * UNITS
    return Bundle(
        model_id="drawn-01234567",
        classes=("neutral", "happy", "sad", "angry"),
        recipe=recipe,
        filter_banks=banks,
        statistics=fit_statistics([frames]),
        network=_network(recipe, rng),
        projection=Projection(
            rng.normal(0.0, 1.0, (source, DIMENSIONS)),
            rng.normal(0.0, 0.2, DIMENSIONS),
            from_logits,
        ),
        hmm_bank=_bank(rng, left_right),
        fusion=ScoreFusion(*(np.array(v) for v in (1.3, 0.7, 2.5)), np.array([0.9, 0.6])),
    )


@pytest.fixture(scope="session")
def bundle_of() -> Callable[..., Bundle]:
    """Return `make_bundle`."""
    return make_bundle


@pytest.fixture(scope="session")
def sound() -> Callable[..., Samples]:
    """Return `make_sound`."""
    return make_sound
