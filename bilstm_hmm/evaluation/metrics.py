"""Scores of a classifier over integer class indices; accuracies, F1 and recalls in percent."""

from collections.abc import Callable, Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Speakers from which on an interval over them is given. With five, even a difference that has the
#: same sign for each of them comes about by chance in 2 / 2**5 = 6 % of cases, with six in 3 %.
MIN_SPEAKERS = 6

Metric = Callable[[NDArray[np.int64], NDArray[np.int64]], float]


def confusion_matrix(truth: ArrayLike, predicted: ArrayLike, n_classes: int) -> NDArray[np.int64]:
    """Return counts, int64 ``[n_classes, n_classes]``: a row a true class, a column a predicted.

    Raises
    ------
    ValueError
        There are no clips, the two lengths differ, or an index is not below `n_classes`.
    """
    true, guess = _checked(truth, predicted)
    if max(true.max(), guess.max()) >= n_classes:
        raise ValueError(f"a class index is not below {n_classes}")
    counts = np.bincount(true * n_classes + guess, minlength=n_classes**2)
    return counts.reshape(n_classes, n_classes).astype(np.int64)


def class_recalls(truth: ArrayLike, predicted: ArrayLike, n_classes: int) -> NDArray[np.float64]:
    """Return each class's recall in percent, ``[n_classes]``; NaN where truth has none of it."""
    counts = confusion_matrix(truth, predicted, n_classes)
    totals = counts.sum(axis=1)
    recalls = np.full(n_classes, np.nan)
    np.divide(100.0 * counts.diagonal(), totals, out=recalls, where=totals > 0)
    return recalls


