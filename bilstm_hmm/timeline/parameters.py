"""What is fitted of a timeline on training speakers, and the scores of frames that come of it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bilstm_hmm.arrays import Array, FloatArray, FloatMatrix
from bilstm_hmm.config.schema import TimelineSettings

#: Fields and their names in files: with the prefix in the npz file of a bundle, where they stand
#: beside other arrays, and as they are in the JSON file of an evaluation.
_STORED_NAMES = {
    "logit_weight": "logits",
    "hmm_weight": "told",
    "expected_duration": "dwell",
    "min_duration": "minimum",
    "inverse_temperature": "sureness",
    "median_width": "median",
}
_PREFIX = "timeline_"


@dataclass(frozen=True, slots=True)
class TimelineParameters:
    """Numbers that gave the least error on simulated recordings of training speakers.

    Attributes
    ----------
    logit_weight, hmm_weight
        Weights of a frame's logits and of its HMM log-likelihoods in the composite HMM.
    expected_duration, min_duration
        Of an emotion, in seconds.
    inverse_temperature
        Power of the paths' probabilities that makes confidences calibrated, see
        `bilstm_hmm.timeline.composite_hmm.apply_temperature`.
    median_width
        Width of the median filter that timelines are compared with, in seconds.
    """

    logit_weight: float
    hmm_weight: float
    expected_duration: float
    min_duration: float
    inverse_temperature: float
    median_width: float

    def to_dict(self) -> dict[str, float]:
        """Return the numbers by their names in a JSON file."""
        return {stored: getattr(self, name) for name, stored in _STORED_NAMES.items()}

    def to_arrays(self) -> dict[str, FloatMatrix]:
        """Return the numbers by their keys in an npz file that holds other arrays as well."""
        return {_PREFIX + stored: np.array(value) for stored, value in self.to_dict().items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> "TimelineParameters | None":
        """Inverse of `to_arrays`; None where nothing was fitted, as in older models."""
        if _PREFIX + _STORED_NAMES["logit_weight"] not in arrays:
            return None
        return cls(**{n: float(arrays[_PREFIX + key]) for n, key in _STORED_NAMES.items()})

    def combine_scores(
        self, frame_logits: FloatArray, frame_log_likelihoods: FloatArray
    ) -> FloatArray:
        """Return the score of each frame for each emotion, ``[T, E]``: the weighted sum of both.

        Centred over the emotions, since only differences between them tell them apart.
        """
        scores = (
            np.float32(self.logit_weight) * frame_logits
            + np.float32(self.hmm_weight) * frame_log_likelihoods
        )
        centred: FloatArray = scores - scores.mean(axis=1, keepdims=True)
        return centred

    def with_durations(self, settings: TimelineSettings) -> TimelineSettings:
        """Return the settings with the fitted durations where they leave them open."""
        missing = {
            name: getattr(self, name)
            for name in ("expected_duration", "min_duration")
            if getattr(settings, name) is None
        }
        return settings.model_copy(update=missing)
