"""Scores of timelines: hand-made ones with known answers, brute force, and what always holds."""

import itertools
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bilstm_hmm.evaluation.metrics import unweighted_accuracy
from bilstm_hmm.evaluation.timeline_metrics import (
    FRAME_SECONDS,
    TimelineCounts,
    compute_timeline_metrics,
    count_recording,
    eder_difference,
    error_frames,
    match_boundaries,
    merge_equal,
    sum_counts,
)
from bilstm_hmm.prediction import LabelledInterval

CLASSES = ("neutral", "happy", "sad")
# 2 s happy, a pause of 0.5 s, 1 s neutral, a pause of 0.5 s, 2 s sad.
TRUTH = ((0.0, 2.0, "happy"), (2.5, 3.5, "neutral"), (4.0, 6.0, "sad"))


def score(
    found: tuple[LabelledInterval, ...], truth: tuple[LabelledInterval, ...] = TRUTH
) -> dict[str, float]:
    return compute_timeline_metrics(count_recording(truth, found, CLASSES), CLASSES)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        # Borders anywhere in the pauses: perfect.
        (((0.0, 2.2, "happy"), (2.2, 3.5, "neutral"), (3.5, 6.0, "sad")), (100, 100, 0, 1, 1)),
        # One emotion all over: 1 s of false alarm, 2 s confused, of 5.
        (((0.0, 6.0, "happy"),), (40, 100 / 3, 60, 0, 1 / 3)),
        # All neutral: 4 s missed.
        (((0.0, 6.0, "neutral"),), (20, 100 / 3, 80, 0, 1 / 3)),
        # Neutral taken for no speech is wrong as a class and no error of emotion.
        (
            ((0.0, 2.5, "happy"), (2.5, 3.5, "no speech"), (3.5, 6.0, "sad")),
            (80, 200 / 3, 0, 2 / 3, 2 / 3),
        ),
        # Nothing found at all.
        ((), (0, 0, 80, 0, 0)),
        # A word of no class is none of them.
        (((0.0, 6.0, "calm"),), (0, 0, 80, 0, 1 / 3)),
        # The first border 0.4 s early is matched and costs 0.4 s; the second 0.6 s late is not.
        (
            ((0.0, 1.6, "happy"), (1.6, 4.6, "neutral"), (4.6, 6.0, "sad")),
            (80, 250 / 3, 20, 0.5, 1),
        ),
        # Flicker: one border too many is matched with none.
        (
            ((0.0, 1.0, "happy"), (1.0, 1.2, "sad"), (1.2, 2.0, "happy"), (2.0, 3.5, "neutral"),
             (3.5, 6.0, "sad")),
            (96, 100 * (0.9 + 1 + 1) / 3, 4, 2 * 2 / 6, 5 / 3),
        ),
    ],
)  # fmt: skip
def test_known_answers(found: tuple[LabelledInterval, ...], expected: tuple[float, ...]) -> None:
    names = ("frame_accuracy", "frame_ua", "eder", "boundary_f1", "segment_ratio")
    assert tuple(score(found)) == names
    assert tuple(score(found).values()) == pytest.approx(expected)


def test_time_between_turns_is_not_scored() -> None:
    counts = count_recording(TRUTH, ((0.0, 6.0, "happy"),), CLASSES)
    assert counts.frames.sum() * FRAME_SECONDS == pytest.approx(5.0)
    longer = ((0.0, 9.0, "happy"),)
    assert (count_recording(TRUTH, longer, CLASSES).frames == counts.frames).all()


def test_silence_and_equal_neighbours_are_no_borders() -> None:
    found = (
        (0.0, 0.4, "no speech"),
        (0.4, 1.0, "happy"),
        (1.0, 1.5, "no speech"),
        (1.5, 2.0, "happy"),
        (2.0, 2.5, "sad"),
        (2.5, 3.0, "sad"),
    )
    assert merge_equal(found) == [(0.4, 2.0, "happy"), (2.0, 3.0, "sad")]


def test_a_recording_without_borders_has_none_to_miss() -> None:
    truth = ((0.0, 2.0, "sad"),)
    assert score(truth, truth)["boundary_f1"] == 1.0
    assert score(((0.0, 1.0, "sad"), (1.0, 2.0, "happy")), truth)["boundary_f1"] == 0.0


def borders_of(gaps: list[float]) -> list[tuple[float, float]]:
    times = np.cumsum(gaps).tolist()
    return list(zip(times[::2], times[1::2], strict=False))


gap_lists = st.lists(st.floats(0.0, 1.0).map(lambda x: round(x, 2)), max_size=10)


@given(truth=gap_lists.map(borders_of), found=gap_lists.map(borders_of))
@settings(deadline=None, max_examples=40)
def test_matching_is_the_best_there_is(
    truth: list[tuple[float, float]], found: list[tuple[float, float]]
) -> None:
    def near(one: tuple[float, float], other: tuple[float, float]) -> bool:
        return max(0.0, one[0] - other[1], other[0] - one[1]) <= 0.3 + 1e-9

    few, many = sorted((truth, found), key=len)
    best = max(
        sum(itertools.starmap(near, zip(few, chosen, strict=True)))
        for chosen in itertools.permutations(many, len(few))
    )
    assert match_boundaries(truth, found, 0.3) == best
    assert match_boundaries(found, truth, 0.3) == best


