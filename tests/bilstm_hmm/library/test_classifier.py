"""The classifier of scikit-learn: fitted on recordings, cross-validated, saved and pickled."""

import pickle
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bilstm_hmm.features.errors import AudioError
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.pipeline import Pipeline

import bilstm_hmm
from bilstm_hmm import BiLSTMHMMClassifier
from bilstm_hmm.config.loading import load_recipe
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.inference.bundle_files import read_bundle
from bilstm_hmm.inference.model import Model
from tests.fast_runs import fast_runs
from tests.oracle import EMOTIONS, RATE, say

LABELS = ("zorn", "freude", "trauer")


@dataclass(frozen=True)
class Spoken:
    """Recordings, labels that are no emotions of the toolkit's, and who speaks."""

    paths: list[Path]
    labels: list[str]
    speakers: list[str]


@pytest.fixture(scope="module")
def spoken(synthetic: Path) -> Spoken:
    paths = [
        synthetic / emotion / f"{speaker:02d}" / "00.wav"
        for speaker in range(4)
        for emotion in EMOTIONS[:3]
    ]
    by_emotion = dict(zip(EMOTIONS, LABELS, strict=False))
    return Spoken(paths, [by_emotion[p.parts[-3]] for p in paths], [p.parts[-2] for p in paths])


@pytest.fixture(scope="module")
def fitted(spoken: Spoken, smallest: dict[str, Any]) -> Iterator[BiLSTMHMMClassifier]:
    classifier = BiLSTMHMMClassifier(smallest, seed=3)
    with fast_runs(steps=False):
        yield classifier.fit(spoken.paths, spoken.labels, groups=spoken.speakers)


def by_design(model: Model, classes: Any) -> BiLSTMHMMClassifier:
    """A classifier whose answers are known."""
    classifier = BiLSTMHMMClassifier()
    classifier.model_, classifier.classes_ = model, np.array(classes)
    return classifier


def test_a_fitted_classifier_has_what_scikit_learn_expects(
    fitted: BiLSTMHMMClassifier, spoken: Spoken
) -> None:
    assert [*fitted.classes_] == sorted(LABELS) == [*fitted.model_.classes]
    shares = fitted.predict_proba(spoken.paths[:4])
    assert shares.shape == (4, 3)
    assert shares.sum(axis=1) == pytest.approx(1.0)
    assert [*fitted.predict(spoken.paths[:4])] == [*fitted.classes_[shares.argmax(axis=1)]]
    assert 0.0 <= fitted.score(spoken.paths[:4], spoken.labels[:4]) <= 1.0
    assert fitted.model_.predict(spoken.paths[0]).emotion in LABELS


def test_the_labels_are_in_the_order_of_the_classes(model: Model) -> None:
    classifier = by_design(model, [10, 20, 30, 40, 50])
    recordings = [say(emotion) for emotion in ("sad", "neutral", "fearful")]
    assert [*classifier.predict(recordings)] == [30, 10, 50]
    assert classifier.score(recordings, [30, 10, 20]) == pytest.approx(2 / 3)


def test_recordings_are_paths_arrays_or_bytes_of_any_rate(model: Model, recording: Path) -> None:
    classifier = by_design(model, EMOTIONS)
    given = [recording, str(recording), recording.read_bytes(), say("happy"), [*say("angry")]]
    assert [*classifier.predict(given)] == ["sad", "sad", "sad", "happy", "angry"]
    assert [*classifier.predict(np.array([str(recording)] * 2))] == ["sad", "sad"]
    same = np.stack([say("angry", take=1)[:16000]] * 2)
    assert [*classifier.predict(same)] == ["angry", "angry"]
    slower = classifier.set_params(rate=3 * RATE)
    assert [*slower.predict([np.repeat(say("fearful"), 3)])] == ["fearful"]


def test_each_recording_gets_what_it_gets_alone(model: Model) -> None:
    classifier = by_design(model, EMOTIONS).set_params(jobs=3)
    recordings = [say(emotion, take=take) for take in range(3) for emotion in EMOTIONS]
    together = classifier.predict_proba(recordings)
    alone = np.concatenate([classifier.predict_proba([one]) for one in recordings])
    np.testing.assert_allclose(together, alone, atol=1e-7)


