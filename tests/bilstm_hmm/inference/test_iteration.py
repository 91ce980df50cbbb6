"""Recordings that are labelled as they come: in order, a batch at a time, in constant memory."""

import weakref
from collections.abc import Callable, Iterator
from itertools import count, islice
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.inference.model import Model
from bilstm_hmm.prediction import Failure, Prediction
from tests.oracle import EMOTIONS, RATE, Samples, say, talk


def many(n: int) -> Iterator[Samples]:
    return (say(EMOTIONS[place % 5], place % 2, place // 5) for place in range(n))


@pytest.mark.parametrize("batch_size", [1, 4, 16])
def test_each_gets_what_it_gets_alone_in_order(model: Model, batch_size: int) -> None:
    results = list(model.predict_iter(many(11), RATE, batch_size=batch_size))
    assert [result.file for result in results] == [f"array[{place}]" for place in range(11)]
    for place, (result, samples) in enumerate(zip(results, many(11), strict=True)):
        alone = model.predict(samples, RATE)
        assert isinstance(result, Prediction)
        assert result.emotion == alone.emotion == EMOTIONS[place % 5]
        assert result.probabilities == pytest.approx(alone.probabilities, abs=1e-6)
        assert result.segments == alone.segments or batch_size > 1
        assert (result.duration, result.warnings) == (alone.duration, alone.warnings)


def test_whatever_predict_takes_may_be_mixed(model: Model, recording: Path) -> None:
    slow = np.repeat(say("angry"), 3), 3 * RATE
    long = talk(*["happy", 0.4, "sad", 0.4] * 15)
    given = [recording, str(recording), recording.read_bytes(), slow, say("happy"), long]
    results = list(model.predict_iter(given, RATE))
    assert [result.file for result in results] == [
        *[str(recording)] * 2,
        *("bytes[2]", "array[3]", "array[4]", "array[5]"),
    ]
    expected = [*["sad"] * 3, "angry", "happy"]
    assert [result.emotion for result in results[:5]] == expected
    # More than is held: it is labelled as it is read.
    assert results[5].duration > 30
    assert results[5].segments == model.predict(long, RATE).segments


def test_pairs_as_they_are_read_need_no_rate(model: Model, recording: Path) -> None:
    (result,) = model.predict_iter(map(soundfile.read, [recording]))
    assert result.emotion == "sad"


def test_what_cannot_be_used_is_a_failure_in_its_place(model: Model, tmp_path: Path) -> None:
    given = [say("sad"), None, tmp_path / "none.wav", np.zeros(0), b"junk", say("angry")]
    first, *failures, last = model.predict_iter(given, RATE, batch_size=4)
    assert (first.emotion, last.emotion) == ("sad", "angry")
    assert all(isinstance(failure, Failure) for failure in failures)
    names = ["recording[1]", str(tmp_path / "none.wav"), "array[3]", "bytes[4]"]
    assert [failure.file for failure in failures] == names
    sentences = [failure.error for failure in failures]
    starts = ["A NoneType is no recording", str(tmp_path), "The array holds no", "bytes cannot be"]
    for sentence, start in zip(sentences, starts, strict=True):
        assert sentence.startswith(start)


def test_no_recordings_have_no_results(model: Model) -> None:
    assert list(model.predict_iter([])) == []


def test_the_samples_of_one_recording_are_held(model: Model) -> None:
    made: list[weakref.ref[Samples]] = []
    alive: list[int] = []

    def n_alive() -> int:
        return sum(reference() is not None for reference in made)

    def endless() -> Iterator[Samples]:
        for place in count():
            alive.append(n_alive())
            samples = say(EMOTIONS[place % 5])
            made.append(weakref.ref(samples))
            yield samples
            del samples

    results = model.predict_iter(endless(), RATE, batch_size=8)
    for result in islice(results, 40):
        assert isinstance(result, Prediction)
        # The one that the generator itself still has.
        assert n_alive() <= 1
    assert len(made) == 40
    assert max(alive) <= 1


def test_recordings_are_taken_no_further_than_a_batch(model: Model) -> None:
    taken: list[int] = []

    def given() -> Iterator[Samples]:
        for place in count():
            taken.append(place)
            yield say("sad")

    results = model.predict_iter(given(), RATE, batch_size=3)
    assert taken == []
    for n_asked, n_taken in [(1, 3), (2, 3), (1, 6)]:
        list(islice(results, n_asked))
        assert len(taken) == n_taken


def test_the_options_are_those_of_predict(model: Model) -> None:
    (result,) = model.predict_iter([say("sad")], RATE, curves=True, emotions=["happy", "sad"])
    assert tuple(result.probabilities) == ("happy", "sad")
    assert result.curves is not None
    (unsure,) = model.predict_iter([say("sad")], RATE, abstain=0.999)
    assert (unsure.label, unsure.emotion) == ("unsure", None)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda model: model.predict_iter("a.wav"), "Several recordings are expected, and one is"),
        (lambda model: model.predict_iter(b"RIFF"), "Several recordings are expected"),
        (lambda model: model.predict_iter(say("sad"), RATE), "Several recordings are expected"),
        (lambda model: model.predict_iter([], batch_size=0), "batch_size 0: must be a whole"),
        (lambda model: model.predict_iter([], emotions=["odd"]), "has no emotion 'odd'"),
        (lambda model: model.predict_iter([], abstain=2.0), "must be"),
    ],
)
def test_what_is_wrong_is_said_before_any_is_taken(
    model: Model, call: Callable[[Model], object], sentence: str
) -> None:
    with pytest.raises(ToolkitError, match=sentence):
        call(model)


def test_an_error_of_the_generator_is_its_own(model: Model) -> None:
    def broken() -> Iterator[Samples]:
        yield say("sad")
        raise KeyError("row 2")

    with pytest.raises(KeyError, match="row 2"):
        list(model.predict_iter(broken(), RATE))
