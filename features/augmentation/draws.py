"""Random changes of training clips that are not made to their samples, and the chance behind."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from ..frames import FloatArray
from ..settings.augmentation import AugmentationSettings
from .waveform import augment_waveform

__all__ = [
    "augment_frames",
    "augment_waveform",
    "augmentation_rng",
    "draw_warp",
    "mixup_weights",
]

_LARGEST_SHARE_OF_TIME = 0.2


def augmentation_rng(seed: int, epoch: int, clip_name: str) -> np.random.Generator:
    """Return the random generator of one clip in one epoch, the same wherever it is asked for.

    It depends on nothing but its arguments, so that the order of the clips, the number of
    threads and the process make no difference.
    """
    digest = hashlib.sha256(clip_name.encode("utf-8", "surrogatepass")).digest()
    words = np.frombuffer(digest, dtype="<u4").tolist()
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, epoch, *words])))


def draw_warp(settings: AugmentationSettings, rng: np.random.Generator) -> float:
    """Return a warp for `features.extract.extract`, 1.0 where chance decides on none."""
    if rng.random() < settings.vocal_tract.probability:
        return float(rng.uniform(*settings.vocal_tract.factor))
    return 1.0


def augment_frames(
    values: FloatArray, settings: AugmentationSettings, rng: np.random.Generator
) -> FloatArray:
    """Return the frames with some stretches of time and runs of features set to zero.

    Zero is the mean of frames that are normalised, as they should be.

    Parameters
    ----------
    values
        float32 ``[n_frames, n_features]``; never modified, and itself returned where chance
        decides on no change.
    """
    masks = settings.spec_augment
    if rng.random() >= masks.probability:
        return values
    masked = values.copy()
    count, width = values.shape
    widest = min(masks.time_width, int(count * _LARGEST_SHARE_OF_TIME))
    for _ in range(masks.time_masks):
        masked[_random_span(count, widest, rng)] = 0.0
    for _ in range(masks.feature_masks):
        masked[:, _random_span(width, min(masks.feature_width, width), rng)] = 0.0
    return masked


def _random_span(length: int, widest: int, rng: np.random.Generator) -> slice:
    """Return a random stretch of 0 to `widest` of `length` places."""
    width = int(rng.integers(0, widest + 1))
    first = int(rng.integers(0, length - width + 1))
    return slice(first, first + width)


def mixup_weights(
    n_clips: int, settings: AugmentationSettings, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return each clip's share in the mix with its partner, float32 ``[n_clips]`` in [0.5, 1].

    Drawn from ``Beta(mixup, mixup)``; the larger share stays with the clip itself. Ones where
    `mixup` is 0.
    """
    if settings.mixup == 0.0:
        return np.ones(n_clips, dtype=np.float32)
    share = rng.beta(settings.mixup, settings.mixup, size=n_clips)
    return np.maximum(share, 1.0 - share).astype(np.float32)
