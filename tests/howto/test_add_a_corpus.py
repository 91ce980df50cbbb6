"""How to add a corpus: docs/development/how-to/add-a-corpus.md shows this code."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest
from bilstm_hmm.data.corpora import registry
from bilstm_hmm.data.corpora.corpus import ClipLabels, Corpus
from bilstm_hmm.data.corpora.registry import register_corpus
from bilstm_hmm.data.splits.folds import protocol_folds
from bilstm_hmm.data.synthesis.corpus import synthesise, write_wav
from typer.testing import CliRunner

from bilstm_hmm.cli.main import program
from bilstm_hmm.config.loading import recipe_from_tree
from bilstm_hmm.training.dataset import load_dataset

# --8<-- [start:corpus]
LABELS = {"joy": "happy", "rage": "angry"}


def parse(path: PurePosixPath) -> ClipLabels | None:
    """Read names such as ``anna_joy_03.wav``; None for a file that is not of this corpus."""
    speaker, _, label_and_number = path.stem.partition("_")
    label, _, number = label_and_number.partition("_")
    if label not in LABELS or not number.isdigit():
        return None
    return ClipLabels(emotion=LABELS[label], speaker=speaker, key=path.stem)


STAGE = Corpus(
    name="stage",
    title="Voices of the Stage",
    language="en",
    licence="CC BY 4.0",
    commercial=True,
    citation="Doe, J. (2025). Voices of the Stage.",
    url="https://example.org/stage",
    labels=LABELS,
    instructions="unpack stage.zip of https://example.org/stage",
    parse=parse,
)
# --8<-- [end:corpus]


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    kept = dict(registry._CORPORA)
    # --8<-- [start:register]
    register_corpus(STAGE)
    # --8<-- [end:register]
    yield
    registry._CORPORA.clear()
    registry._CORPORA.update(kept)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for voice, speaker in enumerate(("anna", "ben", "carla")):
        for label, emotion in LABELS.items():
            for number in range(2):
                path = tmp_path / "stage" / speaker / f"{speaker}_{label}_{number:02d}.wav"
                write_wav(path, synthesise(emotion, voice, number))
    (tmp_path / "stage" / "room.wav").write_bytes(b"none of the corpus")
    return tmp_path / "stage"


def test_a_recipe_trains_on_it(root: Path) -> None:
    recipe = recipe_from_tree({"data": {"corpus": "stage", "root": str(root)}}, "here")
    dataset = load_dataset(recipe.data)
    assert dataset.classes == ("happy", "angry")
    assert dataset.protocol.name == "speakers"
    assert {clip.speaker for clip in dataset.clips} == {"stage-anna", "stage-ben", "stage-carla"}
    folds = protocol_folds(dataset.protocol.name, dataset.clips, seed=0)
    assert [len(fold.test) for fold in folds] == [4, 4, 4]


def test_the_commands_know_it(root: Path) -> None:
    def run(*arguments: str) -> str:
        done = CliRunner().invoke(program(), ["corpora", *arguments])
        assert done.exit_code == 0, done.output
        return done.output

    assert "stage: Voices of the Stage" in run("list")
    assert "12 clips, 3 speakers" in run("summary", "stage", "--root", str(root))
    assert "ignored    1" in run("summary", "stage", "--root", str(root))


def test_it_is_known_by_its_files_where_another_was_named(root: Path) -> None:
    done = CliRunner().invoke(program(), ["corpora", "summary", "ravdess", "--root", str(root)])
    assert done.exit_code == 2
    assert "its files look like Voices of the Stage: use the corpus name stage" in done.output


def test_a_name_is_given_once() -> None:
    with pytest.raises(ValueError, match="there is a corpus 'stage' already"):
        register_corpus(STAGE)
    # Folders and tables fit almost anything: what is known by its names is asked first.
    assert list(registry.CORPORA)[-3:] == ["stage", "folders", "manifest"]
