"""What is taken to be known of the voice of each training clip: some other clips of its speaker.

A network that is to serve voices of which nothing, a few clips or many are known sees all of it
in training: for each clip it is drawn how many others of its speaker are known, and now and then
these are all of one emotion, as a user's recordings of a voice may be.

What a user's recordings of a voice share beside the voice is the room, the microphone and the
line. So the clips of a speaker are dealt into sessions: augmentation changes all clips of a session
alike, and a clip is known by others of its session.
"""

import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bilstm_hmm.arrays import Indices
from bilstm_hmm.config.voice_settings import VoiceSettings
from bilstm_hmm.data.clip import Clip
from bilstm_hmm.features.extraction.normalise import FeatureStatistics
from bilstm_hmm.features.extraction.voice_statistics import (
    FrameMoments,
    adapt_statistics,
    merge_moments,
)

#: Gives the moments of a clip by its index.
Moments = Callable[[int], FrameMoments]


@dataclass(frozen=True, slots=True)
class KnownVoices:
    """Draws by which clips a voice is known.

    Attributes
    ----------
    clips
        By index.
    groups
        Indices of the clips by which those of a group may be known, and of the group itself, by
        the name of the group.
    group_of
        The name of each clip's group, by index.
    """

    clips: Sequence[Clip]
    groups: Mapping[str, tuple[int, ...]]
    group_of: Mapping[int, str]
    settings: VoiceSettings

    def statistics(
        self, index: int, trained: FeatureStatistics, moments: Moments, rng: np.random.Generator
    ) -> tuple[FeatureStatistics, ...]:
        """Return what each view of a clip is normalised by, with a draw of what is known.

        The clip itself, which is always at hand, is one of the clips that its voice is known by.

        Parameters
        ----------
        trained
            What a clip of an unknown voice is normalised by.
        """
        own = moments(index)
        others = [moments(other) for other in self.draw(index, rng) if other != index]
        voice = merge_moments([own, *others])
        assert voice is not None
        return adapt_statistics(trained, voice, self.settings.mean_prior, self.settings.std_prior)

    def draw(self, index: int, rng: np.random.Generator) -> tuple[int, ...]:
        """Return the clips by which the voice of a clip is known beside itself.

        ``all`` are all of its group, and then the clip itself is among them.
        """
        known = self.settings.known_clips
        if not known:
            return ()
        count = known[int(rng.integers(len(known)))]
        members = self.groups[self.group_of[index]]
        if count == "all":
            return members
        others = [other for other in members if other != index]
        if others and rng.random() < self.settings.one_emotion:
            emotions = sorted({self.clips[other].emotion for other in others})
            emotion = emotions[int(rng.integers(len(emotions)))]
            others = [other for other in others if self.clips[other].emotion == emotion]
        chosen = rng.permutation(len(others))[:count]
        return tuple(others[int(position)] for position in chosen)


def voices_by_speaker(
    clips: Sequence[Clip], indices: Sequence[int] | Indices, settings: VoiceSettings
) -> KnownVoices:
    """Return voices, each known by any of the clips `indices` of its speaker."""
    return _voices(clips, {int(i): clips[int(i)].speaker for i in indices}, settings)


def voices_by_session(
    clips: Sequence[Clip], indices: Sequence[int] | Indices, settings: VoiceSettings
) -> KnownVoices | None:
    """Return voices, each known by the clips `indices` of its session; None where none is known."""
    if not settings.known_clips:
        return None
    names = sessions(clips, settings.session_clips)
    return _voices(clips, {int(i): names[int(i)] for i in indices}, settings)


def _voices(
    clips: Sequence[Clip], group_of: Mapping[int, str], settings: VoiceSettings
) -> KnownVoices:
    groups: dict[str, list[int]] = defaultdict(list)
    for index, group in group_of.items():
        groups[group].append(index)
    members = {name: tuple(indices) for name, indices in groups.items()}
    return KnownVoices(clips, members, group_of, settings)


def sessions(clips: Sequence[Clip], size: int) -> list[str]:
    """Return the name of each clip's session: about `size` clips of a speaker, dealt by name."""
    counts = Counter(clip.speaker for clip in clips)
    parts = {speaker: max(1, round(count / size)) for speaker, count in counts.items()}
    return [
        f"{clip.speaker}/{zlib.crc32(clip.name.encode()) % parts[clip.speaker]}" for clip in clips
    ]
