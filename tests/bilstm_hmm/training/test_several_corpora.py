"""Recipes over several corpora: where they lie, how they are pooled, and testing on another."""

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import soundfile
from bilstm_hmm.data.errors import DataError
from bilstm_hmm.data.splits.folds import Fold

from bilstm_hmm.config.loading import load_recipe
from bilstm_hmm.config.schema import DataSettings, Recipe
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.experiments.corpus import read_corpus
from bilstm_hmm.progress import SilentProgress
from bilstm_hmm.training.dataset import (
    corpora_of,
    corpus_root,
    dataset_corpora,
    dataset_folds,
    load_dataset,
)

FILES = {
    "ravdess": [
        f"Actor_{actor:02}/03-01-0{code}-01-01-01-{actor:02}.wav"
        for actor, code in product(range(1, 25), (1, 2, 3, 4, 5, 6, 7, 8))
    ],
    "crema-d": [
        f"{speaker}_DFA_{code}_XX.wav"
        for speaker, code in product(range(1001, 1013), ("ANG", "DIS", "FEA", "HAP", "NEU", "SAD"))
    ],
    "tess": [
        f"{speaker}_back_{word}.wav"
        for speaker, word in product(
            ("OAF", "YAF"), ("angry", "disgust", "fear", "happy", "neutral", "ps", "sad")
        )
    ],
    "emodb": [
        f"wav/{speaker}a01{letter}a.wav"
        for speaker, letter in product(("03", "08", "09", "10", "11", "12"), "WLEAFTN")
    ],
}
ALL = tuple(FILES)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of four corpora, whose files hold no audio: selecting opens none."""
    root = tmp_path_factory.mktemp("corpora")
    for corpus, names in FILES.items():
        for name in names:
            path = root / corpus / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"no audio")
    return root


def settings(**keys: object) -> DataSettings:
    return DataSettings.model_validate(keys)


def test_where_a_corpus_lies() -> None:
    given = settings(corpus="tess", root="/a", roots={"tess": "/b", "emodb": "/c"}, home="/d")
    assert corpus_root(given, "tess") == Path("/a")
    assert corpus_root(given, "emodb") == Path("/c")
    assert corpus_root(given, "crema-d") == Path("/d/crema-d")
    assert corpus_root(settings(corpus="tess", roots={"tess": "/b"}), "tess") == Path("/b")
    assert corpus_root(settings(corpus="tess", home="/d"), "tess") == Path("/d/tess")


@pytest.mark.parametrize(("name", "key"), [("tess", "data.root"), ("emodb", "data.roots.emodb")])
def test_a_corpus_that_lies_nowhere(name: str, key: str) -> None:
    given = settings(corpus="tess", **({"root": "/a"} if name != "tess" else {}))
    with pytest.raises(
        ToolkitError, match=rf"^{key} is not set; say where {name} lies.*--set {key}=.*data\.home"
    ):
        corpus_root(given, name)


def test_a_root_by_override() -> None:
    recipe = load_recipe("config.yaml", ["data.roots.crema-d=/x"])
    assert corpus_root(recipe.data, "crema-d") == Path("/x")


def test_corpora_are_named_once_and_known() -> None:
    doubled = settings(corpus="emodb", also=["emodb", "tess", "tess"])
    assert dataset_corpora(doubled) == ("emodb", "tess")
    added = settings(corpus="emodb", also=["tess"], test_corpus="savee")
    assert dataset_corpora(added) == ("emodb", "tess", "savee")
    for wrong in ({"also": ["cremad"]}, {"test_corpus": "cremad"}, {"roots": {"cremad": "/x"}}):
        with pytest.raises(DataError, match="there is no corpus 'cremad': use one of ravdess"):
            dataset_corpora(settings(**wrong))


def test_corpora_are_pooled_under_names_that_are_unique(home: Path) -> None:
    found = load_dataset(settings(also=ALL, home=home))
    assert found.protocol.name == "speakers"
    assert {clip.name for clip in found.clips} == {f"{c}/{n}" for c in ALL for n in FILES[c]}
    assert len(found.clips) == sum(map(len, FILES.values()))
    for clip in found.clips:
        assert home / clip.name == clip.path
    assert found.classes[-1] == "bored"


def test_one_corpus_keeps_its_names_and_protocol(home: Path) -> None:
    for also in ((), ("emodb",)):
        found = load_dataset(settings(corpus="emodb", also=also, home=home))
        assert [clip.name for clip in found.clips] == sorted(FILES["emodb"])
        assert found.protocol.name == "emodb-loso"


def test_a_protocol_of_one_corpus_refuses_several(home: Path) -> None:
    found = load_dataset(settings(also=["tess"], protocol="ravdess-emobox", home=home))
    with pytest.raises(
        DataError, match=r"ravdess-emobox is for ravdess.*use the protocol speakers"
    ):
        dataset_folds(found, 1)


def test_the_merged_recipe(home: Path) -> None:
    recipe = load_recipe("bilstm_hmm_merged", [f"data.home={home}"])
    found = load_dataset(recipe.data)
    assert found.classes == ("neutral", "happy", "sad", "angry", "fearful")
    counts = Counter((clip.corpus, clip.emotion) for clip in found.clips)
    assert counts["ravdess", "neutral"] == 2 * 24  # calm as well
    assert counts["tess", "happy"] == 2 * 2  # pleasant surprise as well
    assert counts["emodb", "neutral"] == 2 * 6  # boredom as well
    assert counts["crema-d", "angry"] == 2 * 12  # disgust as well
    folds = dataset_folds(found, recipe.seed)
    assert len(folds) == 5
    for fold in folds:
        assert {"ravdess", "crema-d", "emodb"} <= set(corpora_of(found.clips, fold.test))


def test_the_merged_recipe_on_real_corpora() -> None:
    real = os.environ.get("EMOTION_CORPORA")
    if not real:
        pytest.skip("EMOTION_CORPORA is unset")
    found = load_dataset(load_recipe("bilstm_hmm_merged", [f"data.home={real}"]).data)
    assert found.classes == ("neutral", "happy", "sad", "angry", "fearful")
    tested = [index for fold in dataset_folds(found, 1) for index in fold.test]
    assert sorted(tested) == list(range(len(found.clips)))


def test_another_corpus_is_tested_on(home: Path) -> None:
    found = load_dataset(
        settings(
            also=["crema-d", "tess", "emodb"],
            protocol="cross-corpus",
            test_corpus="emodb",
            home=home,
        )
    )
    assert found.classes == ("neutral", "happy", "sad", "angry", "fearful", "disgust")
    assert found.notes == (
        "calm, surprised, bored left out: not all of ravdess, crema-d, tess, emodb have clips",
    )
    (fold,) = dataset_folds(found, 1)
    assert corpora_of(found.clips, fold.train) == ("ravdess", "crema-d", "tess")
    assert corpora_of(found.clips, fold.test) == ("emodb",)
    assert sorted((*fold.train, *fold.test)) == list(range(len(found.clips)))
    assert {found.clips[i].emotion for i in fold.train} == set(found.classes)


def test_the_corpus_tested_on_need_not_be_among_the_others(home: Path) -> None:
    keys = {"protocol": "cross-corpus", "home": home, "label_map": {"calm": "neutral"}}
    found = load_dataset(settings(corpus="ravdess", test_corpus="tess", **keys))
    (fold,) = dataset_folds(found, 1)
    assert corpora_of(found.clips, fold.train) == ("ravdess",)
    assert corpora_of(found.clips, fold.test) == ("tess",)
    own = load_dataset(settings(corpus="tess", also=["ravdess"], test_corpus="tess", **keys))
    assert set(own.classes) == set(found.classes) == {clip.emotion for clip in own.clips}


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (
            {"protocol": "cross-corpus"},
            r"^data\.test_corpus is not set; .* --set data\.test_corpus=",
        ),
        ({"test_corpus": "tess"}, r"^data\.test_corpus: the protocol ravdess-emobox does not test"),
        (
            {"test_corpus": "tess", "protocol": "cross-corpus", "speaker_dependent": True},
            r"^data\.test_corpus: the protocol random does not test",
        ),
        (
            {"test_corpus": "ravdess", "protocol": "cross-corpus"},
            r"^data\.test_corpus: ravdess is the only corpus.*data\.also",
        ),
        ({"also": ["tess"], "label_map": {"x": "sad"}}, r"^data\.label_map: no clip is x; there"),
        ({"also": ["tess"], "classes": ["sad", "x"]}, r"^data\.classes: no clip is x; there are"),
    ],
)
def test_settings_that_do_not_fit(home: Path, keys: dict[str, object], words: str) -> None:
    with pytest.raises(ToolkitError, match=words):
        load_dataset(settings(home=home, **keys))


def test_corpora_without_two_classes_in_common(home: Path) -> None:
    keys = {"protocol": "cross-corpus", "test_corpus": "emodb", "classes": ["bored", "sad"]}
    with pytest.raises(DataError, match=r"emodb, ravdess share fewer than two classes.*label_map"):
        load_dataset(settings(home=home, **keys))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--protocol", "cross-corpus"], "data.test_corpus is not set; the protocol cross-corpus"),
        (["--set", "data.test_corpus=tess"], "data.test_corpus: the protocol ravdess-emobox"),
        (["--set", "data.also=[savee]"], "savee does not exist: give the folder"),
    ],
)
def test_the_command_tells_it_in_one_sentence(
    home: Path, tmp_path: Path, command: Callable, arguments: list[str], words: str
) -> None:
    run = tmp_path / "run"
    done = command("evaluate.py", "--set", f"data.home={home}", "--output", run, *arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert words in done.stderr
    assert not run.exists()


def test_folds_are_checked_wherever_they_are_chosen(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = load_dataset(settings(corpus="tess", home=home))
    leaking = (Fold(1, tuple(range(1, len(found.clips))), (0,)),)
    monkeypatch.setattr("bilstm_hmm.training.dataset.protocol_folds", lambda *_, **__: leaking)
    with pytest.raises(DataError, match=r"^the speaker tess-.AF is in both"):
        dataset_folds(found, 1)
    dependent = replace(found, protocol=replace(found.protocol, speaker_independent=False))
    assert dataset_folds(dependent, 1) == leaking


def test_two_names_of_one_folder_are_no_second_corpus(tmp_path: Path) -> None:
    root = tmp_path / "folders"
    for emotion, speaker in product(("sad", "happy"), ("ann", "bob")):
        (root / emotion / speaker).mkdir(parents=True)
        (root / emotion / speaker / "1.wav").write_bytes(b"no audio")
    rows = [f"{e}/{s}/1.wav,{e},{s}" for e, s in product(("sad", "happy"), ("ann", "bob"))]
    (root / "list.csv").write_text("\n".join(["path,emotion,speaker", *rows]))
    given = settings(corpus="folders", root=root, also=["manifest"])
    given = given.model_copy(update={"roots": {"manifest": root / "list.csv"}})
    found = load_dataset(given)
    assert len(found.clips) == 8
    with pytest.raises(DataError, match="is in both the training and the test part of fold 1"):
        dataset_folds(found, 1)


class Listener(SilentProgress):
    """Keeps what reading a corpus says."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def message(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture
