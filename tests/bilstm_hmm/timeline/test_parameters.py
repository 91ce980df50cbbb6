"""What was fitted of a timeline: stored beside other things, and put to use on frames."""

import numpy as np

from bilstm_hmm.config.schema import TimelineSettings
from bilstm_hmm.timeline.parameters import TimelineParameters

FITTED = TimelineParameters(
    logit_weight=0.25,
    hmm_weight=0.5,
    expected_duration=3.0,
    min_duration=0.8,
    inverse_temperature=0.25,
    median_width=1.5,
)


def test_it_comes_back_from_among_other_arrays() -> None:
    arrays = {"weights": np.ones(2), **FITTED.to_arrays()}
    assert TimelineParameters.from_arrays(arrays) == FITTED
    del arrays["weights"]
    # The keys of the files that are out there.
    assert {key: float(array) for key, array in arrays.items()} == {
        "timeline_logits": 0.25,
        "timeline_told": 0.5,
        "timeline_dwell": 3.0,
        "timeline_minimum": 0.8,
        "timeline_sureness": 0.25,
        "timeline_median": 1.5,
    }


def test_the_json_of_an_evaluation_has_the_names_of_before() -> None:
    assert FITTED.to_dict() == {
        "logits": 0.25,
        "told": 0.5,
        "dwell": 3.0,
        "minimum": 0.8,
        "sureness": 0.25,
        "median": 1.5,
    }


def test_an_older_model_has_none() -> None:
    assert TimelineParameters.from_arrays({"weights": np.ones(2)}) is None


def test_evidence_is_the_weighted_sum_centred() -> None:
    rng = np.random.default_rng(0)
    frame, told = rng.normal(size=(2, 7, 4)).astype(np.float32)
    found = FITTED.combine_scores(frame, told)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.sum(axis=1), 0.0, atol=1e-6)
    expected = 0.25 * frame + 0.5 * told
    np.testing.assert_allclose(np.diff(found, axis=1), np.diff(expected, axis=1), atol=1e-6)
    # What all emotions have in common in a frame says nothing.
    np.testing.assert_allclose(FITTED.combine_scores(frame + 5.0, told - 90.0), found, atol=1e-4)


def test_durations_that_are_given_come_first() -> None:
    open_, given = TimelineSettings(utterance_duration=5.0), TimelineSettings(expected_duration=9.0)
    assert FITTED.with_durations(open_) == TimelineSettings(
        expected_duration=3.0, min_duration=0.8, utterance_duration=5.0
    )
    assert FITTED.with_durations(given) == TimelineSettings(expected_duration=9.0, min_duration=0.8)
