"""Small labelled data whose classes are easy to tell apart, and a recipe that is quick on them."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bilstm_hmm.data.clip import Clip
from bilstm_hmm.features.extraction.extract import extract
from bilstm_hmm.features.frames import Frames
from bilstm_hmm.features.spectral.filterbanks import FilterBanks, build_filter_banks

from bilstm_hmm.config.loading import recipe_from_tree
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.inference.bundle import Bundle
from bilstm_hmm.inference.bundle_files import read_bundle
from bilstm_hmm.network.weights import get_weights
from bilstm_hmm.training.examples import Examples

CLASSES = ("happy", "sad", "angry")
RATE = 8000


@pytest.fixture(scope="session")
def quick_recipe() -> Callable[..., Recipe]:
    """Make a tiny recipe without augmentation; sections of keys override it."""

    def make(**sections: Any) -> Recipe:
        tree: dict[str, Any] = {
            "seed": 3,
            "jobs": 1,
            "features": {
                "rate": RATE,
                "n_fft": 256,
                "frame_length": 200,
                "hop_length": 80,
                "fmax": 3800.0,
                "n_mels": 8,
                "n_mfcc": 5,
                "deltas": 0,
                "trim_db": None,
            },
            "augmentation": {
                "noise": {"probability": 0.0},
                "speed": {"probability": 0.0},
                "vocal_tract": {"probability": 0.0},
                "spec_augment": {"probability": 0.0},
            },
            "network": {"family": "bilstm", "units": [6], "dropout": 0.3, "attention": False},
            "training": {"epochs": 4, "batch_size": 8, "learning_rate": 0.01},
            "hmm": {"states": 2, "inner_folds": 2, "iterations": 3},
        }
        for section, keys in sections.items():
            tree[section] = {**tree.get(section, {}), **keys} if isinstance(keys, dict) else keys
        return recipe_from_tree(tree, "quick recipe")

    return make


@pytest.fixture(scope="session")
def banks(quick_recipe: Callable[..., Recipe]) -> FilterBanks:
    """The filter banks of every quick recipe."""
    return build_filter_banks(quick_recipe().features)


@pytest.fixture(scope="session")
def tones(quick_recipe: Callable[..., Recipe], banks: FilterBanks) -> Examples:
    """Twenty-four clips of four speakers, 0.2 to 0.6 s: the class is the pitch of a tone."""
    rng = np.random.default_rng(0)
    clips, labels, samples, frames = [], [], [], []
    for speaker in range(4):
        for take in range(6):
            label = take % 3
            time = np.arange(int(rng.uniform(0.2, 0.6) * RATE)) / RATE
            pitch = (300.0, 900.0, 2000.0)[label] * rng.uniform(0.95, 1.05)
            tone = np.sin(2 * np.pi * pitch * time) + 0.1 * rng.normal(size=len(time))
            name = f"{speaker}/{take}.wav"
            clips.append(Clip(Path(name), name, CLASSES[label], f"toy-{speaker}", "toy"))
            labels.append(label)
            samples.append((0.4 * tone).astype(np.float32))
            frames.append(extract(samples[-1], quick_recipe().features, banks))
    return Examples(tuple(clips), CLASSES, np.array(labels), tuple(samples), tuple(frames))


def without_numbers(examples: Examples, indices: list[int]) -> Examples:
    """The same clips, but what is heard at `indices` is not a number anywhere."""
    samples, frames = list(examples.samples), list(examples.frames)
    for i in indices:
        samples[i] = np.full_like(samples[i], np.nan)
        values = np.full_like(frames[i].values, np.nan)
        frames[i] = Frames(values, frames[i].rate, frames[i].start)
    return Examples(
        examples.clips, examples.classes, examples.labels, tuple(samples), tuple(frames)
    )


@pytest.fixture(scope="session")
def poisoned() -> Callable[[Examples, list[int]], Examples]:
    """Make clips useless, so that whoever looks at them is found out."""
    return without_numbers


@pytest.fixture
def stored(oracle: Path) -> Bundle:
    """The bundle of the oracle."""
    return read_bundle(oracle)


@pytest.fixture
def copy(oracle: Path, tmp_path: Path) -> Path:
    """A folder with that bundle which a test may spoil."""
    return shutil.copytree(oracle, tmp_path / "model")


def bytes_by_name(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="session")
def contents() -> Callable[[Path], dict[str, bytes]]:
    """Read all files of a folder, by their names."""
    return bytes_by_name


def moved_weights(network: Any) -> None:
    rng = np.random.default_rng(1)
    for weight in network.weights:
        if "variance" in weight.path:
            weight.assign(rng.uniform(0.3, 3.0, weight.shape))
        elif "seed" not in weight.path:
            (array,) = get_weights([weight])
            weight.assign(array + rng.normal(0.0, 0.4, weight.shape))


@pytest.fixture(scope="session")
def perturb() -> Callable[[Any], None]:
    """Move the weights of a Keras network away from where they begin."""
    return moved_weights
