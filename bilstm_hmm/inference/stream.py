"""Emotions of sound that is still coming: `EmotionStream` takes chunks and yields updates.

Sound is taken in steps of the update interval, so that what comes out does not depend on how it
is cut into chunks. Each speech segment goes through the network once it has ended, as in a file,
and the open one as far as it is known; segments of the timeline are closed as soon as nothing that
may still come can change them, and are then those of the file
(`bilstm_hmm.timeline.online_viterbi`).

A model that knows voices learns the voice of the stream from the segments that have ended, for
those that follow. A file is labelled by what all of its first minutes say, so that it may differ
from the stream there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from bilstm_hmm.blas_threads import one_blas_thread
from bilstm_hmm.confidence.abstention import abstain_in_segments
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.features.audio.stream_buffer import StreamBuffer
from bilstm_hmm.inference.model import Model
from bilstm_hmm.inference.online_timeline import OnlineTimeline
from bilstm_hmm.inference.voice.profile import VoiceProfile, known_voice
from bilstm_hmm.prediction import NO_SPEECH, UNSURE, Segment

#: Seconds between two updates, and by how much the moment they tell of lies behind the sound:
#: until the next update, what is known is at most 1.5 s old.
INTERVAL = 0.5
LOOKAHEAD = 1.0


@dataclass(frozen=True, slots=True)
class Update:
    """What is known at a moment of a stream; times in seconds from its beginning.

    Attributes
    ----------
    received
        The sound so far; ``heard`` in JSON.
    time
        The moment that is told of, `EmotionStream.lookahead` before.
    emotion
        There and then; ``no speech`` in a long silence and before anybody has spoken, ``unsure``
        where its confidence is not what was asked for.
    confidence
        Of the emotion.
    probabilities
        Of each emotion; empty in a silence.
    final_segments
        Those that are decided since the update before; ``closed`` in JSON.
    """

    received: float
    time: float
    emotion: str
    confidence: float
    probabilities: Mapping[str, float]
    final_segments: tuple[Segment, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain types, numbers rounded for reading."""
        return {
            "heard": round(self.received, 3),
            "time": round(self.time, 3),
            "emotion": self.emotion,
            "confidence": round(self.confidence, 4),
            "probabilities": {k: round(v, 4) for k, v in self.probabilities.items()},
            "closed": [segment.to_dict() for segment in self.final_segments],
        }


class EmotionStream:
    """Follows the emotions of one voice.

    Parameters
    ----------
    model
        From `bilstm_hmm.load`.
    rate
        Of the sound, in Hz; None takes the model's own.
    interval
        Seconds between two updates.
    lookahead
        Seconds of sound behind the moment that an update tells of. With less it is known sooner
        and less surely.
    voice
        What is known of the voice before it speaks, of `Model.voice`.
    abstain
        The confidence below which a moment or a segment is `unsure`.

    Raises
    ------
    ToolkitError
        The interval, the look-ahead or the rate is none; or the voice is of other features, or for
        a model that knows none.
    """

    def __init__(
        self,
        model: Model,
        rate: float | None = None,
        *,
        interval: float = INTERVAL,
        lookahead: float = LOOKAHEAD,
        voice: VoiceProfile | None = None,
        abstain: float | None = None,
    ) -> None:
        if not 0.05 <= interval <= 60.0:
            raise ToolkitError(f"interval {interval}: give seconds between 0.05 and 60.")
        if not 0.0 <= lookahead <= 60.0:
            raise ToolkitError(f"lookahead {lookahead}: give seconds between 0 and 60.")
        self.lookahead = lookahead
        self._threshold = model.threshold(abstain) or 0.0
        model_rate = model.bundle.recipe.features.rate
        self._buffer = StreamBuffer(model_rate if rate is None else rate, model_rate, interval)
        self._timeline = OnlineTimeline(model.scorer, known_voice(model.bundle, voice))

    @one_blas_thread()
    def push(self, chunk: NDArray[Any], rate: float | None = None) -> list[Update]:
        """Take the next chunk; return an update for each interval that it ends.

        Parameters
        ----------
        chunk
            ``[n]`` or ``[n, n_channels]``, of any length; floats with full scale at 1, or integers
            over their full scale.
        rate
            Of the chunk in Hz, where it shall be checked against the stream's.

        Raises
        ------
        AudioError
            The chunk has another rate than the stream, no such shape or type, or holds values that
            are not finite. It is not taken; the stream may go on.
        """
        updates = []
        for block in self._buffer.push(chunk, rate):
            closed = self._timeline.push(block.samples)
            time = max(0.0, block.end - self.lookahead)
            updates.append(self._update(block.end, time, closed))
        return updates

    @one_blas_thread()
    def close(self) -> Update:
        """Return the last update, with the segments that are left; the stream is at its end."""
        block = self._buffer.close()
        closed = self._timeline.push(block.samples) + self._timeline.close(block.end)
        return self._update(block.end, block.end, closed)

    def _update(self, heard: float, time: float, decided: list[Segment]) -> Update:
        closed = abstain_in_segments(decided, self._threshold)
        vector = self._timeline.probabilities_at(time)
        if vector is None:
            return Update(heard, time, NO_SPEECH, 1.0, {}, closed)
        probabilities = dict(zip(self._timeline.classes, vector.tolist(), strict=True))
        emotion = max(probabilities, key=probabilities.__getitem__)
        confidence = probabilities[emotion]
        said = UNSURE if confidence < self._threshold else emotion
        return Update(heard, time, said, confidence, probabilities, closed)
