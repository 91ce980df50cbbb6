"""The state of an interrupted network training: one npz file, no pickle."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bilstm_hmm.arrays import Array, Weights
from bilstm_hmm.atomic_files import atomic_path


@dataclass(slots=True)
class TrainingState:
    """Where a network training stands after an epoch.

    `epoch` counts the finished ones; `best` holds the weights of `best_epoch`.
    """

    epoch: int = 0
    steps: int = 0
    learning_rate: float = 0.0
    best_score: float = -1.0
    best_epoch: int = 0
    best_loss: float = float("inf")
    waited: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    model: Weights = field(default_factory=list)
    optimizer: Weights = field(default_factory=list)
    average: Weights = field(default_factory=list)
    best: Weights = field(default_factory=list)


_LISTS = ("model", "optimizer", "average", "best")


def save_state(path: Path, state: TrainingState) -> None:
    """Write the state, whole or not at all."""
    arrays: dict[str, Array] = {}
    for name in _LISTS:
        for index, array in enumerate(getattr(state, name)):
            arrays[f"{name}.{index}"] = array
    scalars = {key: getattr(state, key) for key in TrainingState.__slots__ if key not in _LISTS}
    arrays["scalars"] = np.array(json.dumps(scalars))
    with atomic_path(path) as temporary:
        np.savez(temporary, **arrays)  # type: ignore[arg-type]


def load_state(path: Path) -> TrainingState | None:
    """Read a state; None where there is none or it is damaged, so that training starts over."""
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            state = TrainingState(**json.loads(str(stored["scalars"])))
            for name in _LISTS:
                setattr(state, name, _numbered(stored, name, stored.files))
    except Exception:
        # A zip file with altered bits raises nearly anything, RuntimeError included.
        return None
    return state


def _numbered(stored: Any, name: str, files: Sequence[str]) -> Weights:
    count = sum(key.startswith(f"{name}.") for key in files)
    return [stored[f"{name}.{index}"] for index in range(count)]
