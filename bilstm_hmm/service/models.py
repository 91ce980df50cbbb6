"""The models that a process has in memory, by the names that requests use."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.inference.bundle import describe
from bilstm_hmm.inference.bundle_files import find_bundle
from bilstm_hmm.inference.model import Model, load
from bilstm_hmm.inference.shipped import DEFAULT, model_path
from bilstm_hmm.inference.voice.learner import knows_voices
from bilstm_hmm.service.cards import model_summary
from bilstm_hmm.service.problems import Problem

_BUNDLE = "bundle"
#: Choices of emotions that are kept ready.
_CHOICES = 32


class LoadedModels:
    """Models in memory.

    Parameters
    ----------
    models
        By name, the one that labels where none is named first.
    cards
        What is known of each, see `model_summary`.
    """

    def __init__(self, models: Mapping[str, Model], cards: Mapping[str, dict[str, Any]]) -> None:
        self._models, self._cards = dict(models), cards
        # Each keeps the session of the whole model, and not much besides.
        self.restricted = lru_cache(maxsize=_CHOICES)(self._restricted)

    @property
    def names(self) -> tuple[str, ...]:
        """The names, that of the first model first."""
        return tuple(self._models)

    @property
    def cards(self) -> list[dict[str, Any]]:
        """What is known of each model."""
        return [dict(self._cards[name]) for name in self._models]

    def named(self, name: str | None) -> str:
        """Return the name of the model that labels.

        Raises
        ------
        Problem
            No model of this name is loaded.
        """
        if name is None:
            return self.names[0]
        if name not in self._models:
            there = ", ".join(self.names)
            raise Problem(404, "model", f"model {name!r} is not here; choose from {there}.")
        return name

    def get(self, name: str, emotions: tuple[str, ...] | None = None) -> Model:
        """Return a model, with some of its emotions alone where they are given.

        Raises
        ------
        ToolkitError
            As for `Model.restricted`.
        """
        model: Model = self._models[name] if emotions is None else self.restricted(name, emotions)
        return model

    def warm_up(self) -> None:
        """Load what the first recording would wait for: the network, and what reads and labels."""
        for model in self._models.values():
            rate = model.bundle.recipe.features.rate
            model.score(np.zeros(rate, np.float32))
            model.predict(np.zeros(rate, np.float32), rate, jobs=1)

    def _restricted(self, name: str, emotions: tuple[str, ...]) -> Model:
        return self._models[name].restricted(emotions)


def load_models(paths: Sequence[str]) -> LoadedModels:
    """Load models, each a name of one that ships or a folder.

    Raises
    ------
    ToolkitError
        As for `load`, or two have the same name.
    EncoderError
        As for `load`.
    """
    models: dict[str, Model] = {}
    cards: dict[str, dict[str, Any]] = {}
    for path in paths:
        name = model_name(path)
        if name in models:
            raise ToolkitError(f"--model {path}: another model is called {name}; rename a folder.")
        folder = find_bundle(model_folder(path))
        models[name] = load(folder)
        cards[name] = _card(name, folder, models[name])
    return LoadedModels(models, cards)


def model_folder(path: str) -> Path:
    """Return where a model lies that is named; ``default`` may be the newest that was trained."""
    return model_path(None if path == DEFAULT else Path(path))


def model_name(path: str) -> str:
    """Return what requests call a model: the folder's name, without ``bundle`` at its end."""
    parts = [part for part in Path(path).resolve().parts if part != _BUNDLE]
    return parts[-1]


def _card(name: str, folder: Path, model: Model) -> dict[str, Any]:
    """Return the figures of a model's card, without where it lies; less where it has no card."""
    try:
        card = model_summary(folder)
    except (OSError, KeyError, TypeError, ValueError):
        known = describe(model.bundle)
        card = {**known, "model": model.bundle.model_id, "emotions": list(model.classes)}
    shown = {key: value for key, value in card.items() if key != "folder"}
    return {**shown, "name": name, "voices": knows_voices(model.bundle.recipe)}
