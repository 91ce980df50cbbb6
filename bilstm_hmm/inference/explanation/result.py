"""Why a label came out, as small frozen records with plain types in JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Effect:
    """What a stretch of time did for the label; times in seconds from the start of the file.

    Attributes
    ----------
    support
        By how much the label's probability falls where the stretch is occluded.
    margin
        By how much the logarithm of its odds against the runner-up falls.
    """

    start: float
    end: float
    support: float
    margin: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain types, numbers rounded for reading."""
        return {**_span(self.start, self.end), **_effect(self.support, self.margin)}


@dataclass(frozen=True, slots=True)
class GroupEffect:
    """What a group of features did for the label: throughout, and in each of the `moments`."""

    name: str
    support: float
    margin: float
    moments: tuple[Effect, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain types, numbers rounded for reading."""
        return {
            "name": self.name,
            **_effect(self.support, self.margin),
            "moments": [moment.to_dict() for moment in self.moments],
        }


@dataclass(frozen=True, slots=True)
class StateSpan:
    """A stretch of time in one state, from 0 on, of the HMM of the label."""

    start: float
    end: float
    state: int

    def to_dict(self) -> dict[str, Any]:
        """Return plain types, numbers rounded for reading."""
        return {**_span(self.start, self.end), "state": self.state}


@dataclass(frozen=True, slots=True)
class SegmentExplanation:
    """Why an utterance or a speech segment has the emotion that it has by itself.

    Attributes
    ----------
    emotion, probability
        The likeliest, and how likely; before what the segments around say of it, and the quality of
        the recording.
    runner_up, runner_up_probability
        The second.
    moments
        Short ones one after another, with all features of them.
    groups
        Groups of features, with longer moments.
    log_likelihoods
        Of a frame under the HMM of each emotion, the mean.
    states
        The most likely path through the states of the label's HMM.
    """

    start: float
    end: float
    emotion: str
    probability: float
    runner_up: str
    runner_up_probability: float
    moments: tuple[Effect, ...]
    groups: tuple[GroupEffect, ...]
    log_likelihoods: Mapping[str, float]
    states: tuple[StateSpan, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain types, numbers rounded for reading."""
        return {
            **_span(self.start, self.end),
            "emotion": self.emotion,
            "probability": round(self.probability, 4),
            "runner_up": self.runner_up,
            "runner_up_probability": round(self.runner_up_probability, 4),
            "moments": [moment.to_dict() for moment in self.moments],
            "groups": [group.to_dict() for group in self.groups],
            "hmm": {
                "log_likelihoods": {k: round(v, 4) for k, v in self.log_likelihoods.items()},
                "states": [span.to_dict() for span in self.states],
            },
        }


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a recording has its label: of each speech segment in order, none where nobody speaks."""

    segments: tuple[SegmentExplanation, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON has under the key ``explanation``."""
        return {"segments": [segment.to_dict() for segment in self.segments]}


def _span(start: float, end: float) -> dict[str, float]:
    return {"start": round(start, 3), "end": round(end, 3)}


def _effect(support: float, margin: float) -> dict[str, float]:
    # Adding zero takes the sign off a zero.
    return {"support": round(support, 4) + 0.0, "margin": round(margin, 4) + 0.0}
