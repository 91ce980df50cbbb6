"""Which clips and classes a recipe takes, and real corpora through the default recipe."""

import os
from pathlib import Path

import pytest
import soundfile
from bilstm_hmm.data.corpora.corpus import UNKNOWN_SPEAKER
from bilstm_hmm.data.errors import DataError

from bilstm_hmm.config.loading import load_recipe
from bilstm_hmm.config.schema import DataSettings
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.training.dataset import (
    Dataset,
    dataset_folds,
    find_fold,
    load_dataset,
    sort_emotions,
)


def settings(root: Path | None, **changes: object) -> DataSettings:
    return DataSettings.model_validate({"corpus": "folders", "root": root, **changes})


@pytest.fixture
def tree(tmp_path: Path):
    """Return a function that makes clips of the given ``emotion/speaker/name``."""

    def make(*names: str) -> Path:
        for name in names:
            path = tmp_path / "corpus" / f"{name}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, [0.0] * 100, 16000)
        return tmp_path / "corpus"

    return make


def names(*emotions: str, speakers: tuple[str, ...] = ("ann", "bob"), n: int = 2) -> list[str]:
    return [f"{e}/{s}/{i}" for e in emotions for s in speakers for i in range(n)]


def test_all_clips_and_classes_in_a_fixed_order(tree) -> None:
    found = load_dataset(settings(tree(*names("sad", "zen", "happy", "neutral", "awed"))))
    assert found.classes == ("neutral", "happy", "sad", "awed", "zen")
    assert [clip.name for clip in found.clips] == sorted(clip.name for clip in found.clips)
    assert len(found.clips) == 20
    assert found.protocol.name == "speakers"
    assert found.notes == ()


def test_classes_are_merged_and_chosen(tree) -> None:
    root = tree(*names("sad", "calm", "neutral", "happy"))
    found = load_dataset(settings(root, label_map={"calm": "neutral"}, classes=["neutral", "sad"]))
    assert found.classes == ("neutral", "sad")
    assert sum(clip.emotion == "neutral" for clip in found.clips) == 8
    assert {clip.emotion for clip in found.clips} == {"neutral", "sad"}


def test_a_label_map_may_name_emotions_that_the_corpus_lacks(tree) -> None:
    root = tree(*names("sad", "calm", "awed"))
    merged = {"calm": "neutral", "bored": "neutral", "awed": "happy", "surprised": "happy"}
    assert load_dataset(settings(root, label_map=merged)).classes == ("neutral", "happy", "sad")


def test_what_is_left_out_is_told(tree) -> None:
    root = tree("loose", *names("sad", "happy"))
    found = load_dataset(settings(root))
    assert found.notes == ("folders: 1 audio files ignored: their names are not this corpus's",)


def test_faulty_clips_are_told(tmp_path: Path) -> None:
    for speaker in range(1001, 1011):
        for code in ("ANG", "SAD"):
            soundfile.write(tmp_path / f"{speaker}_DFA_{code}_XX.wav", [0.0] * 100, 16000)
    soundfile.write(tmp_path / "1076_MTI_SAD_XX.wav", [0.0] * 100, 16000)
    found = load_dataset(DataSettings(corpus="crema-d", root=tmp_path))
    assert len(found.clips) == 20
    (note,) = found.notes
    assert note.startswith("crema-d: 1 dropped: silent")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"root": None}, r"^data.root is not set; say where folders lies, for instance --set data"),
        ({"label_map": {"clam": "sad"}}, "^data.label_map: no clip is clam; there are happy, sad"),
        ({"classes": ["bored", "sad"]}, "^data.classes: no clip is bored; there are happy, sad"),
        ({"classes": ["sad"]}, "^data.classes: 1 class left, but two are needed"),
        ({"label_map": {"sad": "happy"}}, "^data.classes: 1 class left, but two are needed"),
    ],
)
def test_settings_that_do_not_fit(tree, changes: dict[str, object], words: str) -> None:
    root = tree(*names("sad", "happy"))
    with pytest.raises(ToolkitError, match=words):
        load_dataset(settings(changes.pop("root", root), **changes))


