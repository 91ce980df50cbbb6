"""What the toolkit says of one recording: the type that every output format writes."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.features.frames import FloatArray
from bilstm_hmm.html_table import html_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame

    from bilstm_hmm.features.audio.inputs import Recording

#: What a timeline calls time in which nobody speaks.
NO_SPEECH = "no speech"
#: What stands for an emotion where the model is not as sure as was asked for.
UNSURE = "unsure"
#: Start and end in seconds, and an emotion.
LabelledInterval = tuple[float, float, str]
#: Segments that a notebook shows.
_MAX_ROWS = 20


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of one emotion; times in seconds from the start of the file."""

    start: float
    end: float
    emotion: str
    confidence: float

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON contract: plain types, numbers rounded for reading."""
        return {
            "start": round(self.start, 3),
            "end": round(self.end, 3),
            "emotion": self.emotion,
            "confidence": round(self.confidence, 4),
        }


def speaking_shares(segments: Iterable[Segment]) -> dict[str, float]:
    """Return the share of each emotion in the time of segments with speech, the largest first."""
    times: dict[str, float] = {}
    for segment in segments:
        if segment.emotion != NO_SPEECH:
            times[segment.emotion] = times.get(segment.emotion, 0.0) + segment.end - segment.start
    total = sum(times.values())
    by_share = sorted(times.items(), key=lambda item: -item[1])
    return {emotion: time / total for emotion, time in by_share} if total > 0.0 else {}


@dataclass(frozen=True, slots=True)
class Curves:
    """The probability of each emotion over time, where somebody speaks.

    Attributes
    ----------
    times
        The middle of each frame in seconds, ``[T]``.
    probabilities
        float32 ``[T, C]``, in the order of `Prediction.probabilities`.
    """

    times: NDArray[np.float64]
    probabilities: FloatArray


class Explained(Protocol):
    """Why a label came out: `bilstm_hmm.inference.explanation.result.Explanation`."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain types, for JSON."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """The label of one recording, its probabilities and its timeline.

    `emotion` and `confidence` are None where nobody speaks. Where the model was not as sure as was
    asked for, `unsure` is set and `emotion` None; `confidence` is of the likeliest. `duration` is
    in seconds; `probabilities` has one entry a class and sums to one, or is empty where nobody
    speaks; `curves`
    are there where they were asked for, `path` where the samples do not lie at `file`. `warnings`
    are what makes the answer worse, `notes` what else was done to the recording: a phrase each.
    `novelty` is how far it lies from the clips that the model was trained on, where that is known:
    0 is usual, and from 1 on there is a warning.
    `explanation` is there where it was asked for.
    Where it is the answer to one channel (from 1) or one speaker alone, `channel` or `speaker` says
    so.
    """

    file: str
    emotion: str | None
    confidence: float | None
    probabilities: Mapping[str, float]
    duration: float
    segments: tuple[Segment, ...]
    warnings: tuple[str, ...]
    model: str
    # Arrays have no equality to go by.
    curves: Curves | None = field(default=None, compare=False, repr=False)
    path: str | None = None
    notes: tuple[str, ...] = ()
    channel: int | None = None
    speaker: str | None = None
    unsure: bool = False
    novelty: float | None = None
    explanation: Explained | None = field(default=None, repr=False)

    @property
    def label(self) -> str:
        """The emotion; or ``unsure``, or ``no speech``."""
        return self.emotion or (UNSURE if self.unsure else NO_SPEECH)

    def of_voice(self, channel: int | None, speaker: str | None) -> "Prediction":
        """Return the same as that of one channel, from 1, or of one speaker."""
        if (channel, speaker) == (None, None):
            return self
        return replace(self, channel=channel, speaker=speaker)

    @property
    def voice(self) -> str:
        """The channel and the speaker in words, nothing where all of the recording is meant."""
        channel = f"channel {self.channel}" if self.channel is not None else ""
        speaker = f"speaker {self.speaker}" if self.speaker is not None else ""
        return ", ".join(filter(None, (channel, speaker)))

    @property
    def shares(self) -> dict[str, float]:
        """The share of each emotion that occurs in the speaking time, the largest first."""
        return speaking_shares(self.segments)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON contract: plain types, numbers rounded for reading."""
        return {
            "file": self.file,
            **({"channel": self.channel} if self.channel is not None else {}),
            **({"speaker": self.speaker} if self.speaker is not None else {}),
            "emotion": self.emotion,
            **({"unsure": True} if self.unsure else {}),
            "confidence": None if self.confidence is None else round(self.confidence, 4),
            "probabilities": {k: round(v, 4) for k, v in self.probabilities.items()},
            "shares": {k: round(v, 4) for k, v in self.shares.items()},
            "duration": round(self.duration, 3),
            "segments": [segment.to_dict() for segment in self.segments],
            "warnings": list(self.warnings),
            "notes": list(self.notes),
            "model": self.model,
            **({} if self.novelty is None else {"novelty": round(self.novelty, 3)}),
            **({} if self.explanation is None else {"explanation": self.explanation.to_dict()}),
        }

    def to_dataframe(self) -> "DataFrame":
        """Return the segments, a row each: file, start and end in seconds, emotion, confidence.

        Raises
        ------
        ToolkitError
            pandas is not installed.
        """
        return to_dataframe([self]).drop(columns="error")

    def plot(
        self,
        path: str | os.PathLike[str] | None = None,
        recording: "Recording | None" = None,
        rate: float | None = None,
    ) -> "Figure":
        """Draw the waveform, the timeline, and how likely each emotion is when; needs matplotlib.

        Parameters
        ----------
        path
            Where to write the picture as well, in the format of its suffix; an older one is
            replaced.
        recording, rate
            What was given to `predict`; None where the file can be read again.

        Returns
        -------
        The figure. Its lowest part has the probabilities over time where the prediction has
        `curves`, else the confidence of each segment.

        Raises
        ------
        ToolkitError
            matplotlib is not installed, the recording is not given and in no file, or the picture
            cannot be written.
        AudioError
            The recording cannot be read any more.
        """
        # By its name: it stands higher in the chain of imports.
        draw = import_module("bilstm_hmm.output.figure").plot
        figure: Figure = draw(self, path, recording, rate)
        return figure

    def _repr_html_(self) -> str:
        """Return a small table for notebooks: probabilities, and segments if there are several."""
        shares = sorted(self.probabilities.items(), key=lambda item: -item[1])
        tables = [
            html_table(
                [(name, f"{share:.2f}") for name, share in shares],
                ("emotion", "probability"),
                f"{self.file}, {self.duration:.1f} s: {self.label}",
            )
        ]
        if len(self.segments) > 1:
            shown = [
                (f"{s.start:.2f}", f"{s.end:.2f}", s.emotion, f"{s.confidence:.2f}")
                for s in self.segments[:_MAX_ROWS]
            ]
            rest = len(self.segments) - len(shown)
            caption = f"the first {len(shown)} of {len(self.segments)} segments" if rest else ""
            tables.append(
                html_table(shown, ("start (s)", "end (s)", "emotion", "confidence"), caption)
            )
        return "".join(tables)


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that could not be labelled, and the one sentence that says why."""

    file: str
    error: str

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON has of it."""
        return {"file": self.file, "error": self.error}


#: What labelling a file gives, whichever way it goes.
Result = Prediction | Failure


def to_dataframe(results: Iterable[Result]) -> "DataFrame":
    """Return the segments of several results, a row each.

    Parameters
    ----------
    results
        As `Model.predict_many` gives them. A failure has a row with its error alone.

    Returns
    -------
    The columns file, start and end in seconds, emotion, confidence, and error.

    Raises
    ------
    ToolkitError
        pandas is not installed.
    """
    try:
        from pandas import DataFrame
    except ModuleNotFoundError:
        raise ToolkitError(
            "A data frame needs pandas; install it with pip install pandas."
        ) from None
    rows: list[tuple[Any, ...]] = []
    for result in results:
        if isinstance(result, Failure):
            rows.append((result.file, None, None, None, None, result.error))
        else:
            rows += [
                (result.file, s.start, s.end, s.emotion, s.confidence, None)
                for s in result.segments
            ]
    return DataFrame(rows, columns=["file", "start", "end", "emotion", "confidence", "error"])
