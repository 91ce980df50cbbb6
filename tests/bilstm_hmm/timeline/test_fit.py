"""The timeline's numbers come from turns of training speakers, and are the best of those tried."""

from dataclasses import dataclass
from itertools import groupby

import numpy as np
import pytest

from bilstm_hmm.config.schema import TimelineSettings
from bilstm_hmm.inference.recording_timeline import decode
from bilstm_hmm.timeline import fit as timeline_fit
from bilstm_hmm.timeline.composite_hmm import build_composite
from bilstm_hmm.timeline.fit import (
    DWELLS,
    MINIMA,
    RATIOS,
    SURENESSES,
    WIDTHS,
    Candidate,
    SimulatedRecordings,
    error_and_segment_ratio,
    fit_inverse_temperature,
    fit_median_width,
    fit_timeline,
    grid_search,
    select,
    simulate_recordings,
)
from bilstm_hmm.timeline.median_filter import median_labels
from bilstm_hmm.timeline.parameters import TimelineParameters

CLASSES = ("neutral", "happy", "sad")
RATE = 12.5


@dataclass(frozen=True)
class Outputs:
    """Made-up outputs of 60 clips of five speakers; every frame tells who and what it is of."""

    logits: list[np.ndarray]
    told: list[np.ndarray]
    labels: np.ndarray
    speakers: np.ndarray


def outputs(seed: int = 0, logits: float = 1.0, told: float = 1.0) -> Outputs:
    """With weights of what is true in the two of them, in noise."""
    rng = np.random.default_rng(seed)
    labels, speakers = np.arange(60) % 3, np.arange(60) // 12
    frames = [int(rng.integers(15, 40)) for _ in labels]

    def noisy(weight: float) -> list[np.ndarray]:
        return [
            (weight * np.eye(3)[label] + rng.normal(size=(length, 3))).astype(np.float32)
            for label, length in zip(labels, frames, strict=True)
        ]

    return Outputs(noisy(logits), noisy(told), labels, speakers)


def fit(made: Outputs, seed: int = 1, **durations: float) -> TimelineParameters | None:
    return fit_timeline(
        made.logits,
        made.told,
        made.labels,
        made.speakers,
        CLASSES,
        RATE,
        TimelineSettings(**durations),
        seed,
    )


def composed(made: Outputs, seed: int = 1) -> SimulatedRecordings:
    found = simulate_recordings(made.logits, made.told, made.labels, made.speakers, CLASSES, seed)
    assert found is not None
    return found


