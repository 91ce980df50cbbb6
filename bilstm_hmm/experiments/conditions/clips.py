"""Clips for the protocol ``conditions``: which are drawn, and each as a condition leaves it."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from bilstm_hmm.arrays import FloatArray
from bilstm_hmm.data.clip import Clip
from bilstm_hmm.data.corpora.corpus import has_known_speaker
from bilstm_hmm.features.audio.reading import read_audio
from bilstm_hmm.features.augmentation.draws import augmentation_rng
from bilstm_hmm.features.degradation.conditions import N_TALKERS, Condition, Surrounded
from bilstm_hmm.features.errors import AudioError

#: Seed of the draws, which are the same for every model.
SEED = 1
#: Clips that the talkers of the babble are drawn from, at most.
_MAX_TALKERS = 200


def draw_clips(clips: Sequence[Clip], limit: int | None) -> tuple[Clip, ...]:
    """Return `limit` clips at most, in their order; each emotion keeps its share of them.

    That is one clip at least, where the limit allows. The same clips come every time.
    """
    if limit is None or limit >= len(clips):
        return tuple(clips)
    by_emotion: dict[str, list[int]] = defaultdict(list)
    for index, clip in enumerate(clips):
        by_emotion[clip.emotion].append(index)
    ranks = []
    for emotion, members in by_emotion.items():
        order = augmentation_rng(SEED, 0, f"limit/{emotion}").permutation(len(members))
        # The first of each emotion comes first of all.
        ranks += [
            (place > 0, (place + 0.5) / len(members), members[member])
            for place, member in enumerate(order)
        ]
    chosen = sorted(index for _, _, index in sorted(ranks)[:limit])
    return tuple(clips[index] for index in chosen)


@dataclass(frozen=True)
class DegradedClips:
    """Clips that can be had as any condition leaves them, the same every time.

    Attributes
    ----------
    rate
        To which they are decoded, in Hz.
    jobs
        Threads.
    """

    clips: tuple[Clip, ...]
    rate: int
    jobs: int

    @contextmanager
    def files(self, clips: Sequence[Clip], condition: Condition) -> Iterator[list[Path]]:
        """Give the clips as files, as the condition leaves them, as long as the block runs.

        Those that cannot be read stay as they are: whoever labels them says what is wrong.
        """
        if condition.apply is None:
            yield [clip.path for clip in clips]
            return
        with TemporaryDirectory(prefix="bilstm-hmm-") as folder:
            targets = [Path(folder) / f"{number:06d}.wav" for number in range(len(clips))]

            def write(pair: tuple[Clip, Path]) -> Path:
                clip, target = pair
                try:
                    samples = self.degraded(clip, condition)
                except AudioError:
                    return clip.path
                return _written(target, samples, self.rate)

            with ThreadPoolExecutor(self.jobs) as pool:
                yield list(pool.map(write, zip(clips, targets, strict=True)))

    def degraded(self, clip: Clip, condition: Condition) -> FloatArray:
        """Return a clip as a condition leaves it, float32 ``[n]``.

        Raises
        ------
        AudioError
            It cannot be read.
        """
        samples = read_audio(clip.path, self.rate).samples
        if condition.apply is None:
            return samples
        rng = augmentation_rng(SEED, 0, f"{condition.name}/{clip.name}")
        return condition.apply(Surrounded(samples, self.rate, self._others(clip, rng), rng))

    def _others(self, clip: Clip, rng: np.random.Generator) -> list[FloatArray]:
        """Recordings of other speakers; of any others where the speakers are not known."""
        others = [
            samples
            for other, samples in self._talkers
            if other.name != clip.name
            and not (has_known_speaker(clip) and other.speaker == clip.speaker)
        ]
        return [others[place] for place in rng.permutation(len(others))[:N_TALKERS]]

    @cached_property
    def _talkers(self) -> list[tuple[Clip, FloatArray]]:
        order = augmentation_rng(SEED, 0, "talkers").permutation(len(self.clips))
        talkers = []
        for place in order[:_MAX_TALKERS]:
            clip = self.clips[int(place)]
            try:
                talkers.append((clip, read_audio(clip.path, self.rate).samples))
            except AudioError:
                continue
        return talkers


def _written(path: Path, samples: FloatArray, rate: int) -> Path:
    """Write samples without any loss, those over full scale as well."""
    import soundfile

    soundfile.write(path, samples, rate, subtype="FLOAT")
    return path
