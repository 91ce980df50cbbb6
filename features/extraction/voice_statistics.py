"""What unlabelled clips of a voice say of its features, and normalising by it.

A voice differs from the voices that a network was trained on in the mean and the spread of its
features, by the speaker as much as by microphone and room. Taking these out is speaker
normalisation (Busso et al., "Iterative feature normalization scheme for automatic emotion
detection from speech", 2013); how far the few clips of a voice are trusted against the training
statistics is the shrinkage of MAP adaptation (Gauvain and Lee, 1994).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..frames import FloatArray, FloatMatrix
from .normalise import FeatureStatistics, statistics_of


@dataclass(frozen=True, slots=True, eq=False)
class FrameMoments:
    """Count, mean and scatter of the frames of some clips of one voice.

    Attributes
    ----------
    n_clips, n_frames
        How many clips, and frames in all of them.
    mean
        Of the frames, float64 ``[V, F]``: V views of a clip, one for each vocal-tract warp.
    squares
        Sums of squared deviations from the mean, float64 ``[V, F]``.
    """

    n_clips: int
    n_frames: int
    mean: FloatMatrix
    squares: FloatMatrix


def clip_moments(views: FloatArray) -> FrameMoments:
    """Return the moments of one clip's frames, float32 ``[V, N, F]``, not normalised, N > 0."""
    values = views.astype(np.float64)
    mean = values.mean(axis=1)
    squares = np.square(values - mean[:, None]).sum(axis=1)
    return FrameMoments(1, values.shape[1], mean, squares)


def merge_moments(parts: Iterable[FrameMoments]) -> FrameMoments | None:
    """Return the moments of all frames of several parts; None where there is none.

    By the method of Chan, Golub and LeVeque (1979), as `normalise.fit_statistics`.
    """
    merged: FrameMoments | None = None
    for part in parts:
        merged = part if merged is None else _merge(merged, part)
    return merged


def _merge(one: FrameMoments, other: FrameMoments) -> FrameMoments:
    total = one.n_frames + other.n_frames
    step = other.mean - one.mean
    between = np.square(step) * (one.n_frames * other.n_frames / total)
    return FrameMoments(
        one.n_clips + other.n_clips,
        total,
        one.mean + step * (other.n_frames / total),
        one.squares + other.squares + between,
    )


def adapt_statistics(
    trained: FeatureStatistics, voice: FrameMoments, mean_prior: float, std_prior: float
) -> tuple[FeatureStatistics, ...]:
    """Return what a voice's frames are normalised by: one for each view.

    Mean and deviation are those of the voice, shrunk towards the training statistics: with n clips
    known, the voice's mean weighs ``n / (n + mean_prior)`` and its deviation
    ``n / (n + std_prior)``.

    Parameters
    ----------
    trained
        Statistics of the training frames, for F features.
    voice
        Moments of the voice, of V views of F features.
    """
    n = voice.n_clips
    mean_weight, std_weight = n / (n + mean_prior), n / (n + std_prior)
    adapted = []
    for mean, squares in zip(voice.mean, voice.squares, strict=True):
        own = statistics_of(mean, squares / voice.n_frames)
        adapted.append(
            FeatureStatistics(
                trained.mean + np.float32(mean_weight) * (own.mean - trained.mean),
                trained.std + np.float32(std_weight) * (own.std - trained.std),
            )
        )
    return tuple(adapted)
