"""Random changes of training clips that are not made to their samples, and the chance behind."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from ..frames import FloatArray
from ..settings.augmentation import AugmentationSettings

_MAX_MASKED_FRACTION = 0.2


def augmentation_rng(seed: int, epoch: int, clip_name: str) -> np.random.Generator:
    """Return the random generator of one clip in one epoch, the same wherever it is asked for.

    It depends on nothing but its arguments, so that the order of the clips, the number of
    threads and the process make no difference.
    """
    digest = hashlib.sha256(clip_name.encode("utf-8", "surrogatepass")).digest()
    words = np.frombuffer(digest, dtype="<u4").tolist()
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, epoch, *words])))


def sample_warp_factor(settings: AugmentationSettings, rng: np.random.Generator) -> float:
    """Return a warp for `features.extraction.extract.extract`, 1.0 where chance decides on none."""
    if rng.random() < settings.vocal_tract.probability:
        return float(rng.uniform(*settings.vocal_tract.factor))
    return 1.0


def sample_talkers(
    clip: int, others: NDArray[np.intp], settings: AugmentationSettings, rng: np.random.Generator
) -> tuple[int, ...]:
    """Return the clips that are to babble behind one; none where chance decides on no babble.

    Parameters
    ----------
    clip
        Which never babbles behind itself.
    others
        Those to choose from, ``[N]``, in an order that depends on nothing by chance.
    """
    if rng.random() >= settings.babble.probability:
        return ()
    low, high = settings.babble.talkers
    count = int(rng.integers(low, high + 1))
    drawn = rng.permutation(len(others))[: count + 1] if len(others) else ()
    return tuple(int(others[place]) for place in drawn if others[place] != clip)[:count]


def spec_augment(
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
    max_width = min(masks.time_width, int(count * _MAX_MASKED_FRACTION))
    for _ in range(masks.time_masks):
        masked[_random_span(count, max_width, rng)] = 0.0
    for _ in range(masks.feature_masks):
        masked[:, _random_span(width, min(masks.feature_width, width), rng)] = 0.0
    return masked


def _random_span(length: int, max_width: int, rng: np.random.Generator) -> slice:
    """Return a random span of 0 to `max_width` of `length` positions."""
    width = int(rng.integers(0, max_width + 1))
    first = int(rng.integers(0, length - width + 1))
    return slice(first, first + width)


def mixup_weights(
    n_clips: int, settings: AugmentationSettings, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return each clip's weight in the mix with its partner, float32 ``[n_clips]`` in [0.5, 1].

    Drawn from ``Beta(mixup, mixup)``; the clip itself gets the larger weight. Ones where `mixup`
    is 0.
    """
    if settings.mixup == 0.0:
        return np.ones(n_clips, dtype=np.float32)
    weights = rng.beta(settings.mixup, settings.mixup, size=n_clips)
    return np.maximum(weights, 1.0 - weights).astype(np.float32)
