"""The timeline's numbers are the best of those tried on simulated recordings."""

import numpy as np
import pytest

from bilstm_hmm.arrays import FloatArray, FloatMatrix, Indices
from bilstm_hmm.config.schema import TimelineSettings
from bilstm_hmm.timeline import fit as timeline_fit
from bilstm_hmm.timeline.composite_hmm import apply_temperature, build_composite
from bilstm_hmm.timeline.decoding import posteriors, viterbi
from bilstm_hmm.timeline.fit import (
    EXPECTED_DURATIONS,
    INVERSE_TEMPERATURES,
    MEDIAN_WIDTHS,
    MIN_DURATIONS,
    SEGMENT_RATIOS,
    Candidate,
    Trial,
    error_and_segment_ratio,
    fit_inverse_temperature,
    fit_median_width,
    fit_timeline,
    grid_search,
    select,
)
from bilstm_hmm.timeline.median_filter import median_labels
from bilstm_hmm.timeline.parameters import TimelineParameters
from tests.bilstm_hmm.timeline.made_scores import CLASSES, Outputs, outputs, simulated

RATE = 12.5
CANDIDATE = Candidate(strength=16.0, hmm_fraction=0.25, expected_duration=4.0, min_duration=0.8)


def fit(made: Outputs, seed: int = 1, **durations: float) -> TimelineParameters:
    fitted = fit_timeline(
        made.frame_logits,
        made.frame_log_likelihoods,
        made.labels,
        made.speakers,
        CLASSES,
        RATE,
        TimelineSettings(**durations),
        seed,
    )
    assert fitted is not None
    return fitted


def decode(scores: FloatArray, candidate: Candidate = CANDIDATE) -> Indices:
    """The best path of a recording ``[T, E]``."""
    return viterbi(candidate.composite(3, RATE), scores[:, None])[:, 0]


def curve(scores: FloatArray, power: float) -> FloatMatrix:
    composite = apply_temperature(CANDIDATE.composite(3, RATE), power)
    return posteriors(composite, power * scores[:, None].astype(np.float64))[:, 0]


def test_what_is_fitted_is_of_use_to_new_speakers() -> None:
    """The timeline of recordings it was not fitted on is nearer to the truth than their frames."""
    fitted = fit(outputs())
    recordings = simulated(outputs(seed=7), seed=3)
    composite = build_composite(np.full(3, 1 / 3), RATE, fitted.with_durations(TimelineSettings()))
    wrong = {"frames": 0, "timeline": 0}
    segments = np.zeros(2)
    for column, length in enumerate(recordings.lengths):
        truth = recordings.labels[:length, column]
        logits = recordings.frame_logits[:length, column] * recordings.logit_std
        log_likelihoods = (
            recordings.frame_log_likelihoods[:length, column] * recordings.log_likelihood_std
        )
        scores = fitted.combine_scores(logits, log_likelihoods)
        path = viterbi(composite, scores[:, None])[:, 0]
        wrong["frames"] += np.count_nonzero(logits.argmax(axis=1) != truth)
        wrong["timeline"] += np.count_nonzero(path != truth)
        segments += [1 + np.count_nonzero(np.diff(labels)) for labels in (path, truth)]
    assert wrong["timeline"] < 0.25 * wrong["frames"]
    assert 0.85 < segments[0] / segments[1] < 1.15


@pytest.mark.parametrize(("logits", "hmms"), [(1.0, 0.0), (0.0, 1.0), (0.8, 0.8)])
def test_scores_that_say_nothing_get_no_weight(logits: float, hmms: float) -> None:
    fitted = fit(outputs(logits=logits, hmms=hmms))
    assert bool(fitted.logit_weight) is bool(logits)
    assert bool(fitted.hmm_weight) is bool(hmms)


