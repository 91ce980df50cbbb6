import json
from dataclasses import replace

import numpy as np
import pytest
import sklearn.metrics

from bilstm_hmm.evaluation.clip_metrics import compute_metrics
from bilstm_hmm.evaluation.clip_results import ClipResult
from bilstm_hmm.evaluation.metrics import (
    bootstrap_interval,
    expected_calibration_error,
    paired_bootstrap,
    unweighted_accuracy,
)

CLASSES = ["happy", "sad", "=own | word"]


def made_results(systems: dict[str, float], n: int = 90, seed: int = 0) -> list[ClipResult]:
    """Clips of nine speakers; a system's figure is how well it tells the classes apart."""
    rng = np.random.default_rng(seed)
    results = []
    for clip in range(n):
        truth = int(rng.integers(3))
        shares = {}
        for system, skill in systems.items():
            scores = rng.normal(size=3) + skill * np.eye(3)[truth]
            shares[system] = (np.exp(scores) / np.exp(scores).sum()).astype(np.float32)
        speaker = clip % 9
        sex = ("female", "male", None)[speaker % 3]
        results.append(ClipResult(f"{clip}.wav", f"s{speaker}", CLASSES[truth], shares, sex))
    return results


def test_the_document_holds_the_scores_of_each_system() -> None:
    results = made_results({"bilstm": 1.0, "hmm": 0.5, "hybrid": 2.0})
    folds = [1 + clip % 3 for clip in range(90)]
    document = compute_metrics("demo", True, CLASSES, results, folds)
    assert json.loads(json.dumps(document)) == document
    assert list(document) == [
        "protocol", "speaker_independent", "classes", "clips", "speakers", "folds", "systems",
        "comparison",
    ]  # fmt: skip
    assert document["protocol"] == "demo"
    assert document["speaker_independent"] is True
    assert (document["classes"], document["clips"], document["speakers"]) == (CLASSES, 90, 9)
    assert document["folds"] == [1, 2, 3]
    truth = np.array([CLASSES.index(r.truth) for r in results])
    speakers = [r.speaker for r in results]
    said = {}
    for system, scores in document["systems"].items():
        probabilities = np.array([r.probabilities[system] for r in results])
        predicted = said[system] = probabilities.argmax(axis=1)

        def uar(chosen: np.ndarray, predicted: np.ndarray = predicted) -> float:
            return 100 * sklearn.metrics.balanced_accuracy_score(truth[chosen], predicted[chosen])

        assert scores["ua"] == round(uar(np.arange(90)), 2)
        assert scores["wa"] == round(100 * sklearn.metrics.accuracy_score(truth, predicted), 2)
        f1 = sklearn.metrics.f1_score(truth, predicted, average="macro")
        assert scores["f1"] == round(100 * f1, 2)
        assert scores["ece"] == round(expected_calibration_error(probabilities, truth), 4)
        expected = [round(uar(np.arange(90) % 3 == fold), 2) for fold in range(3)]
        assert scores["ua_per_fold"] == expected
        sexes = np.array([str(r.sex) for r in results])
        expected = {sex: round(uar(sexes == sex), 2) for sex in ("female", "male")}
        assert scores["ua_by_sex"] == expected
        recalls = sklearn.metrics.recall_score(truth, predicted, average=None)
        assert list(scores["recalls"]) == CLASSES
        assert list(scores["recalls"].values()) == [round(100 * r, 2) for r in recalls]
        interval = bootstrap_interval(unweighted_accuracy, truth, predicted, speakers)
        assert scores["ua_interval"] == [round(end, 2) for end in interval]
    pairs = (("hybrid", "bilstm"), ("hybrid", "hmm"), ("hmm", "bilstm"))
    assert set(document["comparison"]) == {f"{one}-{other}" for one, other in pairs}
    for one, other in pairs:
        found = document["comparison"][f"{one}-{other}"]
        difference, low, high = paired_bootstrap(
            unweighted_accuracy, truth, said[one], said[other], speakers
        )
        assert found == {
            "ua": round(difference, 2),
            "ua_interval": [round(low, 2), round(high, 2)],
        }


def test_a_sex_without_clips_has_no_score() -> None:
    results = made_results({"hmm": 1.0})
    for kept, expected in ((("male", None), ["male"]), ((None,), [])):
        own = [r for r in results if r.sex in kept]
        document = compute_metrics("demo", True, CLASSES, own, [1] * len(own))
        assert list(document["systems"]["hmm"]["ua_by_sex"]) == expected


def test_one_system_has_nothing_to_be_compared_with() -> None:
    document = compute_metrics("demo", True, CLASSES, made_results({"bilstm": 1.0}), [1] * 90)
    assert document["comparison"] == {}


def test_a_class_without_clips_has_no_recall() -> None:
    results = [r for r in made_results({"hmm": 1.0}) if r.truth != "sad"]
    document = compute_metrics("demo", True, CLASSES, results, [1] * len(results))
    assert document["systems"]["hmm"]["recalls"]["sad"] is None


@pytest.mark.parametrize(("speakers", "is_given"), [(1, False), (2, False), (5, False), (6, True)])
def test_an_interval_takes_six_speakers(speakers: int, is_given: bool) -> None:
    clips = made_results({"bilstm": 1.0, "hybrid": 3.0})
    results = [replace(r, speaker=f"s{number % speakers}") for number, r in enumerate(clips)]
    document = compute_metrics("demo", True, CLASSES, results, [1] * len(results))
    assert document["speakers"] == speakers
    scores = [*document["systems"].values(), *document["comparison"].values()]
    assert [one["ua_interval"] is not None for one in scores] == [is_given] * 3
