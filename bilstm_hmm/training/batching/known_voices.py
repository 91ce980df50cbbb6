"""What is taken to be known of the voice of each training clip: some other clips of its speaker.

A network that is to serve voices of which nothing, a few clips or many are known sees all of it
in training: for each clip it is drawn how many others of its speaker are known, and now and then
these are all of one emotion, as a user's recordings of a voice may be.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from bilstm_hmm.arrays import Indices
from bilstm_hmm.config.schema import VoiceSettings
from bilstm_hmm.data.clip import Clip
from bilstm_hmm.features.extraction.normalise import FeatureStatistics
from bilstm_hmm.features.extraction.voice_statistics import (
    FrameMoments,
    adapt_statistics,
    clip_moments,
    merge_moments,
)
from bilstm_hmm.training.examples import Examples


class KnownVoices:
    """Draws what is known of the voices of some clips.

    Parameters
    ----------
    clips
        By index.
    moments
        Of the frames of each clip that may be known, by its index.
    """

    def __init__(
        self, clips: Sequence[Clip], moments: Mapping[int, FrameMoments], settings: VoiceSettings
    ) -> None:
        self._clips, self._moments, self._settings = clips, moments, settings
        members: dict[str, list[int]] = defaultdict(list)
        for index in moments:
            members[clips[index].speaker].append(index)
        self._members = members
        self._whole = {
            speaker: merge_moments(moments[index] for index in indices)
            for speaker, indices in members.items()
        }

    def statistics(
        self, index: int, trained: FeatureStatistics, rng: np.random.Generator
    ) -> tuple[FeatureStatistics, ...]:
        """Return what each view of a clip is normalised by, with a draw of what is known."""
        voice = self.draw(index, rng)
        if voice is None:
            return (trained,) * len(self._moments[index].mean)
        settings = self._settings
        return adapt_statistics(trained, voice, settings.mean_prior, settings.std_prior)

    def draw(self, index: int, rng: np.random.Generator) -> FrameMoments | None:
        """Return the moments of what is known of the voice of a clip; None where nothing is.

        ``all`` are all clips of the voice, with the clip itself; otherwise it is never among
        them.
        """
        known = self._settings.known_clips
        if not known:
            return None
        count = known[int(rng.integers(len(known)))]
        speaker = self._clips[index].speaker
        if count == "all":
            return self._whole.get(speaker)
        others = [other for other in self._members.get(speaker, ()) if other != index]
        if rng.random() < self._settings.one_emotion:
            emotions = sorted({self._clips[other].emotion for other in others})
            if emotions:
                emotion = emotions[int(rng.integers(len(emotions)))]
                others = [other for other in others if self._clips[other].emotion == emotion]
        chosen = rng.permutation(len(others))[:count]
        return merge_moments(self._moments[others[int(position)]] for position in chosen)


def known_voices(examples: Examples, indices: Indices, settings: VoiceSettings) -> KnownVoices:
    """Return the voices of the clips `indices`, each known by its clips as they were recorded."""
    moments = {int(i): clip_moments(examples.frames[int(i)].values[None]) for i in indices}
    return KnownVoices(examples.clips, moments, settings)
