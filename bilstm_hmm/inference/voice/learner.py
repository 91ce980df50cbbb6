"""Learning a voice on the way: of the clips of one recording or stream, as they come.

What is known before the first of them may come from a profile or from other recordings of the
voice; the training statistics alone decide where nothing is (`Scorer.normalise`).
"""

from dataclasses import dataclass

from bilstm_hmm.arrays import FloatArray
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.features.extraction.voice_statistics import (
    FrameMoments,
    clip_moments,
    merge_moments,
)

#: Seconds of speech of a recording or stream after which its voice is fixed. So much is held of a
#: long recording, whose second pass then needs no second reading.
LEARNED_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class KnownVoice:
    """What is known of who speaks in a recording before it is read.

    Attributes
    ----------
    moments
        None where nothing is known.
    is_complete
        Whether the recording's own clips are among those known, so that nothing is left to learn.
    """

    moments: FrameMoments | None = None
    is_complete: bool = False


NOTHING_KNOWN = KnownVoice()


def knows_voices(recipe: Recipe) -> bool:
    """Return whether a model of this recipe was trained to know voices."""
    return bool(recipe.voice.known_clips)


class VoiceLearner:
    """Learns the voice of a recording or stream, up to `LEARNED_SECONDS` of its speech.

    Nothing is learned for a model that knows no voices.

    Attributes
    ----------
    voice
        What is known by now; None where nothing is.
    """

    def __init__(self, recipe: Recipe, known: KnownVoice = NOTHING_KNOWN) -> None:
        self.voice = known.moments
        self._known = known.moments
        self._n_clips = 0
        learns = knows_voices(recipe) and not known.is_complete
        self._frames_left = round(LEARNED_SECONDS * recipe.features.frame_rate) if learns else 0

    @property
    def is_done(self) -> bool:
        """Whether nothing more is learned."""
        return self._frames_left <= 0

    @property
    def voice_of_recording(self) -> FrameMoments | None:
        """What all clips of a recording are normalised by, once it has ended or all is learned.

        A recording of one clip learns nothing: each clip counts for its own voice anyway.
        """
        return self.voice if self._n_clips > 1 else self._known

    def learn(self, frames: FloatArray) -> None:
        """Take the next clip's frames, float32 ``[V, N, F]``, not normalised."""
        if self.is_done:
            return
        parts = [] if self.voice is None else [self.voice]
        self.voice = merge_moments([*parts, clip_moments(frames)])
        self._n_clips += 1
        self._frames_left -= frames.shape[1]
