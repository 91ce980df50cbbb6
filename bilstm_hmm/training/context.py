"""What a training is given: clips, recipe, the folder of its state, and who sees its progress."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bilstm_hmm.arrays import Array, Indices
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.features.spectral.filterbanks import FilterBanks
from bilstm_hmm.progress import Progress, SilentProgress
from bilstm_hmm.training.examples import Examples

#: The weights of layers, by the layer's name.
LayerWeights = Mapping[str, Sequence[Array]]


def no_callbacks(_name: str) -> Sequence[Any]:
    """Return no Keras callbacks, whatever the network."""
    return ()


@dataclass(frozen=True, slots=True)
class TrainingContext:
    """What all networks of a training have in common.

    Attributes
    ----------
    filter_banks
        Filter banks of the recipe's features.
    work
        Folder of the checkpoints; what is finished there is not done again.
    callbacks
        Gives the Keras callbacks for the network of that `TrainingTask.key`.
    initial_weights
        Layers that begin with these weights, from `bilstm_hmm.training.pretraining`; all others
        begin at random.
    """

    examples: Examples
    recipe: Recipe
    filter_banks: FilterBanks
    work: Path
    progress: Progress = field(default_factory=SilentProgress)
    callbacks: Callable[[str], Sequence[Any]] = no_callbacks
    initial_weights: LayerWeights = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TrainingTask:
    """One network to train: on which clips, which others validate it, and for how long.

    Without `validation`, the last epoch is kept. `name` is for the user; `key` names the network's
    checkpoint and its callbacks.
    """

    name: str
    key: str
    train: Indices
    validation: Indices
    epochs: int
    seed: int

    def state_file(self, work: Path) -> Path:
        """Return where an interrupted training of the network is taken up again."""
        return work / f"{self.key}.npz"