def test_silence_has_a_label_too(model: Model) -> None:
    classifier = by_design(model, EMOTIONS)
    assert classifier.predict([np.zeros(30 * RATE)]).shape == (1,)


def test_training_clips_are_judged_without_their_speakers(
    fitted: BiLSTMHMMClassifier, spoken: Spoken
) -> None:
    shares = fitted.out_of_fold_proba_
    assert shares.shape == (len(spoken.paths), 3)
    assert shares.sum(axis=1) == pytest.approx(1.0)
    system = fitted._fitted
    assert system.speakers_known
    rows = {result.name: result for result in system.results}
    for path, label, of_clip in zip(spoken.paths, spoken.labels, shares, strict=True):
        result = rows[path.as_posix()]
        assert result.truth == label
        np.testing.assert_array_equal(result.probabilities["hybrid"], of_clip)


def test_what_is_saved_says_the_same_and_knows_where_it_is_from(
    fitted: BiLSTMHMMClassifier, spoken: Spoken, tmp_path: Path
) -> None:
    folder = fitted.save(tmp_path / "mine")
    said = bilstm_hmm.load(folder).predict(spoken.paths[0])
    assert said == fitted.model_.predict(spoken.paths[0])
    assert (folder / "network.keras").stat().st_size > 0
    card = (folder / "MODEL_CARD.md").read_text("utf-8")
    assert "Protocol `out-of-fold`: 12 clips" in card
    assert "as the licence of your own recordings allows" in card
    assert "SPEAKER-DEPENDENT" not in card
    with pytest.raises(ToolkitError, match="there is something already"):
        fitted.save(folder)
    assert fitted.save(folder, overwrite=True) == folder


def test_a_fitted_classifier_can_be_pickled(fitted: BiLSTMHMMClassifier, spoken: Spoken) -> None:
    copy = pickle.loads(pickle.dumps(fitted))
    given = spoken.paths[:3]
    np.testing.assert_array_equal(copy.predict_proba(given), fitted.predict_proba(given))
    assert copy.get_params() == fitted.get_params()


def test_folds_that_keep_speakers_apart(spoken: Spoken, smallest: dict[str, Any]) -> None:
    pipeline = Pipeline([("emotion", BiLSTMHMMClassifier(smallest))])
    with fast_runs(steps=False):
        scores = cross_val_score(
            pipeline,
            spoken.paths,
            spoken.labels,
            groups=spoken.speakers,
            cv=GroupKFold(2),
            scoring="balanced_accuracy",
            params={"emotion__groups": spoken.speakers},
        )
    assert ((scores >= 0.0) & (scores <= 1.0)).all()


def test_the_parameters_are_keys_of_the_recipe(tmp_path: Path) -> None:
    classifier = BiLSTMHMMClassifier(
        {"training": {"epochs": 9, "steps": 500}, "data": {"corpus": "emodb", "home": "x"}},
        settings={"network.units": [7], "seed": 1},
    ).set_params(epochs=3, system="hmm", seed=4, jobs=1, cache=tmp_path)
    recipe = classifier._recipe()
    assert (recipe.training.epochs, recipe.training.steps) == (3, None)
    assert (recipe.decision.system, recipe.seed, recipe.jobs) == ("hmm", 4, 1)
    assert recipe.network.units == (7,)
    assert recipe.cache == tmp_path
    # Where corpora lie is of use to a pre-training, and nothing else of them is.
    assert (recipe.data.corpus, recipe.data.home) == ("manifest", Path("x"))
    plain = BiLSTMHMMClassifier()._recipe()
    assert plain.training == load_recipe("config.yaml").training
    assert plain.cache is None


def test_it_needs_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "bilstm_hmm.library.classifier")
    monkeypatch.setitem(sys.modules, "sklearn.base", None)
    sentence = r"needs scikit-learn; install it with pip install 'bilstm-hmm\[train\]'\."
    with pytest.raises(ToolkitError, match=sentence):
        _ = bilstm_hmm.BiLSTMHMMClassifier


