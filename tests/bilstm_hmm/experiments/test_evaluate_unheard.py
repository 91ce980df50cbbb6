"""Each corpus left out in turn: from corpora to the report, fold by fold, each by itself."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from bilstm_hmm.data.splits.folds import Fold
from bilstm_hmm.data.synthesis.corpus import synthesise, write_wav
from bilstm_hmm.features.audio.reading import read_audio
from bilstm_hmm.features.extraction.voice_statistics import clip_moments, merge_moments

from bilstm_hmm.config.loading import load_recipe
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.evaluation.unheard.known_clips import KNOWN
from bilstm_hmm.evaluation.unheard.results import read_known_results
from bilstm_hmm.experiments import evaluate_unheard as module
from bilstm_hmm.experiments.corpus import read_corpus
from bilstm_hmm.experiments.evaluate_unheard import trained_classes, without_corpus
from bilstm_hmm.inference.model import load
from bilstm_hmm.output.lock import output_lock
from bilstm_hmm.progress import SilentProgress
from bilstm_hmm.training.dataset import dataset_folds, load_dataset
from bilstm_hmm.training.pretraining import initial_weights

Script = Callable[..., subprocess.CompletedProcess[str]]
TAKES = (1, 2)
#: The corpora, their speakers, and names of clips by emotion; only Emo-DB's has boredom.
CORPORA: dict[str, tuple[tuple[str, ...], str, dict[str, str]]] = {
    "emodb": (
        ("03", "08", "09"),
        "{speaker}a0{take}{code}a.wav",
        {"neutral": "N", "happy": "F", "sad": "T", "bored": "L"},
    ),
    "savee": (
        ("DC", "JE", "KL"),
        "{speaker}_{code}0{take}.wav",
        {"neutral": "n", "happy": "h", "sad": "sa"},
    ),
    "nemo": (
        ("EB0", "KS0", "MP0"),
        "{speaker}_{code}_{take}.wav",
        {"neutral": "neutral", "happy": "happiness", "sad": "sadness"},
    ),
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Synthetic voices under the names of three corpora."""
    home = tmp_path_factory.mktemp("corpora")
    for place, (corpus, (speakers, pattern, codes)) in enumerate(CORPORA.items()):
        (home / corpus).mkdir()
        for number, speaker in enumerate(speakers):
            for emotion, code in codes.items():
                for take in TAKES:
                    name = pattern.format(speaker=speaker, code=code, take=take)
                    voice = "angry" if emotion == "bored" else emotion
                    write_wav(home / corpus / name, synthesise(voice, 3 * place + number, take))
    return home


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory, home: Path, tiny: Path) -> Path:
    """The recipe `tiny` for these corpora, to know voices."""
    tree = yaml.safe_load(tiny.read_text("utf-8"))
    tree["data"] = {"corpus": "emodb", "also": ["savee", "nemo"], "home": str(home)}
    tree["voice"] = {"known_clips": [0, 2, "all"]}
    path = tmp_path_factory.mktemp("recipe") / "unheard.yaml"
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def order(config: Path, least: tuple[str, ...]) -> tuple[str | Path, ...]:
    return ("evaluate.py", "--config", config, *least, "--protocol", "unheard")


@pytest.fixture(scope="module")
def evaluated(
    tmp_path_factory: pytest.TempPathFactory, order: tuple[str | Path, ...], command: Script
) -> Path:
    """Two folds, each run by itself into one folder, the second while a third is in use.

    The second takes no step of training: what becomes of it is another matter.
    """
    folder = tmp_path_factory.mktemp("runs") / "unheard"
    done = command(*order, "--folds", "1", "--output", folder, train=True)
    assert done.returncode == 0, done.stderr
    assert "Fold 1 of 3: without emodb" in done.stderr
    assert json.loads((folder / "metrics.json").read_text("utf-8"))["folds"] == [1]
    before = (folder / "fold1.csv").stat().st_mtime_ns
    with output_lock(folder / "fold3"):
        how = {"train": True, "steps": False}
        done = command(*order, "--folds", "2", "--output", folder, "--resume", **how)
        assert done.returncode == 0, done.stderr
        busy = command(*order, "--folds", "3", "--output", folder, "--resume", train=True)
        assert busy.returncode == 2
        assert "another process is writing to it" in busy.stderr
    assert "Fold 1 of 3" not in done.stderr
    assert (folder / "fold1.csv").stat().st_mtime_ns == before
    assert "unheard, 36 clips, UA of hybrid" in done.stdout
    return folder


@pytest.fixture(scope="module")
def recipe(config: Path, least: tuple[str, ...]) -> Recipe:
    return load_recipe(str(config), [*least[1::2], "data.protocol=unheard"])


