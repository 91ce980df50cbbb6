"""How a model's confidence falls with the quality of a recording, and never its label.

The probabilities are brought nearer to each other by a temperature (Guo et al., 2017), which grows
with what is wrong with the recording: ``log T = weights @ quality_features``, and is one for a
clean one. What a clean one gets is calibrated already (`bilstm_hmm.hmm.fusion`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bilstm_hmm.arrays import Array, FloatMatrix, Indices
from bilstm_hmm.features.quality.measures import AudioQuality
from bilstm_hmm.features.quality.warnings import is_band_limited, is_clipped
from bilstm_hmm.numerics import log_loss, softmax

#: What `quality_features` are, in their order.
FEATURES = ("noise", "band", "room", "clipping")
_KEY = "quality_temperature"
#: Decibels of signal-to-noise ratio, and decibels a second of decay, from which on a recording is
#: as good as any, and how much less is one unit.
GOOD_SNR, SNR_UNIT = 25.0, 10.0
GOOD_DECAY, DECAY_UNIT = 240.0, 100.0
MAX_UNITS = 3.0
#: What a probability is taken for at least before it is tempered.
LEAST_PROBABILITY = 1e-12
_PRIOR_PRECISION = 1e-3


@dataclass(frozen=True, slots=True)
class QualityTemperature:
    """Weights of what is wrong with a recording, ``[K]``, none of them negative."""

    weights: FloatMatrix

    def temperature(self, quality: AudioQuality) -> float:
        """Return the temperature of a recording, one or more."""
        return float(np.exp(quality_features(quality) @ self.weights))

    def to_arrays(self) -> dict[str, FloatMatrix]:
        """Return the arrays by their keys in an npz file."""
        return {_KEY: self.weights}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> "QualityTemperature | None":
        """Inverse of `to_arrays`; None where they are not there."""
        if _KEY not in arrays:
            return None
        return cls(np.asarray(arrays[_KEY], np.float64))


def quality_features(quality: AudioQuality) -> FloatMatrix:
    """Return what is wrong with a recording, `FEATURES`, zero where nothing is, ``[K]``."""
    noise = 0.0 if quality.snr is None else (GOOD_SNR - quality.snr) / SNR_UNIT
    room = 0.0 if quality.decay is None else (GOOD_DECAY - quality.decay) / DECAY_UNIT
    amounts = (noise, float(is_band_limited(quality)), room, float(is_clipped(quality)))
    return np.clip(np.array(amounts, dtype=np.float64), 0.0, MAX_UNITS)


def temper(probabilities: FloatMatrix, temperature: float) -> FloatMatrix:
    """Return probabilities ``[..., C]`` nearer to each other, in the same order."""
    if temperature == 1.0:
        return probabilities
    powers = np.maximum(probabilities, LEAST_PROBABILITY) ** (1.0 / temperature)
    tempered: FloatMatrix = powers / powers.sum(axis=-1, keepdims=True)
    return tempered


def fit_quality_temperature(
    logits: FloatMatrix, labels: Indices, qualities: Sequence[AudioQuality]
) -> QualityTemperature:
    """Return the weights with the least log loss.

    A temperature for all clips is fitted beside them and left out: it is what clean clips are
    calibrated by.

    Parameters
    ----------
    logits
        Of clips that the model was not trained on, degraded and clean ones: such as the logarithms
        of probabilities, ``[N, C]``.
    labels
        ``[N]``.
    qualities
        As measured of the very clips.
    """
    from scipy.optimize import minimize

    faults = np.stack([quality_features(quality) for quality in qualities])
    features = np.column_stack([faults, np.ones(len(faults))])
    ridge = np.append(np.full(len(FEATURES), _PRIOR_PRECISION), 0.0)
    targets = np.eye(logits.shape[1])[labels]

    def loss_and_gradient(weights: FloatMatrix) -> tuple[float, FloatMatrix]:
        scaled = logits * np.exp(-features @ weights)[:, None]
        posteriors = softmax(scaled)
        by_clip = ((posteriors - targets) * -scaled).sum(axis=1)
        gradient = by_clip @ features / len(labels) + 2.0 * ridge * weights
        loss = log_loss(posteriors, labels) + float(ridge @ weights**2)
        return loss, gradient

    fitted = minimize(
        loss_and_gradient,
        np.append(np.full(len(FEATURES), 0.1), 0.0),
        jac=True,
        method="L-BFGS-B",
        bounds=[(0.0, 2.0)] * len(FEATURES) + [(-3.0, 3.0)],
    )
    return QualityTemperature(np.asarray(fitted.x[:-1], np.float64))
