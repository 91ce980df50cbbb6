import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn.metrics

from bilstm_hmm.evaluation.baselines import BASELINES
from bilstm_hmm.evaluation.clip_results import ClipResult
from bilstm_hmm.evaluation.report import classification_report, results_table, write_evaluation

CLASSES = ["happy", "sad", "own | word"]
SYSTEMS = ("bilstm", "hybrid")
COST = {"parameters": 12345, "train_seconds_per_fold": [61.4, None]}


@pytest.fixture(scope="module")
def results() -> list[ClipResult]:
    rng = np.random.default_rng(3)
    made = []
    for clip in range(40):
        truth = clip % 2
        shares = {s: rng.dirichlet(1 + 3 * np.eye(3)[truth]) for s in (*SYSTEMS, *BASELINES)}
        sex = ("female", "male", None)[clip % 5 % 3]
        made.append(ClipResult(f"{clip}.wav", f"s{clip % 10}", CLASSES[truth], shares, sex))
    return made


@pytest.fixture(scope="module")
def folds() -> list[int]:
    return [2 + 3 * (clip % 2) for clip in range(40)]


@pytest.fixture(scope="module")
def written(
    tmp_path_factory: pytest.TempPathFactory, results: list[ClipResult], folds: list[int]
) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("run")
    document = write_evaluation(folder / "demo", "random", False, CLASSES, results, folds, COST)
    return folder / "demo", document


def _table(report: str, first: str) -> list[list[str]]:
    """Return the cells of the Markdown table whose header starts with `first`."""
    lines = report.split(f"| {first} |")[1].split("\n\n", maxsplit=1)[0].splitlines()
    rows = [line.replace("\\|", "¦").strip("| ").split(" | ") for line in lines]
    assert lines[1].count("|") == lines[0].count("|") + 2
    return [rows[0], *rows[2:]]


def test_an_evaluation_leaves_its_files(written: tuple[Path, dict[str, Any]]) -> None:
    folder, document = written
    kinds = ("confusion", "reliability", "risk_coverage")
    pictures = {f"{kind}_{s}.png" for kind in kinds for s in SYSTEMS}
    tables = {f"confusion_{s}.csv" for s in SYSTEMS}
    assert {p.name for p in folder.iterdir()} == {
        "metrics.json", "report.md", "predictions.csv", *pictures, *tables,
    }  # fmt: skip
    assert json.loads((folder / "metrics.json").read_text(encoding="utf-8")) == document
    report = (folder / "report.md").read_text(encoding="utf-8")
    for picture in pictures:
        assert f"]({picture})" in report


@pytest.mark.usefixtures("no_pictures")
def test_speaker_dependent_figures_say_so_loudly(
    tmp_path: Path,
    written: tuple[Path, dict[str, Any]],
    results: list[ClipResult],
    folds: list[int],
) -> None:
    report = (written[0] / "report.md").read_text(encoding="utf-8")
    assert report.index("**SPEAKER-DEPENDENT") < report.index("| system |")
    assert "Speaker-independent: no test" not in report
    write_evaluation(tmp_path, "demo-si", True, CLASSES, results, folds)
    independent = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "Speaker-independent: no test speaker" in independent
    assert "DEPENDENT" not in independent


def test_the_report_prints_the_document(written: tuple[Path, dict[str, Any]]) -> None:
    folder, document = written
    report = (folder / "report.md").read_text(encoding="utf-8")
    systems = document["systems"]
    _, *rows = _table(report, "system")
    for row, (system, scores) in zip(rows, systems.items(), strict=True):
        low, high = scores["ua_interval"]
        assert row == [
            system,
            f"{scores['ua']:.1f}",
            f"{low:.1f} to {high:.1f}",
            f"{scores['wa']:.1f}",
            f"{scores['f1']:.1f}",
            f"{scores['ece']:.3f}",
        ]
    _, *rows = _table(report, "class")
    assert [row[0] for row in rows] == ["happy", "sad", "own ¦ word"]
    assert set(rows[2][1:]) == {"no clips"}
    assert rows[0][1] == f"{systems['bilstm']['recalls']['happy']:.1f}"
    _, *rows = _table(report, "fold")
    assert [row[0] for row in rows] == ["2", "5", "mean"]
    assert [row[-1] for row in rows] == ["61", "unknown", "61"]
    assert "12,345 parameters" in report
    per_fold = systems["hybrid"]["ua_per_fold"]
    assert [row[2] for row in rows] == [f"{ua:.1f}" for ua in (*per_fold, np.mean(per_fold))]
    _, *rows = _table(report, "sex")
    assert [row[0] for row in rows] == ["female", "male"]
    by_sex = systems["hybrid"]["ua_by_sex"]
    assert [row[2] for row in rows] == [f"{ua:.1f}" for ua in by_sex.values()]
    found = document["comparison"]["hybrid-bilstm"]
    assert f"hybrid less bilstm: {found['ua']:+.1f} points of UA" in report