def test_the_report_joins_what_is_there(evaluated: Path) -> None:
    metrics = json.loads((evaluated / "metrics.json").read_text("utf-8"))
    assert metrics["protocol"] == "unheard"
    assert metrics["speaker_independent"] is True
    assert metrics["folds"] == [1, 2]
    assert list(metrics["corpora"]) == ["emodb", "savee"]
    assert list(metrics["mean"]) == [known.name for known in KNOWN]
    emodb, savee = metrics["corpora"].values()
    assert emodb["trained_on"] == ["savee", "nemo"]
    assert emodb["classes"] == ["neutral", "happy", "sad"]
    assert emodb["left_out"] == {"bored": 6}
    assert emodb["clips"] == savee["clips"] == 18
    assert savee["trained_on"] == ["emodb", "nemo"]
    # What only a training corpus has is trained, and is not among what is tested.
    assert savee["classes"] == ["neutral", "happy", "sad", "bored"]
    assert savee["own_classes"] == ["neutral", "happy", "sad"]
    assert savee["left_out"] == {}
    assert all(corpus["parameters"] > 0 < corpus["train_seconds"] for corpus in (emodb, savee))
    known = {name: found["clips_known"] for name, found in savee["known"].items()}
    # Six clips of each voice, two of each emotion; a neutral clip has one other neutral one.
    assert {name: known[name] for name in ("0", "1", "5", "20", "all")} == {
        **{"0": 0.0, "1": 1.0, "5": 5.0, "20": 5.0, "all": 5.0}
    }
    assert known["10-neutral"] == 1.7
    emodb_known = emodb["known"]["20"]["clips_known"]
    assert emodb_known == 7.0  # with the two of boredom, which nobody labelled
    for name in ("report.md", "evaluate.log", "config.yaml"):
        assert (evaluated / name).stat().st_size > 0
    assert not list(evaluated.glob("work*"))


def test_the_model_of_a_fold_does_not_know_its_corpus(evaluated: Path, home: Path) -> None:
    model = load(evaluated / "fold2")
    data = model.bundle.recipe.data
    assert (data.corpus, data.also, data.home) == ("emodb", ("nemo",), None)
    assert model.classes == ("neutral", "happy", "sad", "bored")
    results = read_known_results(evaluated / "fold2.csv", model.classes)
    assert results is not None
    # The stored model says of a clip what the results say of it, with nothing and all known.
    clips = sorted((home / "savee").glob("JE_*.wav"))
    samples = [read_audio(clip).samples for clip in clips]
    moments = [clip_moments(model.scorer.extract_features(s).frames) for s in samples]
    for name in ("0", "all"):
        for place, (clip, own) in enumerate(zip(clips, samples, strict=True)):
            others = merge_moments(moments[:place] + moments[place + 1 :])
            (scores,) = model.scorer.score_clips([own], others if name == "all" else None)
            row = results[name].names.index(f"savee/{clip.name}")
            for system, expected in model.probabilities_by_system(scores).items():
                found = results[name].probabilities[system][row]
                np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_finished_fold_is_not_trained_again(
    evaluated: Path, order: tuple[str | Path, ...], command: Script,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(module, "train_fold", None)
    before = (evaluated / "metrics.json").read_bytes()
    done = command(*order, "--folds", "1,2", "--output", evaluated, "--resume", train=True)
    assert done.returncode == 0, done.stderr
    assert (evaluated / "metrics.json").read_bytes() == before


def test_nothing_of_the_left_out_corpus_is_handed_to_the_training(recipe: Recipe) -> None:
    corpus = read_corpus(recipe, SilentProgress())
    for fold in dataset_folds(corpus.dataset, recipe.seed):
        left_out = module.tested_corpus(corpus.dataset, fold)
        context = without_corpus(
            corpus.training_context(recipe, Path("work"), SilentProgress()), fold
        )
        own = context.examples
        assert {clip.corpus for clip in own.clips} == set(CORPORA) - {left_out}
        assert len(own.clips) == len(own.samples) == len(own.frames) == len(own.labels)
        for clip, label, samples in zip(own.clips, own.labels, own.samples, strict=True):
            assert own.classes[label] == clip.emotion
            assert samples is corpus.examples.samples[corpus.dataset.clips.index(clip)]
        assert left_out not in (context.recipe.data.corpus, *context.recipe.data.also)
        assert own.classes == trained_classes(corpus.dataset.clips, fold)


def test_pretraining_does_without_every_corpus_of_the_protocol(recipe: Recipe) -> None:
    pretraining = recipe.pretraining.model_copy(update={"corpora": ("savee", "nemo", "emodb")})
    chosen = recipe.model_copy(update={"pretraining": pretraining})
    corpus = read_corpus(chosen, SilentProgress())
    assert initial_weights(corpus.training_context(chosen, Path("w"), SilentProgress())) == {}


def test_the_clips_that_are_tested_are_those_of_the_fold(recipe: Recipe) -> None:
    dataset = load_dataset(recipe.data)
    folds: tuple[Fold, ...] = dataset_folds(dataset, recipe.seed)
    assert [module.tested_corpus(dataset, fold) for fold in folds] == list(CORPORA)
    assert "bored" not in {dataset.clips[i].emotion for i in folds[0].test}


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("evaluate.py", ("--set", "data.also=[]"), "emodb is the only one: name others in data"),
        ("evaluate.py", ("--models", "x"), "--models x: unheard trains its own models; leave"),
        ("evaluate.py", ("--folds", "4"), "--folds: there is no fold 4; choose from 1, 2, 3."),
        ("train.py", ("--set", "data.protocol=unheard"), "train by out-of-fold, or run evaluate"),
    ],
)
def test_wrong_arguments(
    config: Path, command: Script, tmp_path: Path, name: str, arguments: tuple[Any, ...], said: str
) -> None:
    protocol = ("--protocol", "unheard") if name == "evaluate.py" else ()
    done = command(name, "--config", config, *protocol, "--output", tmp_path / "run", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()
