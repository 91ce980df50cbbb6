"""What is reported of timelines: scores over all folds, in JSON and in words."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from bilstm_hmm.evaluation.timeline_metrics import (
    compute_timeline_metrics,
    count_recording,
    sum_counts,
)
from bilstm_hmm.evaluation.timeline_report import (
    pooled_timeline_metrics,
    timeline_table,
    write_timeline_evaluation,
)
from bilstm_hmm.evaluation.timeline_results import TimelineResult
from bilstm_hmm.evaluation.timeline_systems import COMPOSITE, TIMELINE_SYSTEMS
from bilstm_hmm.prediction import LabelledInterval

CLASSES = ("neutral", "happy", "sad|ish")
TRUTH = ((0.0, 4.0, "happy"), (5.0, 6.0, "neutral"), (7.0, 10.0, "sad|ish"))


def shifted(seconds: float) -> tuple[LabelledInterval, ...]:
    """Borders that come so much too late."""
    return (
        (0.0, 4.5 + seconds, "happy"),
        (4.5 + seconds, 6.5 + seconds, "neutral"),
        (6.5 + seconds, 10.0, "sad|ish"),
    )


def result(speaker: str, number: int, worse: float = 0.0) -> TimelineResult:
    found = dict(
        zip(TIMELINE_SYSTEMS, map(shifted, (0.8, 0.7, 0.9, 0.8, 0.7, 0.6 + worse)), strict=True)
    )
    return TimelineResult(f"{speaker}/{number}", speaker, TRUTH, found)


FOLDS = {
    2: [result("a", 1), result("a", 2), result("b", 1)],
    5: [result("c", 1, worse=-0.6), result("c", 2, worse=-0.6)],
}
#: Of speakers enough for an interval.
SIX = {1: [result(speaker, 1, worse=-0.3 * (speaker in "abc")) for speaker in "abcdef"]}


def test_the_document_is_plain_and_pooled_over_all_recordings() -> None:
    found = pooled_timeline_metrics("timeline-x", True, CLASSES, FOLDS)
    assert json.loads(json.dumps(found)) == found
    assert (found["protocol"], found["speaker_independent"]) == ("timeline-x", True)
    assert (found["recordings"], found["speakers"], found["folds"]) == (5, 3, [2, 5])
    assert found["classes"] == list(CLASSES)
    assert tuple(found["systems"]) == TIMELINE_SYSTEMS
    for system, said in found["systems"].items():
        everything = [r for fold in FOLDS.values() for r in fold]
        counts = [count_recording(r.truth, r.predicted[system], CLASSES) for r in everything]
        expected = compute_timeline_metrics(sum_counts(counts), CLASSES)
        assert {name: said[name] for name in expected} == pytest.approx(expected, abs=5e-3)
        per_fold = [
            compute_timeline_metrics(sum_counts(counts[:3]), CLASSES),
            compute_timeline_metrics(sum_counts(counts[3:]), CLASSES),
        ]
        assert said["eder_per_fold"] == pytest.approx([s["eder"] for s in per_fold], abs=5e-3)
    # 0.3 s of false alarm and as much missed of 8 s for the argmax; half as much and nothing else.
    assert found["systems"]["frame-argmax"]["eder"] == pytest.approx(100 * 0.6 / 8)
    assert found["systems"][COMPOSITE]["eder_per_fold"] == pytest.approx([2.5, 0.0])


def test_the_composite_is_compared_with_each_other_system() -> None:
    comparison = pooled_timeline_metrics("timeline-x", True, CLASSES, FOLDS)["comparison"]
    assert list(comparison) == [f"{COMPOSITE}-{s}" for s in TIMELINE_SYSTEMS[:-1]]
    found = comparison["composite-hmm-frame-argmax"]
    assert found["eder"] == pytest.approx(0.6 * 2.5 - 7.5)
    assert found["relative_reduction"] == pytest.approx(80.0)
    assert found["eder_interval"] is None  # of three speakers
    found = pooled_timeline_metrics("timeline-x", True, CLASSES, SIX)["comparison"]
    low, high = found["composite-hmm-frame-argmax"]["eder_interval"]
    assert low == pytest.approx(-7.5, abs=0.5)
    assert high == pytest.approx(-5.0, abs=0.5)


def test_what_is_written(tmp_path: Path) -> None:
    models = [{"model": "m-1", "fitted": None}, {"model": "m-2", "fitted": {"dwell": 4.0}}]
    found = write_timeline_evaluation(tmp_path, "timeline-x", True, CLASSES, FOLDS, models)
    assert json.loads((tmp_path / "metrics.json").read_text("utf-8")) == found
    assert found["models"] == models
    rows = (tmp_path / "timelines.csv").read_text("utf-8").splitlines()
    assert len(rows) == 1 + 5 * 3 * (1 + len(TIMELINE_SYSTEMS))
    report = (tmp_path / "report.md").read_text("utf-8")
    assert "# Timelines: timeline-x" in report
    assert "5 recordings" in report
    assert "sad\\|ish" in report
    assert "| frame-argmax | 92.5 |" in report
    assert "| 5 | " in report
    assert "- composite-hmm less windows: " in report
    assert "-80.0 % of it; fewer than 6 speakers do not tell whether it is more than" in report
    assert "95 %" not in report


def test_a_difference_that_is_more_than_chance_is_said_to_be(tmp_path: Path) -> None:
    write_timeline_evaluation(tmp_path, "timeline-x", True, CLASSES, SIX, [])
    report = (tmp_path / "report.md").read_text("utf-8")
    assert "- composite-hmm less windows: -8.8 points of EDER (95 % interval -9." in report
    assert "; more than the choice of speakers explains." in report


def test_a_difference_that_may_be_chance_is_said_to_be(tmp_path: Path) -> None:
    mixed = {1: [result(name, 1, worse=1.0 if name in "abc" else -0.6) for name in "abcdef"]}
    write_timeline_evaluation(tmp_path, "timeline-x", True, CLASSES, mixed, [])
    report = (tmp_path / "report.md").read_text("utf-8")
    assert "not more than the choice of speakers may explain." in report
    said = dict.fromkeys(TIMELINE_SYSTEMS, TRUTH)
    perfect = {1: [TimelineResult(f"{name}/1", name, TRUTH, said) for name in "abcdef"]}
    write_timeline_evaluation(tmp_path, "timeline-x", True, CLASSES, perfect, [])
    assert "+0.0 points of EDER (95 % interval +0.0 to +0.0); not more" in (
        tmp_path / "report.md"
    ).read_text("utf-8")


def test_the_table_for_the_terminal() -> None:
    text = io.StringIO()
    table = timeline_table(pooled_timeline_metrics("timeline-x", True, CLASSES, FOLDS))
    Console(file=text, width=120).print(table)
    for word in ("timeline-x, 5 recordings", "EDER", "composite-hmm", "boundary F1"):
        assert word in text.getvalue()