class Stop(Exception):
    """Before anything is trained."""


@pytest.fixture
def no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise Stop

    monkeypatch.setattr("bilstm_hmm.library.classifier.fit_system", stop)


@pytest.mark.parametrize(
    ("groups", "sentence"),
    [
        (None, r"The speakers are not known, .*groups=speakers. of who speaks in each"),
        (["a"] * 4, r"All recordings are of one speaker, .* of two speakers at least\."),
    ],
)
def test_speakers_that_leak_are_warned_of(
    groups: Any, sentence: str, smallest: dict[str, Any], no_training: None
) -> None:
    recordings, labels = [say("sad"), say("happy")] * 2, ["sad", "happy"] * 2
    with pytest.warns(UserWarning, match=sentence) as caught, pytest.raises(Stop):
        BiLSTMHMMClassifier(smallest).fit(recordings, labels, groups=groups)
    assert caught[0].filename == __file__
    # Warnings are errors here.
    with pytest.raises(Stop):
        BiLSTMHMMClassifier(smallest).fit(recordings, labels, groups=["a", "a", "b", "b"])


TWO = [say("sad"), say("happy")] * 2


@pytest.mark.parametrize(
    ("recordings", "labels", "groups", "error", "sentence"),
    [
        (TWO, ["a", "b", "a", "c"], None, ToolkitError, "y: the class b has 1 recording; give 2"),
        (TWO, ["a"] * 4, None, ToolkitError, "y: there is 1 class .a.; two are needed"),
        (TWO, None, None, ToolkitError, "requires y to be passed"),
        (TWO, [0.5, 1.5, 2.5, 3.5], None, ValueError, "Unknown label type: continuous"),
        (TWO, ["a", "b"], None, ValueError, "inconsistent numbers of samples"),
        (TWO, ["a", "b"] * 2, ["x"], ValueError, "inconsistent numbers of samples"),
        (TWO, ["a", "b"] * 2, ["x", None, "x", "y"], ToolkitError, "groups: a speaker is missing"),
        ([], [], None, ToolkitError, "X: no recordings are given"),
        ("a.wav", ["a"], None, ToolkitError, "X: one recording is given; give a list"),
        ([*TWO[:3], np.zeros(0)], ["a", "b"] * 2, [*"xyxy"], AudioError, r"X\[3\]: The array hol"),
        ([*TWO[:3], "none.wav"], ["a", "b"] * 2, [*"xyxy"], AudioError, r"X\[3\]: none.wav does"),
    ],
)
@pytest.mark.filterwarnings("ignore:The speakers are not known")
def test_what_is_wrong_is_one_sentence(
    recordings: Any,
    labels: Any,
    groups: Any,
    error: type[Exception],
    sentence: str,
    smallest: dict[str, Any],
    no_training: None,
) -> None:
    with pytest.raises(error, match=sentence):
        BiLSTMHMMClassifier(smallest).fit(recordings, labels, groups=groups)


@pytest.mark.parametrize(
    "call",
    [lambda new, to: new.predict([say("sad")]), lambda new, to: new.save(to / "model")],
)
def test_nothing_is_known_before_fit(call: Callable[..., object], tmp_path: Path) -> None:
    with pytest.raises(NotFittedError):
        call(BiLSTMHMMClassifier(), tmp_path)


def test_unknown_speakers_are_said_on_the_card_and_random_numbers_left_alone(
    spoken: Spoken, smallest: dict[str, Any], tmp_path: Path
) -> None:
    np.random.seed(5)
    random.seed(5)
    expected = np.random.random(), random.random()
    np.random.seed(5)
    random.seed(5)
    with fast_runs(steps=False), pytest.warns(UserWarning, match="The speakers are not known"):
        fitted = BiLSTMHMMClassifier(smallest).fit(spoken.paths[:6], spoken.labels[:6])
    assert (np.random.random(), random.random()) == expected
    card = (fitted.save(tmp_path / "mine") / "MODEL_CARD.md").read_text("utf-8")
    assert "SPEAKER-DEPENDENT" in card
    assert read_bundle(tmp_path / "mine").classes == tuple(sorted(LABELS))
