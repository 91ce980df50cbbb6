"""Testing a model on voices that are known by other, unlabelled clips of theirs."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from bilstm_hmm.arrays import FloatMatrix, Indices
from bilstm_hmm.blas_threads import one_blas_thread
from bilstm_hmm.data.clip import Clip
from bilstm_hmm.evaluation.unheard.known_clips import KNOWN, NOTHING, Known, draw_known
from bilstm_hmm.evaluation.unheard.results import KnownResults, known_result
from bilstm_hmm.features.extraction.voice_statistics import (
    FrameMoments,
    clip_moments,
    merge_moments,
)
from bilstm_hmm.hmm.fusion import SYSTEMS
from bilstm_hmm.inference.bundle import Bundle
from bilstm_hmm.inference.model import Model
from bilstm_hmm.inference.scoring import Features
from bilstm_hmm.ordered_map import ordered_map

#: Clips that are normalised and scored together.
_BATCH = 32


def conditions(bundle: Bundle) -> tuple[Known, ...]:
    """Return how much may be known of a voice when a model is tested.

    One that was not trained to know voices is tested with nothing known alone.
    """
    return KNOWN if bundle.recipe.voice.known_clips else (NOTHING,)


@one_blas_thread()
def measure_known_voices(
    model: Model,
    clips: Sequence[Clip],
    features: Callable[[int], Features],
    *,
    seed: int,
    jobs: int = 1,
    on_clip: Callable[[int], None] = lambda _done: None,
) -> KnownResults:
    """Return what every system of a model gives for clips, with the voice known more or less.

    Clips of emotions that the model has not are not tested, but may be known: what is known of a
    voice has no labels.

    Parameters
    ----------
    clips
        All clips of their voices that are at hand.
    features
        Gives the features of a clip, not normalised, by its index; asked once for each clip.
    seed
        Of the draws, see `draw_known`.
    jobs
        Threads.
    on_clip
        Called with the number of tested clips done so far.
    """
    known = conditions(model.bundle)
    members: dict[str, list[int]] = {}
    for index, clip in enumerate(clips):
        members.setdefault(clip.speaker, []).append(index)
    done = 0
    tested: list[Clip] = []
    counts: list[Indices] = []
    probabilities: list[FloatMatrix] = []
    for indices in members.values():
        voice = _voice([clips[i] for i in indices], ordered_map(features, indices, jobs), model)
        if not voice.tested:
            continue
        of_voice = [voice.score(model, one, seed, jobs) for one in known]
        tested.extend(voice.clips[position] for position in voice.tested)
        counts.append(np.stack([n_known for n_known, _ in of_voice]))
        probabilities.append(np.stack([shares for _, shares in of_voice]))
        done += len(voice.tested)
        on_clip(done)
    all_counts = np.concatenate(counts, axis=1)
    shares = np.concatenate(probabilities, axis=1)
    return {
        one.name: known_result(
            tested,
            all_counts[row],
            {system: shares[row, :, place] for place, system in enumerate(SYSTEMS)},
        )
        for row, one in enumerate(known)
    }


@dataclass(frozen=True, slots=True, eq=False)
class _Voice:
    """The clips of one voice, their features and moments, and the positions of those to test."""

    clips: tuple[Clip, ...]
    features: tuple[Features, ...]
    moments: tuple[FrameMoments, ...]
    tested: tuple[int, ...]

    def score(
        self, model: Model, known: Known, seed: int, jobs: int
    ) -> tuple[Indices, FloatMatrix]:
        """Number of known clips ``[n]`` and probabilities ``[n, systems, C]`` of the tested."""
        emotions = [clip.emotion for clip in self.clips]
        drawn = [
            draw_known(known, emotions, position, self.clips[position].name, seed)
            for position in self.tested
        ]
        others = _without_each(self.moments) if known.count == "all" else ()

        def voice(row: int) -> FrameMoments | None:
            if others:
                return others[self.tested[row]]
            return merge_moments(self.moments[i] for i in drawn[row])

        def batch(start: int) -> list[FloatMatrix]:
            rows = range(start, min(start + _BATCH, len(drawn)))
            scores = model.scorer.score_extracted(
                [self.features[self.tested[row]] for row in rows], [voice(row) for row in rows]
            )
            return [np.stack([*model.probabilities_by_system(s).values()]) for s in scores]

        starts = range(0, len(drawn), _BATCH)
        rows = [row for part in ordered_map(batch, starts, jobs) for row in part]
        return np.array([len(one) for one in drawn], dtype=np.intp), np.stack(rows)


def _without_each(moments: Sequence[FrameMoments]) -> tuple[FrameMoments | None, ...]:
    """Return the moments of all parts but each one, in twice as many steps as there are."""
    before: list[FrameMoments | None] = [None]
    after: list[FrameMoments | None] = [None]
    for one, other in zip(moments, reversed(moments), strict=True):
        before.append(_merged(before[-1], one))
        after.append(_merged(after[-1], other))
    return tuple(
        _merged(before[place], after[len(moments) - 1 - place]) for place in range(len(moments))
    )


def _merged(*parts: FrameMoments | None) -> FrameMoments | None:
    return merge_moments(part for part in parts if part is not None)


def _voice(clips: Sequence[Clip], features: Iterable[Features], model: Model) -> _Voice:
    of_clips = tuple(features)
    moments = tuple(clip_moments(of_clip.frames) for of_clip in of_clips)
    tested = tuple(i for i, clip in enumerate(clips) if clip.emotion in model.classes)
    return _Voice(tuple(clips), of_clips, moments, tested)