def test_the_setting_that_is_kept_is_the_best_tried() -> None:
    made = outputs()
    recordings = simulated(made)
    trials = grid_search(recordings, RATE, TimelineSettings())
    assert len({trial.candidate for trial in trials}) == len(trials) == 225
    fitting = [t for t in trials if SEGMENT_RATIOS[0] <= t.segment_ratio <= SEGMENT_RATIOS[1]]
    best = min(fitting, key=lambda trial: trial.error).candidate
    strength, fraction = best.strength, best.hmm_fraction
    fitted = fit(made)
    assert fitted == TimelineParameters(
        logit_weight=pytest.approx(strength * (1 - fraction) / RATE / recordings.logit_std),
        hmm_weight=pytest.approx(strength * fraction / RATE / recordings.log_likelihood_std),
        expected_duration=best.expected_duration,
        min_duration=best.min_duration,
        inverse_temperature=fit_inverse_temperature(recordings, RATE, best),
        median_width=fit_median_width(recordings, RATE),
    )
    assert fit(made) == fitted
    assert best.expected_duration in EXPECTED_DURATIONS
    assert best.min_duration in MIN_DURATIONS


def test_each_trial_is_what_its_candidate_does_alone() -> None:
    recordings = simulated(outputs())
    settings = TimelineSettings(expected_duration=4.0, min_duration=0.8)
    trials = grid_search(recordings, RATE, settings)
    assert len(trials) == 25
    for trial in trials[::4]:
        scores = trial.candidate.scores(recordings, RATE)
        paths = np.full(recordings.labels.shape, -1)
        for column, length in enumerate(recordings.lengths):
            paths[:length, column] = decode(scores[:length, column], trial.candidate)
        expected = error_and_segment_ratio(paths, recordings.labels, recordings.mask)
        assert (trial.error, trial.segment_ratio) == expected


def test_a_candidate_mixes_both_scores() -> None:
    recordings = simulated(outputs())
    found = CANDIDATE.scores(recordings, RATE)
    assert found.dtype == np.float32
    expected = (
        16.0 / RATE * (0.75 * recordings.frame_logits + 0.25 * recordings.frame_log_likelihoods)
    )
    np.testing.assert_allclose(found, expected, atol=1e-5)
    composite = CANDIDATE.composite(3, RATE)
    assert composite.min_frames == 10
    np.testing.assert_allclose(np.exp(composite.log_initial), 1 / 3)


def test_settings_are_tried_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    recordings = simulated(outputs())
    settings = TimelineSettings(expected_duration=4.0)
    together = grid_search(recordings, RATE, settings)
    shapes = []

    def watched(composite, scores, lengths):  # type: ignore[no-untyped-def]
        shapes.append(scores.shape)
        return viterbi(composite, scores, lengths)

    monkeypatch.setattr(timeline_fit, "viterbi", watched)
    monkeypatch.setattr(timeline_fit, "_MAX_BATCH", 7 * recordings.frame_logits.size)
    parts = grid_search(recordings, RATE, settings)
    assert {trial.candidate: trial for trial in parts} == {t.candidate: t for t in together}
    assert len(parts) == len(together) == 75
    count = len(recordings.lengths)
    # Three durations each for 7, 7, 7 and the last 4 of 25 weights.
    assert [shape[1] for shape in shapes] == [n * count for n in (7, 7, 7, 4) for _ in range(3)]


def test_durations_that_are_given_are_kept() -> None:
    assert fit(outputs(), expected_duration=3.3).expected_duration == 3.3
    fitted = fit(outputs(), expected_duration=3.3, min_duration=0.7)
    assert (fitted.expected_duration, fitted.min_duration) == (3.3, 0.7)


def test_speakers_of_one_emotion_leave_nothing_to_fit_on() -> None:
    made = outputs()
    labels = np.ones_like(made.labels)
    fitted = fit_timeline(
        made.frame_logits,
        made.frame_log_likelihoods,
        labels,
        made.speakers,
        CLASSES,
        RATE,
        TimelineSettings(),
        1,
    )
    assert fitted is None


