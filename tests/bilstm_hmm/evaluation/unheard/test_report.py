"""Scores and tables of corpora that were left out, and their results as files."""

import json
from pathlib import Path

import numpy as np
import pytest

from bilstm_hmm.evaluation.metrics import expected_calibration_error, log_loss
from bilstm_hmm.evaluation.unheard.metrics import LeftOutCorpus, unheard_metrics
from bilstm_hmm.evaluation.unheard.report import write_unheard_evaluation
from bilstm_hmm.evaluation.unheard.results import (
    KnownResult,
    read_known_results,
    write_known_results,
)
from bilstm_hmm.hmm.fusion import SYSTEMS

CLASSES = ("neutral", "happy", "sad", "calm")


def result(truths: tuple[str, ...], predicted: tuple[str, ...], n_known: int = 0) -> KnownResult:
    """Results in which `hybrid` and `bilstm` say what is named, and `hmm` is always neutral."""
    shares = np.array([[0.7 if c == name else 0.1 for c in CLASSES] for name in predicted])
    neutral = np.tile([0.4, 0.2, 0.2, 0.2], (len(truths), 1))
    return KnownResult(
        tuple(f"{i}, =1.wav" for i in range(len(truths))),
        tuple(f"s-{i % 6}" for i in range(len(truths))),
        truths,
        np.full(len(truths), n_known),
        {"bilstm": shares, "hmm": neutral, "hybrid": shares},
    )


def corpus(name: str, fold: int, results: dict[str, KnownResult]) -> LeftOutCorpus:
    others = tuple(other for other in ("one", "two", "three") if other != name)
    return LeftOutCorpus(
        name, fold, others, CLASSES, {"bored": 3} if name == "two" else {}, results, {"model": "m"}
    )


ONE = ("neutral", "neutral", "neutral", "happy", "happy", "sad")
TWO = ("happy", "sad")
CORPORA = (
    corpus(
        "one",
        1,
        {
            "0": result(ONE, ("neutral", "happy", "calm", "happy", "sad", "sad")),
            "5": result(ONE, ONE, 5),
        },
    ),
    corpus("two", 2, {"0": result(TWO, ("sad", "sad")), "5": result(TWO, ("happy", "calm"), 4)}),
)


def test_scores_are_over_a_corpus_s_own_emotions() -> None:
    metrics = unheard_metrics("unheard", "hybrid", CORPORA)
    one, two = metrics["corpora"]["one"], metrics["corpora"]["two"]
    assert one["own_classes"] == ["neutral", "happy", "sad"]
    assert two["own_classes"] == ["happy", "sad"]
    assert (two["left_out"], two["fold"], two["model"]) == ({"bored": 3}, 2, "m")
    first = one["known"]["0"]["systems"]["hybrid"]
    # Neutral 1 of 3, happy 1 of 2, sad 1 of 1; calm is no emotion of this corpus's.
    assert first["recalls"] == {"neutral": 33.33, "happy": 50.0, "sad": 100.0}
    assert first["ua"] == pytest.approx((100 / 3 + 50 + 100) / 3, abs=0.01)
    assert first["wa"] == 50.0
    truth = [CLASSES.index(name) for name in ONE]
    shares = CORPORA[0].results["0"].probabilities["hybrid"]
    assert first["ece"] == round(expected_calibration_error(shares, truth), 4)
    assert first["log_loss"] == round(log_loss(shares, truth), 4)
    assert len(first["ua_interval"]) == 2
    assert two["known"]["0"]["systems"]["hybrid"]["ua_interval"] is None
    assert "ua_interval" not in one["known"]["0"]["systems"]["hmm"]
    assert one["known"]["5"]["clips_known"] == 5.0


def test_means_are_over_the_corpora() -> None:
    mean = unheard_metrics("unheard", "hybrid", CORPORA)["mean"]
    assert list(mean) == ["0", "5"]
    assert tuple(mean["0"]) == SYSTEMS
    assert mean["5"]["hybrid"]["ua"] == 75.0
    assert mean["5"]["hybrid"]["recalls"] == {"neutral": 100.0, "happy": 100.0, "sad": 50.0}
    assert mean["0"]["hmm"]["ua"] == pytest.approx(100 / 3 / 2, abs=0.01)


def test_the_report_has_every_corpus_and_says_what_is_transductive(tmp_path: Path) -> None:
    metrics = write_unheard_evaluation(tmp_path, "unheard", "hybrid", CORPORA)
    assert json.loads((tmp_path / "metrics.json").read_text("utf-8")) == metrics
    report = (tmp_path / "report.md").read_text("utf-8")
    assert "| known clips | one | two | mean | ECE | log loss |" in report
    assert "| 5 | 100.0 | 50.0 | 75.0 |" in report
    assert "transductive" in report
    assert "Clips of emotions that no other corpus has were left out: bored (3)." in report
    assert "## one" in report
    assert "## two" in report
    nothing = [corpus("one", 1, {"0": CORPORA[0].results["0"]})]
    write_unheard_evaluation(tmp_path, "unheard", "bilstm", nothing)
    report = (tmp_path / "report.md").read_text("utf-8")
    assert "Nothing was known of the voices" in report
    assert "transductive" not in report


def test_results_are_read_back(tmp_path: Path) -> None:
    path = tmp_path / "fold1.csv"
    results = CORPORA[0].results
    write_known_results(path, results, CLASSES)
    again = read_known_results(path, CLASSES)
    assert again is not None
    assert list(again) == list(results)
    for known, written in results.items():
        read = again[known]
        assert (read.names, read.speakers, read.truths) == (
            written.names,
            written.speakers,
            written.truths,
        )
        np.testing.assert_array_equal(read.n_known, written.n_known)
        for system in SYSTEMS:
            np.testing.assert_allclose(
                read.probabilities[system], written.probabilities[system], rtol=1e-5
            )


def test_results_that_are_not_whole_or_of_others_are_none(tmp_path: Path) -> None:
    path = tmp_path / "fold1.csv"
    assert read_known_results(path, CLASSES) is None
    write_known_results(path, CORPORA[0].results, CLASSES)
    assert read_known_results(path, CLASSES[:3]) is None
    whole = path.read_bytes()
    for spoiled in (b"", whole[: len(whole) // 2], whole.splitlines(keepends=True)[0], b"\xff\xfe"):
        path.write_bytes(spoiled)
        assert read_known_results(path, CLASSES) is None
