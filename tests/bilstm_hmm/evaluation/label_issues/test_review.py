"""The page and the manifest that a person corrects labels with, and the table they come from."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from bilstm_hmm.data.corpora.registry import scan_corpus

from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.evaluation.clip_results import ClipResult, write_predictions
from bilstm_hmm.evaluation.label_issues.confident_learning import LabelIssue
from bilstm_hmm.evaluation.label_issues.page import review_page
from bilstm_hmm.evaluation.label_issues.predictions import read_predictions
from bilstm_hmm.evaluation.label_issues.review import (
    Review,
    ReviewClip,
    manifest_text,
    ordered,
    summary_lines,
)

CLASSES = ("happy", "sad")
NAMES = ("sad/plain.wav", "happy/a b #1.wav", 'happy/</script><b>"&.wav', "happy/=1+1.wav")


@pytest.fixture
def review(tmp_path: Path) -> Review:
    """Return a review of clips whose names are hard to write, two of them in doubt."""
    clips = []
    for number, name in enumerate(NAMES):
        path = tmp_path / "clips" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"no audio is opened")
        issue = LabelIssue(number, 0, 1, 0.1, 0.9) if number in (1, 2) else None
        clips.append(ReviewClip(path, name, name.partition("/")[0], ("ann", "")[number % 2], issue))
    return Review("mine <&>", "hybrid of run", CLASSES, ordered(clips), len(clips))


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_the_page_plays_each_clip_in_doubt(review: Review, tmp_path: Path) -> None:
    page = _Page(review_page(review, tmp_path / "out"))
    sources = [unquote(audio["src"] or "") for audio in page.all("audio")]
    assert sources == [f"../clips/{clip.name}" for clip in review.issues]
    assert all((tmp_path / source[3:]).is_file() for source in sources)
    assert [card["data-suggestion"] for card in page.all("article")] == ["sad", "sad"]
    assert page.all("b") == [{}] * 4  # no tag out of a name


def test_the_page_loads_nothing_from_elsewhere(review: Review, tmp_path: Path) -> None:
    text = review_page(review, tmp_path / "out")
    page = _Page(text)
    assert not re.search(r"https?:|//[a-z]|@import|url\(", text)
    links = [tag[key] for _, tag in page.tags for key in ("src", "href") if key in tag]
    assert all(link == "data:," or str(link).startswith("../clips/") for link in links)


def test_the_page_can_save_the_manifest_as_it_is_written(review: Review, tmp_path: Path) -> None:
    text = review_page(review, tmp_path / "out")
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    data = json.loads(found[1])
    quoted = [
        [f'"{c.replace(chr(34), 2 * chr(34))}"' if '"' in c else c for c in row]
        for row in data["rows"]
    ]
    assert "".join(",".join(row) + "\n" for row in quoted) == manifest_text(
        review, tmp_path / "out"
    )
    assert [card["data-path"] for card in _Page(text).all("article")] == [
        row[0] for row in data["rows"][1:] if row[3]
    ]


def test_a_page_without_doubts_says_so(tmp_path: Path) -> None:
    review = Review("mine", "hybrid", CLASSES, (), 0)
    assert "No label is in doubt." in review_page(review, tmp_path)


def test_the_manifest_can_be_trained_on(review: Review, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "manifest.csv").write_text(manifest_text(review, out), encoding="utf-8", newline="")
    clips = scan_corpus("manifest", out).clips
    assert {clip.path.resolve() for clip in clips} == {
        (tmp_path / "clips" / name).resolve() for name in NAMES
    }
    assert [clip.emotion for clip in clips].count("happy") == 3
    assert {clip.speaker for clip in clips} == {"manifest-ann", "manifest-unknown"}


def test_those_in_doubt_stand_first(review: Review, tmp_path: Path) -> None:
    lines = manifest_text(review, tmp_path / "out").splitlines()
    assert [",yes,sad,0.1000,0.9000" in line for line in lines] == [False, True, True, False, False]
    # A path never begins as a formula would.
    assert manifest_text(review, tmp_path / "clips" / "happy").splitlines()[3].startswith("./=1")


def test_a_weak_judge_is_said_to_be_one(review: Review) -> None:
    text = "\n".join(summary_lines(review, limit=1))
    assert "4 clips judged, 2 labels in doubt" in text
    assert "and 1 more" in text
    assert "More than a quarter" in text
    clips = [ReviewClip(Path("x"), str(n), "sad", "") for n in range(10)]
    few = Review("mine", "hybrid", CLASSES, (*review.clips, *clips), 14)
    assert "More than a quarter" not in "\n".join(summary_lines(few))


def _predictions(path: Path) -> Path:
    def result(name: str, truth: str, one: float, two: float) -> ClipResult:
        given = {"bilstm": np.array([one, 1 - one]), "hybrid": np.array([two, 1 - two])}
        return ClipResult(name, "mine-ann", truth, given)

    results = [result("a.wav", "happy", 0.9, 0.2), result("b.wav", "sad", 0.3, 0.4)]
    write_predictions(path, results, CLASSES)
    return path


def test_posteriors_are_read_as_an_evaluation_writes_them(tmp_path: Path) -> None:
    path = _predictions(tmp_path / "predictions.csv")
    judged = read_predictions(path)
    assert (judged.system, judged.classes) == ("hybrid", CLASSES)
    assert (judged.names, judged.labels) == (("a.wav", "b.wav"), ("happy", "sad"))
    assert judged.probabilities == pytest.approx(np.array([[0.2, 0.8], [0.4, 0.6]]))
    assert read_predictions(path, "bilstm").probabilities[0, 0] == 0.9


def test_clips_without_posteriors_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "predictions.csv"
    path.write_text(
        "name,speaker,sex,truth,model,model happy,model sad\n"
        "a.wav,,,happy,happy,0.9,0.1\nb.wav,,,sad,no speech,,\nc.wav,,,bored,sad,0.1,0.9\n"
    )
    judged = read_predictions(path)
    assert (judged.system, judged.names, judged.n_unjudged) == ("model", ("a.wav",), 2)


@pytest.mark.parametrize(
    ("text", "system", "words"),
    [
        (None, None, "does not exist"),
        ("a,b\n1,2\n", None, "no table of predictions"),
        ("name,speaker,sex,truth,x,x happy\na,,,happy,happy\n", None, "different lengths"),
        ("name,speaker,sex,truth,x,x happy\na,,,happy,happy,much\n", None, "no numbers"),
        ("name,speaker,sex,truth,x,x happy\na,,,happy,happy,1\n", "y", "--system y: .* has x"),
        ("name,speaker,sex,truth,x,x happy\na,,,happy,happy,\n", None, "no clip has"),
    ],
)
def test_what_is_no_table_is_one_sentence(
    tmp_path: Path, text: str | None, system: str | None, words: str
) -> None:
    path = tmp_path / "predictions.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ToolkitError, match=words):
        read_predictions(path, system)