def audible(tmp_path: Path, quick_recipe: Callable[..., Recipe]) -> Recipe:
    """A recipe over two small corpora that can be heard."""
    rng = np.random.default_rng(0)
    for corpus in ("tess", "emodb"):
        for name in FILES[corpus]:
            path = tmp_path / corpus / name
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, 0.1 * rng.normal(size=2000), 8000)
    keys = {"corpus": "tess", "also": ["emodb"], "home": tmp_path}
    return quick_recipe(cache=None, data=keys)


def test_clips_of_all_corpora_are_read(audible: Recipe, tmp_path: Path) -> None:
    for name in ("wav/03a01Wa.wav", "wav/08a01Ta.wav"):
        (tmp_path / "emodb" / name).write_bytes(b"no audio")
    listener = Listener()
    corpus = read_corpus(audible, listener)
    assert listener.said == ["emodb: 2 of 42 clips cannot be read; see the log"]
    assert corpus.examples.clips == corpus.dataset.clips
    assert Counter(clip.corpus for clip in corpus.examples.clips) == {"tess": 14, "emodb": 40}
    assert len({clip.name for clip in corpus.examples.clips}) == 54


def test_a_class_that_one_corpus_loses_cannot_be_tested_across(
    audible: Recipe, tmp_path: Path
) -> None:
    for path in (tmp_path / "emodb").rglob("*Ta.wav"):
        path.write_bytes(b"no audio")
    pooled = read_corpus(audible, Listener())
    assert "sad" in pooled.dataset.classes
    across = audible.data.model_copy(update={"protocol": "cross-corpus", "test_corpus": "emodb"})
    with pytest.raises(ToolkitError, match=r"no clip of sad can be read in one of the corpora"):
        read_corpus(audible.model_copy(update={"data": across}), Listener())