@st.composite
def timelines(draw: st.DrawFn, least: int = 0) -> tuple[LabelledInterval, ...]:
    names = draw(st.lists(st.sampled_from([*CLASSES, "no speech"]), min_size=least, max_size=6))
    edges = np.cumsum(draw(st.lists(st.integers(1, 80), min_size=len(names), max_size=len(names))))
    borders = itertools.pairwise([0, *edges.astype(int).tolist()])
    return tuple(
        (start / 20, end / 20, name) for (start, end), name in zip(borders, names, strict=True)
    )


true_timelines = timelines(least=1).map(
    lambda spans: tuple((s, e, "sad" if n == "no speech" else n) for s, e, n in spans)
)


@given(truth=true_timelines, found=timelines())
@settings(deadline=None, max_examples=40)
def test_frames_are_counted_as_one_by_one(
    truth: tuple[LabelledInterval, ...], found: tuple[LabelledInterval, ...]
) -> None:
    def at(spans: tuple[LabelledInterval, ...], time: float) -> str:
        return next((name for start, end, name in spans if start <= time < end), "no speech")

    counts = count_recording(truth, found, CLASSES)
    times = [(n + 0.5) * FRAME_SECONDS for n in range(round(truth[-1][1] / FRAME_SECONDS))]
    pairs = [(at(truth, time), at(found, time)) for time in times]
    expected = np.zeros((3, 4), int)
    names = [*CLASSES, "no speech"]
    for true, said in pairs:
        expected[names.index(true), names.index(said)] += 1
    np.testing.assert_array_equal(counts.frames, expected)
    found_scores = compute_timeline_metrics(counts, CLASSES)
    nothing = ("neutral", "no speech")
    alarm = sum(true in nothing and said not in nothing for true, said in pairs)
    missed = sum(true not in nothing and said in nothing for true, said in pairs)
    both = [(t, s) for t, s in pairs if t not in nothing and s not in nothing]
    confused = sum(true != said for true, said in both)
    assert error_frames(counts, CLASSES) == alarm + missed + confused
    assert found_scores["eder"] == pytest.approx(100 * (alarm + missed + confused) / len(pairs))
    said = [names.index(name) for _, name in pairs]
    true = [names.index(name) for name, _ in pairs]
    assert found_scores["frame_ua"] == pytest.approx(unweighted_accuracy(true, said))
    assert found_scores["eder"] <= 100 - found_scores["frame_accuracy"] + 1e-9


@given(truth=true_timelines)
@settings(deadline=None, max_examples=50)
def test_the_truth_is_perfect(truth: tuple[LabelledInterval, ...]) -> None:
    perfect = {"frame_accuracy": 100, "frame_ua": 100, "eder": 0, "boundary_f1": 1,
               "segment_ratio": 1}  # fmt: skip
    assert score(truth, truth) == pytest.approx(perfect)


@given(cases=st.lists(st.tuples(true_timelines, timelines()), min_size=1, max_size=5))
@settings(deadline=None, max_examples=50)
def test_pooling_weighs_recordings_by_what_they_hold(
    cases: list[tuple[tuple[LabelledInterval, ...], tuple[LabelledInterval, ...]]],
) -> None:
    each = [count_recording(truth, found, CLASSES) for truth, found in cases]
    together = sum_counts(each)
    np.testing.assert_array_equal(together.frames, sum(c.frames for c in each))
    lengths = [c.frames.sum() for c in each]
    eders = [compute_timeline_metrics(c, CLASSES)["eder"] for c in each]
    assert compute_timeline_metrics(together, CLASSES)["eder"] == pytest.approx(
        np.average(eders, weights=lengths)
    )
    totals = [field.name for field in fields(TimelineCounts) if field.name != "frames"]
    for name in totals:
        assert getattr(together, name) == sum(getattr(c, name) for c in each)


def test_classes_without_neutral_have_no_quiet_class() -> None:
    truth = ((0.0, 1.0, "happy"), (1.0, 2.0, "sad"))
    counts = count_recording(truth, ((0.0, 2.0, "happy"),), ("happy", "sad"))
    assert compute_timeline_metrics(counts, ("happy", "sad"))["eder"] == pytest.approx(50.0)


def test_a_system_is_compared_by_resampled_speakers() -> None:
    """One is wrong for a tenth of the time and the other for a fifth, with every speaker."""
    truth = ((0.0, 10.0, "happy"),)

    def wrong(seconds: float) -> tuple[LabelledInterval, ...]:
        return ((0.0, seconds, "sad"), (seconds, 10.0, "happy"))

    speakers = [name for name in "abcdef" for _ in range(2)]
    first = [count_recording(truth, wrong(1.0), CLASSES) for _ in speakers]
    second = [count_recording(truth, wrong(2.0), CLASSES) for _ in speakers]
    found = eder_difference(first, second, speakers, CLASSES)
    assert found == {"relative_reduction": 50.0, "eder": -10.0, "eder_interval": [-10.0, -10.0]}
    # Two speakers of six it does worse with: the interval reaches over zero.
    mixed = [*first[:8], *(count_recording(truth, wrong(9.0), CLASSES) for _ in range(4))]
    low, high = eder_difference(mixed, second, speakers, CLASSES)["eder_interval"]
    assert low < 0.0 < high
    # Five speakers tell too little of others.
    found = eder_difference(first[:10], second[:10], speakers[:10], CLASSES)
    assert found == {"relative_reduction": 50.0, "eder": -10.0, "eder_interval": None}
    perfect = [count_recording(truth, truth, CLASSES) for _ in speakers]
    assert eder_difference(first, perfect, speakers, CLASSES)["relative_reduction"] is None
