"""Training on all recordings that a program has at hand, and what is known of the model."""

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from bilstm_hmm.arrays import FloatMatrix
from bilstm_hmm.config.schema import DataSettings, Recipe
from bilstm_hmm.data.corpora.corpus import has_known_speaker
from bilstm_hmm.data.corpora.own.manifest import MANIFEST
from bilstm_hmm.data.splits.folds import Fold
from bilstm_hmm.evaluation.clip_metrics import compute_metrics
from bilstm_hmm.evaluation.clip_results import ClipResult
from bilstm_hmm.experiments.fold import train_fold
from bilstm_hmm.experiments.model_card import model_card
from bilstm_hmm.features.spectral.filterbanks import FilterBanks
from bilstm_hmm.inference.bundle import Bundle
from bilstm_hmm.inference.bundle_files import CARD, KERAS, METRICS, write_bundle
from bilstm_hmm.network.keras_setup import prepare_keras
from bilstm_hmm.progress import Progress
from bilstm_hmm.training.context import TrainingContext
from bilstm_hmm.training.examples import Examples
from bilstm_hmm.training.pretraining import initial_weights

#: The protocol by which all clips are trained on, and judged by networks that were not.
_PROTOCOL = "out-of-fold"


@dataclass(frozen=True, slots=True)
class FittedSystem:
    """A model and what was said of its training clips by networks that did not know them.

    Attributes
    ----------
    out_of_fold
        The probabilities of each clip by the system that labels, in the order of the clips,
        ``[n, C]``.
    results
        The same by every system.
    """

    bundle: Bundle
    keras: bytes = field(repr=False)
    out_of_fold: FloatMatrix = field(repr=False)
    results: tuple[ClipResult, ...] = field(repr=False)
    speakers_known: bool

    def save(self, folder: Path) -> None:
        """Write the bundle with its out-of-fold figures and model card.

        Raises
        ------
        ToolkitError
            As for `write_bundle`.
        """
        folds = [1] * len(self.results)
        metrics = compute_metrics(
            _PROTOCOL, self.speakers_known, self.bundle.classes, self.results, folds
        )
        corpora = (MANIFEST.name,)
        texts = {
            METRICS: json.dumps(metrics, indent=2) + "\n",
            CARD: model_card(self.bundle, corpora, corpora, metrics, fold=1),
        }
        write_bundle(folder, self.bundle, save_keras=self._write_keras, extra=texts)

    def _write_keras(self, path: Path) -> None:
        path.write_bytes(self.keras)


def of_recordings(recipe: Recipe) -> Recipe:
    """Return a recipe whose clips are those at hand; other corpora lie where it says."""
    data = DataSettings(corpus=MANIFEST.name, home=recipe.data.home, roots=recipe.data.roots)
    return recipe.model_copy(update={"data": data})


def fit_system(
    examples: Examples, recipe: Recipe, banks: FilterBanks, progress: Progress
) -> FittedSystem:
    """Train on all clips, as ``data.protocol: out-of-fold`` does."""
    with TemporaryDirectory(prefix="bilstm-hmm-") as work, _random_state_kept():
        prepare_keras(recipe.seed)
        context = TrainingContext(examples, recipe, banks, Path(work), progress)
        context = replace(context, initial_weights=initial_weights(context))
        result = train_fold(context, Fold(1, tuple(range(len(examples.clips))), ()))
        keras = Path(work) / KERAS
        result.system.network.network.save(keras)
        content = keras.read_bytes()
    by_system = result.system.back_end.out_of_fold_probabilities
    out_of_fold = np.empty((len(examples.clips), len(examples.classes)))
    out_of_fold[result.system.clips] = by_system[recipe.decision.system]
    known = all(map(has_known_speaker, examples.clips))
    speakers = {clip.speaker for clip in examples.clips}
    return FittedSystem(
        result.bundle, content, out_of_fold, result.results, known and len(speakers) > 1
    )


@contextmanager
def _random_state_kept() -> Iterator[None]:
    """Leave the random numbers of the program as they were: Keras seeds all there are."""
    state, legacy = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(state)
        np.random.set_state(legacy)