def test_the_protocol_is_as_named_or_the_corpus_s_own(tree) -> None:
    root = tree(*names("sad", "happy"))
    assert load_dataset(settings(root, protocol="random")).protocol.name == "random"
    dependent = load_dataset(settings(root, protocol="speakers", speaker_dependent=True))
    assert dependent.protocol.name == "random"
    assert not dependent.protocol.speaker_independent
    with pytest.raises(DataError, match="there is no protocol 'x': use one of"):
        load_dataset(settings(root, protocol="x"))


def test_one_speaker_can_be_trained_on_by_flag_alone(tree) -> None:
    root = tree(*names("sad", "happy", speakers=("ann",), n=10))
    with pytest.raises(DataError, match=r"--set data\.speaker_dependent=true"):
        dataset_folds(load_dataset(settings(root)), 1)
    found = load_dataset(settings(root, speaker_dependent=True))
    (fold,) = dataset_folds(found, 1)
    assert sorted((*fold.train, *fold.test)) == list(range(20))
    assert {found.clips[i].emotion for i in fold.test} == {"sad", "happy"}


def test_unknown_speakers_need_the_flag_as_well(tree) -> None:
    root = tree(*(f"{emotion}/{i}" for emotion in ("sad", "happy") for i in range(5)))
    found = load_dataset(settings(root))
    assert {clip.speaker for clip in found.clips} == {f"folders-{UNKNOWN_SPEAKER}"}
    with pytest.raises(DataError, match=r"--set data\.speaker_dependent=true"):
        dataset_folds(found, 1)


def test_a_class_with_one_clip_is_named(tree) -> None:
    found = load_dataset(settings(tree("awed/ann/1", *names("sad", "happy"))))
    with pytest.raises(DataError, match=r"the class awed has a single clip.*data.label_map"):
        dataset_folds(found, 1)


def test_folds_are_picked_by_number(tree) -> None:
    folds = dataset_folds(load_dataset(settings(tree(*names("sad", "happy")))), 1)
    assert [find_fold(folds, number).number for number in (1, 2)] == [1, 2]
    with pytest.raises(ToolkitError, match=r"^data.fold: there is no fold 3; choose from 1, 2\.$"):
        find_fold(folds, 3)
    with pytest.raises(ToolkitError, match=r"^--folds: there is no fold 0; choose from 1, 2\.$"):
        find_fold(folds, 0, "--folds")


def test_the_order_of_emotions() -> None:
    assert sort_emotions({"zen", "sad", "awed", "neutral"}) == ("neutral", "sad", "awed", "zen")


def real(corpus: str) -> Dataset:
    root = os.environ.get("EMOTION_CORPORA")
    if not root:
        pytest.skip("EMOTION_CORPORA is unset")
    overrides = [f"data.corpus={corpus}", f"data.root={Path(root) / corpus}"]
    return load_dataset(load_recipe("config.yaml", overrides).data)


@pytest.mark.parametrize(
    ("corpus", "protocol", "n_folds", "n_classes"),
    [
        ("ravdess", "ravdess-emobox", 6, 8),
        ("emodb", "emodb-loso", 10, 7),
        ("tess", "tess-cross", 2, 7),
        ("crema-d", "crema-d-si", 5, 6),
    ],
)
def test_real_corpora_by_the_default_recipe(
    corpus: str, protocol: str, n_folds: int, n_classes: int
) -> None:
    found = real(corpus)
    assert found.protocol.name == protocol
    assert len(found.classes) == n_classes
    folds = dataset_folds(found, 1)
    assert len(folds) == n_folds
    tested = [index for fold in folds for index in fold.test]
    assert sorted(tested) == list(range(len(found.clips)))
    for fold in folds:
        train, test = ({found.clips[i].speaker for i in part} for part in (fold.train, fold.test))
        assert train.isdisjoint(test)
