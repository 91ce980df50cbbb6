"""A newcomer finds the place: CONTRIBUTING.md and the folders' names lead there in one guess."""

import ast
import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
ROWS = re.findall(r"^\| ([^|`]+) \| `([^`|]+\.py)` \| `(\w+)` \|$", TEXT, re.MULTILINE)

#: Questions of a newcomer, a word of each that the table has as well, and where the answer is.
QUESTIONS = (
    ("Where is the minimum duration of an emotion applied?", "duration", "timeline"),
    (
        "Where is the dwell time (expected duration) turned into a probability?",
        "expected",
        "timeline",
    ),
    ("What would I change for a new corpus?", "corpus", "data/corpora"),
    ("Where do I register it?", "which corpora", "data/corpora"),
    ("What would I change for a new feature?", "a feature", "features/extraction"),
    ("What would I change for a new output format?", "output format", "output"),
    ("What would I change for a new network family?", "network family", "config"),
    ("Where are the layers of the network built?", "layers", "network"),
    ("Why does prediction need no Keras?", "ONNX", "network"),
    ("Where is the forward algorithm?", "forward algorithm", "hmm"),
    ("Where is the Viterbi path computed?", "Viterbi", "timeline"),
    ("How do network and HMMs become one probability?", "fused", "hmm"),
    ("Where is it decided what is speech?", "speaks", "features/vad"),
    ("Which speakers are in which fold?", "protocol", "data/splits"),
    ("Where are the networks of the inner folds trained?", "without which speakers", "training"),
    ("Where does one epoch of training happen?", "training loop", "training"),
    ("How are clips put into batches?", "batch", "training"),
    ("Where do I add a key to the recipe?", "key of the configuration", "config"),
    ("Where do I add an option to predict?", "option", "cli"),
    ("What is in a model's folder?", "bundle", "inference"),
    ("How is a long recording labelled?", "recording is labelled", "inference"),
    ("How is a stream labelled?", "stream", "inference"),
    ("Where is the unweighted accuracy computed?", "metric", "evaluation"),
    ("How do I add another pre-trained encoder?", "encoder", "features"),
)


def _defined(path: Path) -> set[str]:
    """The names that a module defines."""
    found = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return found


@pytest.mark.parametrize(("what", "path", "symbol"), ROWS)
def test_the_table_is_true(what: str, path: str, symbol: str) -> None:
    assert symbol in _defined(ROOT / path), what


@pytest.mark.parametrize(("question", "words", "folder"), QUESTIONS)
def test_the_question_has_one_answer(question: str, words: str, folder: str) -> None:
    answers = [path for what, path, _ in ROWS if re.search(rf"\b{words}\b", what)]
    assert answers, question
    assert all(f"{folder}/" in path for path in answers), (question, answers)


def test_there_are_enough_of_them() -> None:
    assert len(QUESTIONS) >= 20
    assert len(ROWS) >= 20


def test_every_folder_is_described() -> None:
    page = (ROOT / "docs" / "development" / "architecture.md").read_text("utf-8")
    folders = {path.parent.name for path in (ROOT / "bilstm_hmm").glob("*/__init__.py")}
    assert folders
    assert all(f"| `{folder}/` |" in page for folder in folders)
