"""From samples to what the network and the HMMs say of them: clips together, long ones in parts."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilstm_hmm.features.extraction.extract import extract_views
from bilstm_hmm.features.extraction.normalise import normalise
from bilstm_hmm.features.frames import FloatArray
from bilstm_hmm.hmm.bank import score_frames
from bilstm_hmm.hmm.projection import project
from bilstm_hmm.inference.bundle import Bundle
from bilstm_hmm.inference.session import run_network
from bilstm_hmm.inference.windows import (
    Chunk,
    chunks,
    stitch_windows,
    window_size,
    window_starts,
)
from bilstm_hmm.network.outputs import NetworkOutput, average_outputs

FloatMatrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RecordingScores:
    """What there is to decide the emotion of a recording by; T output frames, C emotions.

    Attributes
    ----------
    clip_logits
        Clip logits ``[C]``, the mean over windows.
    frame_logits
        Frame logits, float32 ``[T, C]``.
    frame_log_likelihoods
        Log-likelihood of each frame given those before it, under each emotion's HMM, float32
        ``[T, C]``.
    rate
        Output frames a second.
    start, end
        Where sound begins and ends, in seconds.
    """

    clip_logits: FloatMatrix
    frame_logits: FloatArray
    frame_log_likelihoods: FloatArray
    rate: float
    start: float
    end: float

    @property
    def mean_log_likelihoods(self) -> FloatMatrix:
        """Log-likelihood a frame under each emotion's HMM, ``[C]``."""
        return np.asarray(self.frame_log_likelihoods.mean(axis=0, dtype=np.float64))


@dataclass(frozen=True, slots=True)
class _Features:
    """One clip or stretch: frames of its views ``[V, N, F]``, and where its first one lies."""

    views: FloatArray
    rate: float
    start: float


def score_clips(
    clips: Sequence[FloatArray], bundle: Bundle, session: Any
) -> tuple[RecordingScores, ...]:
    """Return the evidence of several recordings, each short enough to be held whole.

    Parameters
    ----------
    clips
        float32 ``[n]`` each, at the rate of the features.

    Notes
    -----
    A recording gets the same as it would alone, but for rounding.
    """
    heard = [_extract_features(samples, bundle) for samples in clips]
    found = _run_network(heard, bundle, session)
    told = _hmm_scores([outputs for outputs, _ in found], bundle)
    stride, evidence = bundle.recipe.network.stride, []
    for (outputs, windows), scores, clip in zip(found, told, heard, strict=True):
        evidence.append(
            RecordingScores(
                clip_logits=windows.mean(axis=0, dtype=np.float64),
                frame_logits=outputs.frame_logits,
                frame_log_likelihoods=scores,
                rate=clip.rate / stride,
                start=clip.start,
                end=clip.start + clip.views.shape[1] / clip.rate,
            )
        )
    return tuple(evidence)


def score_long_recording(
    blocks: Iterable[FloatArray], bundle: Bundle, session: Any, jobs: int
) -> RecordingScores:
    """Return the evidence of a recording of any length, read as it is needed.

    What is kept of an hour is its frame logits and HMM scores, a few megabytes.

    Parameters
    ----------
    blocks
        The samples in order, float32 ``[n]`` each.
    jobs
        Threads.
    """
    recipe = bundle.recipe
    rate = recipe.features.frame_rate
    frames, told, clip_logits = [], [], []
    total = 0
    for part in _ordered_map(chunks(blocks, recipe), bundle, session, jobs):
        frames.append(part.frame)
        told.append(part.told)
        clip_logits.append(part.windows)
        total += part.length
    return RecordingScores(
        clip_logits=np.concatenate(clip_logits).mean(axis=0, dtype=np.float64),
        frame_logits=np.concatenate(frames),
        frame_log_likelihoods=np.concatenate(told),
        rate=rate / recipe.network.stride,
        start=0.0,
        end=total / rate,
    )


@dataclass(frozen=True, slots=True)
class _ChunkScores:
    """The core of a stretch: `length` frames, and the clip logits of the windows centred in it."""

    frame: FloatArray
    told: FloatArray
    windows: FloatArray
    length: int


def _ordered_map(
    found: Iterator[Chunk], bundle: Bundle, session: Any, jobs: int
) -> Iterator[_ChunkScores]:
    """The parts of a recording in order, a few at a time by several threads."""
    with ThreadPoolExecutor(jobs) as pool:
        waiting: deque[Future[_ChunkScores]] = deque()
        for stretch in found:
            waiting.append(pool.submit(_score_chunk, stretch, bundle, session))
            if len(waiting) > jobs:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _score_chunk(stretch: Chunk, bundle: Bundle, session: Any) -> _ChunkScores:
    recipe = bundle.recipe
    heard = _extract_features(stretch.samples, bundle, whole=False)
    heard = _Features(heard.views[:, stretch.frames], heard.rate, 0.0)
    ((outputs, windows),) = _run_network([heard], bundle, session)
    (told,) = _hmm_scores([outputs], bundle)
    size, stride = window_size(recipe), recipe.network.stride
    length, core = heard.views.shape[1], stretch.core
    centres = np.array(window_starts(length, size, stride)) + size // 2
    # The last stretch has all windows to its end.
    inside = (centres >= core.start) & ((centres < core.stop) | (core.stop == length))
    steps = slice(core.start // stride, -(-core.stop // stride))
    return _ChunkScores(
        outputs.frame_logits[steps], told[steps], windows[inside], core.stop - core.start
    )


def _extract_features(samples: FloatArray, bundle: Bundle, whole: bool = True) -> _Features:
    """Features of a recording; of part of one, levelled before, nothing is scaled or trimmed."""
    recipe, settings = bundle.recipe, bundle.recipe.features
    if not whole:
        settings = settings.model_copy(update={"level": "none", "trim_db": None})
    views = extract_views(samples, settings, bundle.banks, recipe.decision.warps)
    kind, statistics = settings.normalisation, bundle.statistics
    values = np.stack([normalise(view.values, kind, statistics) for view in views])
    return _Features(values, views[0].rate, views[0].start)


def _run_network(
    heard: Sequence[_Features], bundle: Bundle, session: Any
) -> list[tuple[NetworkOutput, FloatArray]]:
    """Outputs of each clip, the mean over its views, and the clip logits of its windows."""
    size, stride = window_size(bundle.recipe), bundle.recipe.network.stride
    starts = [window_starts(clip.views.shape[1], size, stride) for clip in heard]
    sequences = [
        view[s : s + size]
        for clip, own in zip(heard, starts, strict=True)
        for view in clip.views
        for s in own
    ]
    parts = iter(run_network(session, sequences, stride))
    found = []
    for clip, own in zip(heard, starts, strict=True):
        views = []
        windows = np.zeros((len(own), len(bundle.classes)), np.float32)
        for _ in clip.views:
            of_view = [next(parts) for _ in own]
            hidden, frame = stitch_windows(of_view, own, clip.views.shape[1], size, stride)
            logits = np.stack([part.clip_logits for part in of_view])
            windows += logits / len(clip.views)
            views.append(NetworkOutput(hidden, frame, logits[0]))
        found.append((average_outputs(views), windows))
    return found


def _hmm_scores(outputs: Sequence[NetworkOutput], bundle: Bundle) -> list[FloatArray]:
    sequences = [project(bundle.projection, o) for o in outputs]
    return [told.astype(np.float32) for told in score_frames(bundle.bank, sequences)]