def test_errors_and_segments_are_counted_over_what_there_is() -> None:
    truth = np.array([[0, 1], [0, 1], [1, 1], [1, -1]], np.int8)
    paths = np.array([[0, 1], [1, 0], [0, 1], [1, 2]])
    # Three of seven frames are wrong; 4 + 3 segments for 2 + 1.
    found = error_and_segment_ratio(paths, truth, truth >= 0)
    assert found == (pytest.approx(3 / 7), pytest.approx(7 / 3))
    assert error_and_segment_ratio(truth, truth, truth >= 0) == (0.0, 1.0)


def test_segments_come_before_a_hair_of_error() -> None:
    flicker, coarse = Trial(CANDIDATE, 0.20, 2.5), Trial(CANDIDATE, 0.21, 0.5)
    fine, right = Trial(CANDIDATE, 0.23, 1.05), Trial(CANDIDATE, 0.22, 0.95)
    assert select([flicker, coarse, fine, right]) is right
    assert select([coarse, flicker]) is flicker
    for ratio in SEGMENT_RATIOS:
        edge = Trial(CANDIDATE, 0.3, ratio)
        assert select([flicker, edge]) is edge


def test_confidences_are_as_sure_as_they_are_right() -> None:
    """Here whole clips are right or wrong, whatever their length, as with a real network."""
    rng = np.random.default_rng(3)
    made = outputs(logits=0.0, hmms=0.0)
    for logits, label in zip(made.frame_logits, made.labels, strict=True):
        predicted = label if rng.random() < 0.6 else rng.integers(3)
        logits[:, predicted] += 1.5
    recordings = simulated(made)
    power = fit_inverse_temperature(recordings, RATE, CANDIDATE)
    assert INVERSE_TEMPERATURES[-1] < power < INVERSE_TEMPERATURES[0]
    scores = CANDIDATE.scores(recordings, RATE)
    right, confidences = [], []
    for column, length in enumerate(recordings.lengths):
        path = decode(scores[:length, column])
        probabilities = curve(scores[:length, column], power)
        right.extend(path == recordings.labels[:length, column])
        confidences.extend(probabilities[np.arange(length), path])
    assert np.mean(confidences) == pytest.approx(np.mean(right), abs=0.12)


@pytest.mark.parametrize("enough", [1, 500, 8000])
def test_the_temperature_is_the_best_of_those_tried(
    enough: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On as many recordings as have frames enough."""
    monkeypatch.setattr(timeline_fit, "CALIBRATION_FRAMES", enough)
    recordings = simulated(outputs(logits=0.3, hmms=0.3))
    scores = CANDIDATE.scores(recordings, RATE)
    losses = np.zeros(len(INVERSE_TEMPERATURES))
    frames = 0
    for column, length in enumerate(recordings.lengths):
        if frames < enough:
            labels = recordings.labels[:length, column]
            for place, power in enumerate(INVERSE_TEMPERATURES):
                probabilities = curve(scores[:length, column], power)
                losses[place] -= np.log(probabilities[np.arange(length), labels]).sum()
        frames += length
    expected = INVERSE_TEMPERATURES[int(losses.argmin())]
    assert fit_inverse_temperature(recordings, RATE, CANDIDATE) == expected


def test_frames_that_are_never_wrong_are_believed() -> None:
    recordings = simulated(outputs(logits=9.0))
    assert fit_inverse_temperature(recordings, RATE, CANDIDATE) == 1.0


def test_the_width_is_the_best_of_those_tried() -> None:
    recordings = simulated(outputs(logits=0.7))
    errors = []
    for width in MEDIAN_WIDTHS:
        wrong = [
            median_labels(
                recordings.frame_logits[:length, column] * np.float32(recordings.logit_std),
                RATE,
                width,
            )
            != recordings.labels[:length, column]
            for column, length in enumerate(recordings.lengths)
        ]
        errors.append(np.concatenate(wrong).mean())
    expected = MEDIAN_WIDTHS[int(np.argmin(errors))]
    assert fit_median_width(recordings, RATE) == expected
    assert MEDIAN_WIDTHS[0] < expected < MEDIAN_WIDTHS[-1]
