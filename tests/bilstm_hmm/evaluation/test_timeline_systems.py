"""The timelines of one recording, each held to what it is said to be."""

import itertools

import numpy as np
import pytest

from bilstm_hmm.evaluation import timeline_systems
from bilstm_hmm.evaluation.timeline_systems import (
    COMPOSITE,
    TIMELINE_SYSTEMS,
    frame_intervals,
    segment_intervals,
    timelines,
    window_intervals,
)
from bilstm_hmm.inference.model import Model
from bilstm_hmm.inference.scoring import RecordingScores
from bilstm_hmm.timeline.median_filter import median_labels
from tests.oracle import say

Spans = tuple[tuple[float, float, str], ...]


@pytest.fixture(scope="module")
def samples() -> np.ndarray:
    """About 13 s of one voice; among what is happy and what is sad are moments of anger."""
    parts = []
    for emotion, angry in (("neutral", False), ("happy", True), ("happy", False), ("sad", True)):
        parts += [say(emotion, 2, 1), say(emotion, 2, 2)]
        if angry:
            middle = slice(len(parts[-1]) // 2, len(parts[-1]) // 2 + 16000 // 3)
            parts[-1][middle] = say("angry", 2, 1)[middle]
    return np.concatenate(parts)


@pytest.fixture(scope="module")
def found(model: Model, samples: np.ndarray) -> dict[str, Spans]:
    return timelines(model, samples)


def at(spans: Spans, time: float) -> str | None:
    return next((name for start, end, name in spans if start <= time < end), None)


def test_each_covers_the_sound(found: dict[str, Spans], samples: np.ndarray) -> None:
    assert tuple(found) == TIMELINE_SYSTEMS
    for system, spans in found.items():
        assert spans[0][0] < 0.5
        assert spans[-1][1] > len(samples) / 16000 - 0.5
        for left, right in itertools.pairwise(spans):
            # Phrases leave out the pauses between them.
            gap = right[0] - left[1]
            assert gap == pytest.approx(0.0, abs=1e-9) or (
                system.startswith("phrase") and gap < 1.5
            )


def test_phrases_are_labelled_frame_by_frame(
    model: Model, found: dict[str, Spans], samples: np.ndarray
) -> None:
    phrases = model.score_speech(samples)
    assert len(phrases) > 5
    width = timeline_systems.MEDIAN_WIDTH
    logits = np.concatenate([phrase.frame_logits for phrase in phrases])
    smooth = iter(median_labels(logits, phrases[0].rate, width))
    for phrase in phrases:
        for frame, label in enumerate(phrase.frame_logits.argmax(axis=1)):
            time = min(phrase.start + (frame + 0.5) / phrase.rate, phrase.end - 1e-6)
            assert at(found["phrase-argmax"], time) == model.classes[label]
            assert at(found["phrase-median"], time) == model.classes[next(smooth)]
    assert segment_intervals([], 1.0, model.classes) == ((), ())


def test_frames_and_their_medians(
    model: Model, found: dict[str, Spans], samples: np.ndarray
) -> None:
    evidence = model.score(samples)
    width = timeline_systems.MEDIAN_WIDTH
    expected = {
        "frame-argmax": evidence.frame_logits.argmax(axis=1),
        "median-filter": median_labels(evidence.frame_logits, evidence.rate, width),
    }
    for system, labels in expected.items():
        for frame, label in enumerate(labels):
            time = evidence.start + (frame + 0.5) / evidence.rate
            assert at(found[system], min(time, evidence.end - 1e-6)) == model.classes[label]
        names = [name for *_, name in found[system]]
        assert all(one != other for one, other in itertools.pairwise(names))
    assert [name for *_, name in found["median-filter"]] == ["neutral", "happy", "sad"]
    assert [name for *_, name in found["frame-argmax"]].count("angry") == 2


def test_a_wider_filter_leaves_fewer_changes(
    model: Model, samples: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_width(width: float) -> dict[str, Spans]:
        monkeypatch.setattr(timeline_systems, "MEDIAN_WIDTH", width)
        return timelines(model, samples)

    narrow, wide = with_width(0.05), with_width(8.0)
    assert narrow["median-filter"] == narrow["frame-argmax"]
    assert len(wide["median-filter"]) < len(narrow["median-filter"])


def test_the_composite_is_what_the_model_predicts(
    model: Model, found: dict[str, Spans], samples: np.ndarray
) -> None:
    said = model.predict(samples, 16000).segments
    assert found[COMPOSITE] == tuple((s.start, s.end, s.emotion) for s in said)


@pytest.mark.parametrize(
    ("seconds", "borders"),
    [(0.5, []), (3.0, []), (4.4, []), (4.6, [3.0]), (7.0, [3.0]), (7.6, [3.0, 6.0])],
)
def test_windows_are_labelled_as_clips(
    model: Model, samples: np.ndarray, seconds: float, borders: list[float]
) -> None:
    part = samples[: round(seconds * 16000)]
    spans = window_intervals(model, part)
    assert [start for start, _, _ in spans] == [0.0, *borders]
    assert spans[-1][1] == pytest.approx(seconds, abs=1e-4)
    for start, end, name in spans:
        said = model.predict(part[round(start * 16000) : round(end * 16000)], 16000)
        assert said.emotion == name


def test_frames_of_one_emotion_are_joined() -> None:
    nothing = np.zeros((5, 2), np.float32)
    evidence = RecordingScores(np.zeros(2), nothing, nothing, rate=10.0, start=0.2, end=0.65)
    labels = np.array([0, 0, 1, 0, 0])
    expected = ((0.2, 0.4, "sad"), (0.4, 0.5, "happy"), (0.5, 0.65, "sad"))
    for span, known in zip(
        frame_intervals(labels, evidence, ("sad", "happy")), expected, strict=True
    ):
        assert span == pytest.approx(known)
    assert frame_intervals(labels[:1], evidence, ("sad", "happy")) == ((0.2, 0.65, "sad"),)
