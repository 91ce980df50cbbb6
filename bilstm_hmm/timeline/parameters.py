"""What is fitted of a timeline on training speakers, and how a frame's evidence comes of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.config.schema import TimelineSettings
from bilstm_hmm.features.frames import FloatArray

_PREFIX = "timeline_"


@dataclass(frozen=True, slots=True)
class TimelineParameters:
    """Numbers that gave the least error on turns of training speakers.

    Attributes
    ----------
    logits, told
        Weights of a frame's logits and of its HMM log-likelihoods in the composite HMM.
    dwell, minimum
        Expected and least duration of an emotion, in seconds.
    sureness
        Power of the paths' probabilities that makes confidences calibrated, see
        `bilstm_hmm.timeline.composite_hmm.apply_temperature`.
    median
        Width of the median filter that timelines are compared with, in seconds.
    """

    logits: float
    told: float
    dwell: float
    minimum: float
    sureness: float
    median: float

    def to_arrays(self) -> dict[str, NDArray[np.float64]]:
        """Return the numbers by name, for an npz file that holds other things as well."""
        return {_PREFIX + name: np.array(getattr(self, name)) for name in self.__slots__}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "TimelineParameters | None":
        """Inverse of `to_arrays`; None where nothing was fitted, as in older models."""
        if _PREFIX + "logits" not in arrays:
            return None
        return cls(**{name: float(arrays[_PREFIX + name]) for name in cls.__slots__})

    def evidence(self, frame: FloatArray, told: FloatArray) -> FloatArray:
        """Return what each frame says for each emotion, ``[T, E]``, from logits and HMMs.

        Centred over the emotions, since only differences between them tell them apart.
        """
        joined = np.float32(self.logits) * frame + np.float32(self.told) * told
        centred: FloatArray = joined - joined.mean(axis=1, keepdims=True)
        return centred

    def durations(self, settings: TimelineSettings) -> TimelineSettings:
        """Return the settings with the fitted durations in the places that are open."""
        fitted = {"dwell": self.dwell, "minimum": self.minimum}
        given = {name: getattr(settings, name) for name in fitted}
        known = {name: fitted[name] if own is None else own for name, own in given.items()}
        return settings.model_copy(update=known)
