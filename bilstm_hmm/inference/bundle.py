"""A trained model in memory: everything that prediction needs, and nothing that trains."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from bilstm_hmm.confidence.reliability import Reliability
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.features.extraction.normalise import FeatureStatistics
from bilstm_hmm.features.spectral.filterbanks import FilterBanks
from bilstm_hmm.hmm.bank import HmmBank
from bilstm_hmm.hmm.fusion import INT8_SUFFIX, ScoreFusion
from bilstm_hmm.hmm.projection import Projection


@dataclass(frozen=True, slots=True)
class Bundle:
    """The contents of a bundle that prediction uses.

    `network` is the serialised ONNX model, in the precision that was asked for; `model_id` names
    the model and its very weights. `int8` is the int8 twin of `network`, known where the bundle was
    made and not where it was read.
    """

    model_id: str
    classes: tuple[str, ...]
    recipe: Recipe
    filter_banks: FilterBanks
    statistics: FeatureStatistics
    network: bytes = field(repr=False)
    projection: Projection
    hmm_bank: HmmBank
    fusion: ScoreFusion
    reliability: Reliability = field(default_factory=Reliability)
    int8: bytes | None = field(default=None, repr=False)
    #: Which of the network's outputs the classes are, where they are not all of them.
    outputs: tuple[int, ...] | None = None


def model_identity(name: str, network: bytes, hmm_bank: HmmBank, fusion: ScoreFusion) -> str:
    """Return the name with a digest of the weights."""
    digest = hashlib.sha256(network)
    for array in (*hmm_bank.to_arrays().values(), *fusion.to_arrays().values()):
        digest.update(np.ascontiguousarray(array).tobytes())
    return f"{name}-{digest.hexdigest()[:8]}"


def trained_corpora(recipe: Recipe) -> tuple[str, ...]:
    """Return the corpora that a model of this recipe was trained on, each once."""
    data = recipe.data
    return tuple(dict.fromkeys((data.corpus, *data.also, *recipe.pretraining.corpora)))


def describe(bundle: Bundle) -> dict[str, str]:
    """Return what a user may want to know of a model, in the order of importance."""
    features = bundle.recipe.features
    return {
        "model": bundle.model_id,
        "emotions": ", ".join(bundle.classes),
        "trained on": ", ".join(trained_corpora(bundle.recipe)),
        "rate": f"{features.rate} Hz",
        "system": bundle.recipe.decision.system,
    }


def restrict(bundle: Bundle, emotions: Sequence[str]) -> Bundle:
    """Return the bundle with some of its emotions alone, in its own order.

    The others are left out before any softmax, as if the model had not been trained on them: what
    it says of those that stay keeps its proportions.

    Raises
    ------
    ToolkitError
        An emotion that the model has not, or fewer than two.
    """
    unknown = [emotion for emotion in emotions if emotion not in bundle.classes]
    if unknown:
        raise ToolkitError(
            f"The model {bundle.model_id} has no emotion {unknown[0]!r}; choose from "
            f"{', '.join(bundle.classes)}."
        )
    kept = [index for index, emotion in enumerate(bundle.classes) if emotion in emotions]
    if len(kept) < 2:
        raise ToolkitError(
            f"Name two emotions at least, of {', '.join(bundle.classes)}: one alone is no question."
        )
    before = bundle.outputs or range(len(bundle.classes))
    return replace(
        bundle,
        classes=tuple(bundle.classes[index] for index in kept),
        hmm_bank=bundle.hmm_bank.of_emotions(kept),
        outputs=tuple(before[index] for index in kept),
    )


def int8_variant(bundle: Bundle) -> Bundle | None:
    """Return the bundle with its int8 network in the place of the float one; None without one."""
    if bundle.int8 is None:
        return None
    model_id = bundle.model_id + INT8_SUFFIX
    return replace(bundle, model_id=model_id, network=bundle.int8, int8=None)
