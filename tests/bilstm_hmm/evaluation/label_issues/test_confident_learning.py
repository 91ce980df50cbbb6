"""Confident learning on cases worked out by hand, and against the authors' own library."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bilstm_hmm.evaluation.label_issues.confident_learning import (
    class_thresholds,
    confident_classes,
    confident_joint,
    estimated_joint,
    find_label_issues,
    label_indices,
)

# Two classes. Clips 0 to 3 are labelled 0, and 3 is rather a 1; clips 4 to 6 are labelled 1.
POSTERIORS = np.array(
    [[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.1, 0.9], [0.3, 0.7], [0.2, 0.8], [0.4, 0.6]]
)
LABELS = np.array([0, 0, 0, 0, 1, 1, 1])


def test_thresholds_are_the_mean_confidence_in_a_label() -> None:
    assert class_thresholds(POSTERIORS, LABELS) == pytest.approx([0.625, 0.7])


def test_a_clip_counts_where_its_class_is_as_probable_as_usual() -> None:
    # 0.6 for the last is below the 0.7 of its class.
    assert confident_classes(POSTERIORS, LABELS).tolist() == [0, 0, 0, 1, 1, 1, -1]
    assert confident_joint(POSTERIORS, LABELS).tolist() == [[3, 1], [0, 2]]


def test_the_joint_is_stretched_to_all_clips_of_a_label() -> None:
    assert estimated_joint(POSTERIORS, LABELS) == pytest.approx(np.array([[3.0, 1.0], [0.0, 3.0]]))


def test_the_clip_in_doubt_is_found_with_what_is_suggested() -> None:
    (issue,) = find_label_issues(POSTERIORS, LABELS)
    assert (issue.clip, issue.given, issue.suggested) == (3, 0, 1)
    assert (issue.given_probability, issue.suggested_probability) == (0.1, 0.9)
    assert issue.margin == pytest.approx(0.8)
    assert issue.odds == pytest.approx(9.0)


def test_the_surest_come_first() -> None:
    posteriors = np.array(
        [[0.9, 0.1]] * 8 + [[0.2, 0.8], [0.05, 0.95], [0.1, 0.9]] + [[0.3, 0.7]] * 8
    )
    labels = np.array([0] * 11 + [1] * 8)
    assert [issue.clip for issue in find_label_issues(posteriors, labels)] == [9, 10, 8]


def test_the_library_of_the_authors_finds_the_same() -> None:
    # cleanlab 2.9.0: compute_confident_joint(calibrate=False), and find_label_issues with
    # filter_by="prune_by_noise_rate".
    clips, classes = np.arange(60), np.arange(3)
    labels = clips * 7 % 3
    true = (clips * 7 + (clips % 9 == 4)) % 3
    scores = 2 * np.sin(7.13 * clips[:, None] + 3.7 * classes) + 2.0 * (classes == true[:, None])
    posteriors = np.exp(scores)
    posteriors /= posteriors.sum(axis=1, keepdims=True)
    assert confident_joint(posteriors, labels).tolist() == [[11, 6, 0], [0, 10, 5], [0, 8, 10]]
    assert sorted(issue.clip for issue in find_label_issues(posteriors, labels)) == [
        *(1, 5, 6, 11, 12, 16, 20, 21, 22, 26, 27, 31, 35, 36, 40, 41, 42, 50, 52, 56, 57, 58)
    ]


@given(st.integers(0, 2**32 - 1), st.integers(2, 5), st.integers(1, 60))
def test_it_holds_of_any_posteriors(seed: int, n_classes: int, n_clips: int) -> None:
    rng = np.random.default_rng(seed)
    posteriors = rng.dirichlet(np.full(n_classes, 0.4), n_clips)
    labels = rng.integers(n_classes, size=n_clips)
    joint = estimated_joint(posteriors, labels)
    assert joint.sum(axis=1) == pytest.approx(np.bincount(labels, minlength=n_classes))
    issues = find_label_issues(posteriors, labels)
    assert len({issue.clip for issue in issues}) == len(issues)
    for issue in issues:
        assert issue.given == labels[issue.clip] != issue.suggested
        assert issue.margin > 0.0


def test_posteriors_that_agree_are_never_in_doubt() -> None:
    labels = np.arange(12) % 3
    assert find_label_issues(np.eye(3)[labels], labels) == ()


def test_labels_become_indices() -> None:
    assert label_indices(["sad", "happy", "sad"], ("happy", "sad")).tolist() == [1, 0, 1]