def unweighted_accuracy(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Return UA (UAR, balanced accuracy) in percent: the mean recall of the classes in truth."""
    true, guess = _checked(truth, predicted)
    return float(np.nanmean(class_recalls(true, guess, _n_classes(true, guess))))


def weighted_accuracy(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Return WA in percent: the fraction of clips labelled right."""
    true, guess = _checked(truth, predicted)
    return float(100.0 * np.mean(true == guess))


def macro_f1(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Return the mean F1 in percent over the classes in truth or in the predictions."""
    true, guess = _checked(truth, predicted)
    counts = confusion_matrix(true, guess, _n_classes(true, guess))
    # F1 = 2 hits / (truths + predictions) of a class.
    totals = counts.sum(axis=0) + counts.sum(axis=1)
    present = totals > 0
    return float(100.0 * np.mean(2.0 * counts.diagonal()[present] / totals[present]))


def expected_calibration_error(probabilities: ArrayLike, truth: ArrayLike, bins: int = 15) -> float:
    """Return the ECE, a fraction from 0 (calibrated) to 1.

    The mean distance between confidence (the largest probability) and accuracy over `bins` equal
    bins of confidence, weighted by the clips in each: C. Guo et al., "On calibration of modern
    neural networks", ICML 2017. `probabilities` is ``[n_clips, n_classes]``.
    """
    confidence, accuracy, fraction = calibration_curve(probabilities, truth, bins)
    filled = fraction > 0
    return float(np.sum(fraction[filled] * np.abs(confidence[filled] - accuracy[filled])))


def log_loss(probabilities: ArrayLike, truth: ArrayLike) -> float:
    """Return the mean negative log-probability of the true class, in nats.

    `probabilities` is ``[n_clips, n_classes]``; none counts as less than 1e-12.
    """
    values, true = np.asarray(probabilities, dtype=np.float64), np.asarray(truth, dtype=np.int64)
    return float(-np.log(np.maximum(values[np.arange(len(true)), true], 1e-12)).mean())


def calibration_curve(
    probabilities: ArrayLike, truth: ArrayLike, bins: int = 15
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return mean confidence, accuracy and fraction of clips of each bin, three times ``[bins]``.

    All three are fractions; the first two are NaN in an empty bin. A confidence on the edge of
    two bins counts in the lower.
    """
    values = np.asarray(probabilities, dtype=np.float64)
    true, guess = _checked(truth, values.argmax(axis=1))
    top = values.max(axis=1)
    index = np.clip(np.ceil(top * bins).astype(np.int64) - 1, 0, bins - 1)
    counts = np.bincount(index, minlength=bins)
    confidence, accuracy = np.full(bins, np.nan), np.full(bins, np.nan)
    filled = counts > 0
    np.divide(np.bincount(index, top, bins), counts, out=confidence, where=filled)
    np.divide(np.bincount(index, true == guess, bins), counts, out=accuracy, where=filled)
    return confidence, accuracy, counts / len(true)


def bootstrap_interval(
    metric: Metric,
    truth: ArrayLike,
    predicted: ArrayLike,
    groups: Sequence[Hashable],
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """Return the 95 % percentile interval of `metric`, resampling whole groups (speakers).

    Clips of one speaker are alike, so that resampling clips would call the score surer than it
    is. With a single speaker there is nothing to resample and both ends are the score itself.
    """
    true, guess = _checked(truth, predicted)
    draws = _draws(groups, len(true), resamples, seed)
    scores = [metric(true[clips], guess[clips]) for clips in draws]
    low, high = np.percentile(scores, [2.5, 97.5])
    return float(low), float(high)


def paired_bootstrap(
    metric: Metric,
    truth: ArrayLike,
    predicted_a: ArrayLike,
    predicted_b: ArrayLike,
    groups: Sequence[Hashable],
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> tuple[float, float, float]:
    """Return `metric` of a less that of b on the same clips, and the 95 % interval of it.

    Both systems are scored on each resample of whole groups (speakers); an interval that does
    not reach zero means that the difference is more than the choice of speakers.
    """
    true, guess_a = _checked(truth, predicted_a)
    _, guess_b = _checked(truth, predicted_b)
    draws = _draws(groups, len(true), resamples, seed)
    differences = [metric(true[i], guess_a[i]) - metric(true[i], guess_b[i]) for i in draws]
    low, high = np.percentile(differences, [2.5, 97.5])
    return metric(true, guess_a) - metric(true, guess_b), float(low), float(high)


def reported_interval(
    interval: Sequence[float], speakers: Sequence[Hashable]
) -> list[float] | None:
    """Return an interval over speakers as a report has it: two decimals, None for too few.

    Parameters
    ----------
    speakers
        Of each clip. Fewer than `MIN_SPEAKERS` different ones tell nothing of others.
    """
    if len(set(speakers)) < MIN_SPEAKERS:
        return None
    return [round(float(end), 2) for end in interval]


def _draws(
    groups: Sequence[Hashable], n_clips: int, resamples: int, seed: int
) -> list[NDArray[np.int64]]:
    """Return the clip indices of each resample: as many groups as there are, with replacement."""
    if len(groups) != n_clips:
        raise ValueError(f"{len(groups)} groups for {n_clips} clips")
    members: dict[Hashable, list[int]] = {}
    for clip, group in enumerate(groups):
        members.setdefault(group, []).append(clip)
    clips = [np.array(indices, dtype=np.int64) for indices in members.values()]
    picks = np.random.default_rng(seed).integers(len(clips), size=(resamples, len(clips)))
    return [np.concatenate([clips[group] for group in pick]) for pick in picks]


def _checked(truth: ArrayLike, predicted: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    true, guess = np.asarray(truth, dtype=np.int64), np.asarray(predicted, dtype=np.int64)
    if true.ndim != 1 or true.shape != guess.shape or len(true) == 0:
        raise ValueError(f"truth {true.shape} and predictions {guess.shape} differ or are empty")
    if min(true.min(), guess.min()) < 0:
        raise ValueError("class indices start at 0")
    return true, guess


def _n_classes(truth: NDArray[np.int64], predicted: NDArray[np.int64]) -> int:
    return int(max(truth.max(), predicted.max())) + 1