@pytest.mark.parametrize(
    ("interval", "verdict"),
    [([0.1, 2.0], True), ([-2.0, -0.1], True), ([-0.1, 2.0], False), ([0.0, 0.0], False)],
)
def test_a_difference_counts_where_its_interval_leaves_out_zero(
    tmp_path: Path,
    written: tuple[Path, dict[str, Any]],
    interval: list[float],
    verdict: bool,
) -> None:
    from bilstm_hmm.evaluation.report import write_report_markdown

    comparison = {"hybrid-bilstm": {"ua": 1.0, "ua_interval": interval}}
    document = written[1] | {"comparison": comparison}
    write_report_markdown(tmp_path / "r.md", document, dict.fromkeys(SYSTEMS, ""))
    line = next(
        line for line in (tmp_path / "r.md").read_text().splitlines() if "hybrid less" in line
    )
    assert (", not more than" not in line) is verdict


@pytest.mark.usefixtures("no_pictures")
def test_two_speakers_are_said_to_allow_no_interval(
    tmp_path: Path, results: list[ClipResult]
) -> None:
    """Where a difference of +4.4 [+4.4, +8.1] was called more than the choice of speakers."""
    two = [replace(r, speaker=f"s{place % 2}") for place, r in enumerate(results)]
    write_evaluation(tmp_path, "demo", True, CLASSES, two, [1] * len(two))
    report = (tmp_path / "report.md").read_text("utf-8")
    _, *rows = _table(report, "system")
    assert {row[2] for row in rows} == {"none"}
    assert "; fewer than 6 speakers allow no interval;" in report
    assert ", fewer than 6 speakers do not tell whether it is more than chance." in report
    assert "95 % interval " not in report.replace("| 95 % interval |", "")
    assert "explains" not in report


@pytest.mark.usefixtures("no_pictures")
def test_one_system_has_no_comparison(tmp_path: Path, results: list[ClipResult]) -> None:
    alone = [
        ClipResult(r.name, r.speaker, r.truth, {"hmm": r.probabilities["hybrid"]}) for r in results
    ]
    write_evaluation(tmp_path, "demo", True, CLASSES, alone, [1] * len(alone))
    report = (tmp_path / "report.md").read_text(encoding="utf-8")
    for absent in ("int8", "Comparison", "by sex", "floors", "parameters", "training (s)"):
        assert absent not in report


@pytest.mark.usefixtures("no_pictures")
def test_an_int8_network_stands_in_the_tables(
    tmp_path: Path, results: list[ClipResult], folds: list[int]
) -> None:
    """A row like any other, and a word on what it is; pictures are the float network's."""
    marked = [
        replace(r, probabilities={**r.probabilities, "hybrid-int8": r.probabilities["hybrid"]})
        for r in results
    ]
    document = write_evaluation(tmp_path, "demo", True, CLASSES, marked, folds)
    report = (tmp_path / "report.md").read_text(encoding="utf-8")
    rows = {row[0]: row[1:] for row in _table(report, "system")[1:]}
    assert rows["hybrid-int8"] == rows["hybrid"]
    assert "`hybrid-int8` is `hybrid` with the model's int8 network" in report
    assert document["systems"]["hybrid-int8"] == document["systems"]["hybrid"]
    assert not [path for path in tmp_path.iterdir() if "int8" in path.name]


@pytest.mark.usefixtures("no_pictures")
def test_a_training_that_nobody_timed_is_unknown(
    tmp_path: Path, results: list[ClipResult], folds: list[int]
) -> None:
    cost = {"parameters": None, "train_seconds_per_fold": [None, None]}
    write_evaluation(tmp_path, "demo", True, CLASSES, results, folds, cost)
    report = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "parameters" not in report
    _, *rows = _table(report, "fold")
    assert [row[-1] for row in rows] == ["unknown"] * 3


def test_the_terminal_table_has_the_same_figures(written: tuple[Path, dict[str, Any]]) -> None:
    from rich.console import Console

    out = io.StringIO()
    Console(file=out, width=100).print(results_table(written[1]))
    text = out.getvalue()
    assert "random, 40 clips, SPEAKER-DEPENDENT" in text
    for system, scores in written[1]["systems"].items():
        line = next(line for line in text.splitlines() if system in line)
        assert f"{scores['ua']:.1f}" in line
        assert f"{scores['ece']:.3f}" in line


def test_the_classification_report_is_scikit_learns() -> None:
    truth, predicted = [0, 0, 1, 1], [0, 1, 1, 1]
    text = classification_report(truth, predicted, CLASSES)
    lines = [line for line in text.splitlines() if line.strip().startswith("sad")]
    precision, recall, f1, support = sklearn.metrics.precision_recall_fscore_support(
        truth, predicted, labels=[1]
    )
    assert lines[0].split()[1:] == [
        f"{precision[0]:.3f}", f"{recall[0]:.3f}", f"{f1[0]:.3f}", f"{support[0]}",
    ]  # fmt: skip
    assert "own | word" in text