def test_turns_are_made_of_whole_clips_of_one_speaker() -> None:
    made = outputs()
    numbered = [np.full((len(o), 3), 0.0, np.float32) for o in made.logits]
    for clip, values in enumerate(numbered):
        values[:] = [clip, 0.0, -clip]  # centred already: the clip can be told from it
    turns = simulate_recordings(numbered, made.told, made.labels, made.speakers, CLASSES, 1)
    assert turns is not None
    assert turns.logits.shape == turns.told.shape == (max(turns.lengths), len(turns.lengths), 3)
    assert len(turns.lengths) == 5 * timeline_fit.RECORDINGS
    for place, length in enumerate(turns.lengths):
        assert (turns.truth[:length, place] >= 0).all()
        assert (turns.truth[length:, place] == -1).all()
        assert not turns.logits[length:, place].any()
        assert not turns.told[length:, place].any()
        clips = np.round(turns.logits[:length, place, 0] * turns.units[0]).astype(int)
        whole = []
        for clip, frames in groupby(clips):
            count = len(list(frames))
            assert count % len(made.logits[clip]) == 0  # twice where it comes again
            whole.extend([clip] * (count // len(made.logits[clip])))
        np.testing.assert_array_equal(turns.truth[:length, place], made.labels[clips])
        assert len(set(made.speakers[whole])) == 1
        said = [CLASSES[label] for label, _ in groupby(turns.truth[:length, place])]
        assert set(said[1::2]) == {"neutral"}
        assert 3 <= len(said[::2]) <= 8
    first = np.round(turns.logits[0, :, 0] * turns.units[0]).astype(int)
    assert set(made.speakers[first]) == set(range(5))


def test_both_sources_are_centred_and_in_their_own_units() -> None:
    made = outputs()
    louder = [100.0 * told + 7.0 for told in made.told]
    turns = composed(made)
    other = simulate_recordings(made.logits, louder, made.labels, made.speakers, CLASSES, 1)
    assert other is not None
    np.testing.assert_allclose(other.told, turns.told, atol=1e-4)
    assert other.units[1] == pytest.approx(100.0 * turns.units[1], rel=1e-4)
    spoken = turns.truth >= 0
    for values in (turns.logits, turns.told):
        np.testing.assert_allclose(values.sum(axis=2), 0.0, atol=1e-5)
        assert values[spoken].std() == pytest.approx(1.0, abs=1e-4)


def test_no_more_is_composed_than_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeline_fit, "MOST_FRAMES", 1200)
    turns = composed(outputs())
    assert 1200 <= turns.lengths.sum() < 1200 + turns.lengths.max()


def test_what_is_fitted_is_of_use_to_new_speakers() -> None:
    """The timeline of turns it was not fitted on is nearer to the truth than their frames are."""
    fitted = fit(outputs())
    assert fitted is not None
    turns = composed(outputs(seed=7), seed=3)
    wrong = {"frames": 0, "timeline": 0}
    found = true = 0
    for place, length in enumerate(turns.lengths):
        logits = turns.logits[:length, place] * np.float32(turns.units[0])
        told = turns.told[:length, place] * np.float32(turns.units[1])
        composite = build_composite(
            np.full(3, 1 / 3), RATE, fitted.with_durations(TimelineSettings())
        )
        ((said, _),) = decode(composite, fitted.combine_scores(logits, told))
        truth = turns.truth[:length, place]
        wrong["frames"] += np.count_nonzero(logits.argmax(axis=1) != truth)
        wrong["timeline"] += np.count_nonzero(said != truth)
        found += 1 + np.count_nonzero(np.diff(said))
        true += 1 + np.count_nonzero(np.diff(truth))
    assert wrong["timeline"] < 0.25 * wrong["frames"]
    assert 0.85 < found / true < 1.15


@pytest.mark.parametrize(("logits", "told"), [(1.0, 0.0), (0.0, 1.0), (0.8, 0.8)])
def test_a_source_that_tells_nothing_gets_no_weight(logits: float, told: float) -> None:
    fitted = fit(outputs(logits=logits, told=told))
    assert fitted is not None
    assert bool(fitted.logit_weight) is bool(logits)
    assert bool(fitted.hmm_weight) is bool(told)


def test_the_setting_that_is_kept_is_the_best_tried() -> None:
    made = outputs()
    turns = composed(made)
    found = grid_search(turns, RATE, TimelineSettings())
    assert len(found) == 225
    assert len({trial.fitted for trial in found}) == 225
    fitting = [trial for trial in found if RATIOS[0] <= trial.ratio <= RATIOS[1]]
    best = min(fitting, key=lambda trial: trial.error)
    fitted = fit(made)
    assert fitted is not None
    strength, share, dwell, minimum = best.fitted
    assert fitted == TimelineParameters(
        logit_weight=pytest.approx(strength * (1 - share) / RATE / turns.units[0]),
        hmm_weight=pytest.approx(strength * share / RATE / turns.units[1]),
        expected_duration=dwell,
        min_duration=minimum,
        inverse_temperature=fit_inverse_temperature(turns, RATE, best),
        median_width=fit_median_width(turns, RATE),
    )
    assert fit(made) == fitted
    assert (dwell, minimum) in {(d, m) for d in DWELLS for m in MINIMA}


def test_settings_are_tried_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = composed(outputs())
    together = grid_search(turns, RATE, TimelineSettings(expected_duration=4.0))
    monkeypatch.setattr(timeline_fit, "_AT_ONCE", 7 * turns.logits.size)
    parts = grid_search(turns, RATE, TimelineSettings(expected_duration=4.0))
    by_setting = {trial.fitted: trial for trial in parts}
    assert len(by_setting) == len(together) == 75
    for trial in together:
        assert by_setting[trial.fitted] == trial


def test_durations_that_are_given_are_kept() -> None:
    fitted = fit(outputs(), expected_duration=3.3)
    assert fitted is not None
    assert fitted.expected_duration == 3.3
    fitted = fit(outputs(), expected_duration=3.3, min_duration=0.7)
    assert fitted is not None
    assert (fitted.expected_duration, fitted.min_duration) == (3.3, 0.7)


def test_a_speaker_of_one_emotion_tells_nothing() -> None:
    made = outputs()
    only = made.labels == 1
    assert (
        fit_timeline(
            [o for o, kept in zip(made.logits, only, strict=True) if kept],
            [o for o, kept in zip(made.told, only, strict=True) if kept],
            made.labels[only],
            made.speakers[only],
            CLASSES,
            RATE,
            TimelineSettings(),
            1,
        )
        is None
    )


def test_errors_and_segments_are_counted_over_what_is_spoken() -> None:
    truth = np.array([[0, 1], [0, 1], [1, 1], [1, -1]], np.int8)
    paths = np.array([[0, 1], [1, 0], [0, 1], [1, 2]], np.int8)
    # Three of seven frames are wrong; 4 + 3 segments for 2 + 1.
    assert error_and_segment_ratio(paths, truth) == (pytest.approx(3 / 7), pytest.approx(7 / 3))
    assert error_and_segment_ratio(truth, truth) == (0.0, 1.0)


def test_segments_come_before_a_hair_of_error() -> None:
    flicker = Candidate((1.0, 0.0, 2.0, 0.4), 0.20, 2.5)
    coarse = Candidate((2.0, 0.0, 2.0, 0.4), 0.21, 0.5)
    right = Candidate((3.0, 0.0, 2.0, 0.4), 0.22, 1.05)
    assert select([flicker, coarse, right]) is right
    assert select([flicker, coarse]) is flicker


def test_confidences_are_as_sure_as_they_are_right() -> None:
    """Here whole clips are right or wrong, whatever their length, as with a real network."""
    rng = np.random.default_rng(3)
    made = outputs(logits=0.0, told=0.0)
    for logits, label in zip(made.logits, made.labels, strict=True):
        heard = label if rng.random() < 0.6 else rng.integers(3)
        logits[:, heard] += 1.5
    turns = composed(made)
    trial = Candidate((16.0, 0.0, 4.0, 0.8), 0.0, 1.0)
    sureness = fit_inverse_temperature(turns, RATE, trial)
    assert SURENESSES[-1] < sureness < SURENESSES[0]
    right, said = [], []
    for place, length in enumerate(turns.lengths):
        evidence = 16.0 / RATE * turns.logits[:length, place]
        composite = build_composite(
            np.full(3, 1 / 3), RATE, TimelineSettings(expected_duration=4.0, min_duration=0.8)
        )
        ((path, posteriors),) = decode(composite, evidence, sureness)
        right.extend(path == turns.truth[:length, place])
        said.extend(posteriors[np.arange(length), path])
    assert np.mean(said) == pytest.approx(np.mean(right), abs=0.12)


def test_frames_that_are_never_wrong_are_believed() -> None:
    turns = composed(outputs(logits=9.0))
    assert fit_inverse_temperature(turns, RATE, Candidate((8.0, 0.0, 4.0, 0.8), 0.0, 1.0)) == 1.0


def test_the_width_is_the_best_of_those_tried() -> None:
    turns = composed(outputs(logits=0.7))
    wrong = []
    for width in WIDTHS:
        said = [
            median_labels(turns.logits[:length, place] * np.float32(turns.units[0]), RATE, width)
            != turns.truth[:length, place]
            for place, length in enumerate(turns.lengths)
        ]
        wrong.append(np.concatenate(said).mean())
    assert fit_median_width(turns, RATE) == WIDTHS[int(np.argmin(wrong))]
    assert WIDTHS[0] < fit_median_width(turns, RATE) < WIDTHS[-1]
