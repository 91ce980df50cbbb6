"""Scores of a model on clips whose emotions are known, also where it finds none."""

import io
import json

import numpy as np
import pytest
import sklearn.metrics
from rich.console import Console

from bilstm_hmm.evaluation.metrics import expected_calibration_error, log_loss
from bilstm_hmm.evaluation.model_scores import (
    ScoredClip,
    Setting,
    compute_score_metrics,
    notes,
    predictions_table,
    score_report,
)
from bilstm_hmm.evaluation.tables import terminal_table

CLASSES = ("happy", "sad", "own | word")
SETTING = Setting("m-1", "hybrid", CLASSES, "folders", "/my | clips")


def clips(speakers: int = 6, silent: int = 0, count: int = 60) -> list[ScoredClip]:
    """Of two of the three emotions; the first `silent` have no speech."""
    rng = np.random.default_rng(4)
    made = []
    for number in range(count):
        truth = number % 2
        shares = rng.dirichlet(1 + 3 * np.eye(3)[truth])
        said = None if number < silent else CLASSES[int(shares.argmax())]
        sex = ("female", "male")[number % speakers % 2]
        speaker = f"s{number % speakers}"
        made.append(ScoredClip(f"{number}.wav", speaker, sex, CLASSES[truth], said, [*shares]))
    return made


def test_the_scores_are_those_of_the_field() -> None:
    scored = clips()
    metrics = compute_score_metrics(SETTING, scored)
    assert json.loads(json.dumps(metrics)) == metrics
    truth, said = [c.truth for c in scored], [str(c.emotion) for c in scored]
    indices = [CLASSES.index(name) for name in truth]
    shares = np.array([c.probabilities for c in scored])
    found = metrics["systems"]["hybrid"]
    recalls = sklearn.metrics.recall_score(truth, said, average=None, labels=CLASSES[:2])
    assert found["ua"] == round(100 * recalls.mean(), 2)
    assert found["wa"] == round(100 * sklearn.metrics.accuracy_score(truth, said), 2)
    assert found["f1"] == round(100 * sklearn.metrics.f1_score(truth, said, average="macro"), 2)
    assert found["ece"] == round(expected_calibration_error(shares, indices), 4)
    expected = sklearn.metrics.log_loss(indices, shares, labels=[0, 1, 2])
    assert found["log_loss"] == round(expected, 4)
    assert found["recalls"] == {
        "happy": round(100 * recalls[0], 2), "sad": round(100 * recalls[1], 2), "own | word": None
    }  # fmt: skip
    low, high = found["ua_interval"]
    assert low < found["ua"] < high
    matrix = sklearn.metrics.confusion_matrix(truth, said, labels=CLASSES)
    assert metrics["confusion"]["truth"] == ["happy", "sad"]
    assert [row[:3] for row in metrics["confusion"]["counts"]] == matrix[:2].tolist()
    assert sum(one["clips"] for one in metrics["by_speaker"].values()) == 60
    assert metrics["speakers"] == len(metrics["by_speaker"]) == 6


def test_no_speech_is_wrong_and_has_no_probabilities() -> None:
    whole, partly = (
        compute_score_metrics(SETTING, clips()),
        compute_score_metrics(SETTING, clips(silent=30)),
    )
    assert (whole["no_speech"], partly["no_speech"]) == (0, 30)
    heard = [clip for clip in clips() if int(clip.name[:-4]) >= 30]
    right = sum(clip.truth == clip.emotion for clip in heard)
    assert partly["systems"]["hybrid"]["wa"] == round(100 * right / 60, 2)
    of_heard = compute_score_metrics(SETTING, heard)["systems"]["hybrid"]
    for key in ("ece", "log_loss"):
        assert partly["systems"]["hybrid"][key] == of_heard[key]
    assert sum(row[-1] for row in partly["confusion"]["counts"]) == 30
    report = score_report(partly)
    assert "In 30 clips the model finds no speech; they count as wrong" in report
    assert "| no speech | recall (%) |" in report
    assert "no speech" not in score_report(whole)
    rows = predictions_table(SETTING, clips(silent=1)).splitlines()
    assert rows[1] == "0.wav,s0,female,happy,no speech,,,"
    assert rows[0].startswith("name,speaker,sex,truth,hybrid,hybrid happy,hybrid sad,")
    nothing = compute_score_metrics(SETTING, clips(silent=60))["systems"]["hybrid"]
    assert (nothing["ua"], nothing["f1"], nothing["ece"], nothing["log_loss"]) == (0, 0, None, None)


@pytest.mark.parametrize("kind", ["few", "unknown"])
def test_an_interval_takes_six_known_speakers(kind: str) -> None:
    scored = clips(5)
    if kind == "unknown":
        scored = [
            ScoredClip(c.name, None, None, c.truth, c.emotion, c.probabilities) for c in clips()
        ]
    metrics = compute_score_metrics(SETTING, scored)
    assert metrics["systems"]["hybrid"]["ua_interval"] is None
    assert metrics["speakers"] == (5 if kind == "few" else 0)
    known = "5" if kind == "few" else "0"
    said = " ".join(notes(metrics))
    assert f"over speakers takes 6 or more, each of them known; {known} are." in said
    assert ("make a folder for each speaker" in said) is (kind == "unknown")
    report = score_report(metrics)
    assert "| hybrid | 60 |" in report
    assert ("## By speaker" in report) is (kind == "few")


def test_what_was_left_out_and_renamed_is_told() -> None:
    setting = Setting(
        "m-1",
        "hybrid",
        CLASSES,
        "ravdess",
        "x",
        {"calm": 7},
        {"joy": "happy"},
        {"a.wav": "Empty."},
        True,
    )
    metrics = compute_score_metrics(setting, clips())
    said = notes(metrics)
    assert "7 clips of calm are left out: the model does not know it; " in said[0]
    assert "--map calm=EMOTION" in said[0]
    assert said[1:4] == [
        "joy counts as happy.",
        "1 clips cannot be read and do not count.",
        "The model was trained on ravdess: if these are its speakers, the figures are better than "
        "for others.",
    ]
    assert metrics["unreadable"] == {"a.wav": "Empty."}
    assert "By speaker UA is " in said[-1]


def test_the_surest_mistake_has_a_finite_log_loss() -> None:
    assert log_loss([[1.0, 0.0]], [1]) == pytest.approx(-np.log(1e-12))
    assert log_loss([[0.25, 0.75], [0.5, 0.5]], [1, 0]) == pytest.approx(
        -np.log([0.75, 0.5]).mean()
    )


def test_eight_emotions_fit_the_width_of_a_terminal() -> None:
    names = ["neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised"]
    rows = [["truth \\ predicted", *names, "recall (%)"]]
    rows += [[name, *["1234"] * 8, "100.0"] for name in names]
    out = io.StringIO()
    Console(file=out, width=80).print(terminal_table("Clips", rows, narrow=True))
    text = out.getvalue()
    assert any(all(name in line for name in names) for line in text.splitlines())
    assert "\N{HORIZONTAL ELLIPSIS}" not in text
