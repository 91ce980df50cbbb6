"""What a bundle knows of when it is right; each part may be missing, as in bundles of before."""

from collections.abc import Mapping
from dataclasses import dataclass

from bilstm_hmm.arrays import Array, FloatMatrix, Indices
from bilstm_hmm.confidence.quality_temperature import QualityTemperature
from bilstm_hmm.confidence.risk_coverage import RiskCoverage, confidence_for, fit_risk_coverage
from bilstm_hmm.confidence.typicality import Typicality
from bilstm_hmm.errors import ToolkitError


@dataclass(frozen=True, slots=True)
class Reliability:
    """What was fitted of when a model is right.

    Attributes
    ----------
    risk_coverage
        How often it is right when it is how sure.
    temperature
        How its confidence falls with the quality of a recording.
    typicality
        What the clips are like that it was trained on.
    """

    risk_coverage: RiskCoverage | None = None
    temperature: QualityTemperature | None = None
    typicality: Typicality | None = None

    def to_arrays(self) -> dict[str, FloatMatrix]:
        """Return the arrays of what is there by their keys in an npz file."""
        parts = (self.risk_coverage, self.temperature, self.typicality)
        return {key: a for part in parts if part is not None for key, a in part.to_arrays().items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> "Reliability":
        """Inverse of `to_arrays`."""
        return cls(
            RiskCoverage.from_arrays(arrays),
            QualityTemperature.from_arrays(arrays),
            Typicality.from_arrays(arrays),
        )


def fit_reliability(
    probabilities: FloatMatrix, labels: Indices, groups: Indices | None = None
) -> Reliability:
    """Return what clips tell that the model was not trained on; see `fit_risk_coverage`.

    Where nothing could be learned of the probabilities, as of a single speaker, all are equal; no
    table is made of those.
    """
    if (probabilities == probabilities[:, :1]).all():
        return Reliability()
    return Reliability(fit_risk_coverage(probabilities, labels, groups))


def confidence_threshold(
    reliability: Reliability, model: str, abstain: float | None, at_least: float | None
) -> float | None:
    """Return the confidence below which a model shall not answer; None where it always shall.

    Parameters
    ----------
    model
        Its name, for errors.
    abstain
        The threshold itself.
    at_least
        The share that shall be right among what is answered.

    Raises
    ------
    ToolkitError
        Both are given, one is no share, or the model cannot tell or reach that.
    """
    if abstain is not None and at_least is not None:
        raise ToolkitError(
            "--abstain (abstain=) is a confidence and --at-least (at_least=) a share of right "
            "answers that gives one; give one of them."
        )
    for name, share in (("abstain", abstain), ("at_least", at_least)):
        if share is not None and not 0.0 <= share <= 1.0:
            raise ToolkitError(
                f"{name} is given as {share:g}; it must be a number from 0 to 1, such as 0.5."
            )
    if at_least is None:
        return abstain
    return confidence_for(reliability.risk_coverage, at_least, model)
