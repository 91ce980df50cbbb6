"""Confident learning: which labels the posteriors of others contradict.

After Northcutt, Jiang & Chuang (2021), "Confident learning: estimating uncertainty in dataset
labels", JAIR 70, 1373-1411. The posteriors must be out of fold: of models that did not learn from
the clip that they judge.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Probabilities = NDArray[np.float64]
Indices = NDArray[np.int64]
# Written with six digits, probabilities below that are 0.
_FLOOR = 1e-7


@dataclass(frozen=True, slots=True)
class LabelIssue:
    """A clip whose label is in doubt.

    Attributes
    ----------
    clip
        Its index among those judged.
    given, suggested
        The label that it has and the one that seems right, as indices of classes.
    given_probability, suggested_probability
        Of the two.
    """

    clip: int
    given: int
    suggested: int
    given_probability: float
    suggested_probability: float

    @property
    def margin(self) -> float:
        """By how much the suggestion is more probable than the label, at most 1."""
        return self.suggested_probability - self.given_probability

    @property
    def odds(self) -> float:
        """How many times as probable it is."""
        return max(self.suggested_probability, _FLOOR) / max(self.given_probability, _FLOOR)


def class_thresholds(probabilities: Probabilities, labels: Indices) -> NDArray[np.float64]:
    """Return the mean probability of each class for the clips labelled so, ``[n_classes]``.

    A class without clips has a threshold above 1, which nothing reaches.
    """
    n_classes = probabilities.shape[1]
    counts = np.bincount(labels, minlength=n_classes)
    own = probabilities[np.arange(len(labels)), labels]
    sums = np.bincount(labels, weights=own, minlength=n_classes)
    return np.where(counts > 0, sums / np.maximum(counts, 1), 2.0)


def confident_classes(probabilities: Probabilities, labels: Indices) -> Indices:
    """Return the class that each clip confidently belongs to, -1 where to none, ``[n_clips]``.

    Of the classes whose thresholds its probabilities reach, the most probable one.
    """
    thresholds = class_thresholds(probabilities, labels)
    # What an average of equal values loses to rounding.
    reaches = probabilities >= thresholds - 1e-12
    best = np.where(reaches, probabilities, -1.0).argmax(axis=1)
    return np.where(reaches.any(axis=1), best, -1)


def confident_joint(probabilities: Probabilities, labels: Indices) -> NDArray[np.int64]:
    """Return the clips counted by label and the class they confidently belong to.

    Returns
    -------
    ``[n_classes, n_classes]``; a row a label.
    """
    n_classes = probabilities.shape[1]
    true = confident_classes(probabilities, labels)
    counted = true >= 0
    joint = np.zeros((n_classes, n_classes), dtype=np.int64)
    np.add.at(joint, (labels[counted], true[counted]), 1)
    return joint


def estimated_joint(probabilities: Probabilities, labels: Indices) -> NDArray[np.float64]:
    """Return how many clips of each label are of each class, all clips counted.

    The rows of the confident joint, stretched to the number of clips of each label (equation 3 of
    the paper, times the number of clips); a label of which no clip is counted keeps its clips.
    """
    joint = confident_joint(probabilities, labels).astype(np.float64)
    counts = np.bincount(labels, minlength=len(joint))
    empty = joint.sum(axis=1) == 0
    joint[empty, empty] = 1.0
    stretched: NDArray[np.float64] = joint * (counts / joint.sum(axis=1))[:, None]
    return stretched


def find_label_issues(probabilities: Probabilities, labels: Indices) -> tuple[LabelIssue, ...]:
    """Return the clips whose label is in doubt, the surest first.

    Pruned by noise rate: for each label and each other class, as many clips as the estimated joint
    has there, those whose probability of the class is furthest above that of the label, if it is
    above at all. Ordered by the odds of the suggestion against the label.

    Parameters
    ----------
    probabilities
        Out-of-fold posteriors, ``[n_clips, n_classes]``.
    labels
        The given ones, ``[n_clips]``.
    """
    joint = estimated_joint(probabilities, labels)
    own = probabilities[np.arange(len(labels)), labels]
    doubted: set[int] = set()
    for given in range(len(joint)):
        members = np.flatnonzero(labels == given)
        for other in range(len(joint)):
            # Half a clip and more is one.
            count = int(np.floor(joint[given, other] + 0.5))
            if other == given or count == 0:
                continue
            margins = probabilities[members, other] - own[members]
            first = np.argsort(-margins, kind="stable")[:count]
            doubted.update(int(i) for i in members[first[margins[first] > 0.0]])
    issues = [_issue(clip, probabilities[clip], int(labels[clip])) for clip in sorted(doubted)]
    return tuple(sorted(issues, key=lambda issue: -issue.odds))


def _issue(clip: int, probabilities: Probabilities, given: int) -> LabelIssue:
    suggested = int(np.argmax(probabilities))
    return LabelIssue(
        clip, given, suggested, float(probabilities[given]), float(probabilities[suggested])
    )


def label_indices(labels: Sequence[str], classes: Sequence[str]) -> Indices:
    """Return labels as their indices among the classes, ``[n_clips]``."""
    index = {label: number for number, label in enumerate(classes)}
    return np.array([index[label] for label in labels], dtype=np.int64)
