import itertools
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bilstm_hmm.confidence.risk_coverage import RiskCoverage
from bilstm_hmm.delimited_text import table_rows
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.evaluation.plots import (
    write_confusion_matrix,
    write_learning_curves,
    write_reliability_diagram,
    write_risk_coverage,
)

LABELS = ["neutral", "a rather long emotion", "$x_1^2$", "悲しみ"]
HISTORY = [
    {"loss": 2 / e, "accuracy": 10.0 * e, "val_loss": 3 / e, "val_accuracy": 9.0 * e, "val_ua": 8.0}
    for e in range(1, 8)
]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the figures that are written; none may have ink at the edge of its picture."""
    from matplotlib.figure import Figure

    figures: list[Any] = []
    save = Figure.savefig

    def kept(figure: Any, *arguments: Any, **options: Any) -> None:
        save(figure, *arguments, **options)
        _assert_nothing_is_cut(arguments[0])
        figures.append(figure)

    monkeypatch.setattr(Figure, "savefig", kept)
    return figures


def _assert_nothing_is_cut(file: BytesIO) -> None:
    from matplotlib.image import imread

    pixels = imread(BytesIO(file.getvalue()))[..., :3]
    assert pixels.std() > 0.05
    for edge in (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]):
        assert (edge == 1).all()


@pytest.mark.parametrize("n_classes", [2, 4, 9])
def test_a_confusion_matrix_is_drawn_whole_and_written(
    tmp_path: Path, drawn: list[Any], n_classes: int
) -> None:
    labels = list(itertools.islice(itertools.cycle(LABELS), n_classes))
    counts = np.arange(n_classes**2).reshape(n_classes, n_classes) * 37
    png, table = tmp_path / "a.png", tmp_path / "a.csv"
    write_confusion_matrix(
        counts, labels, png, table, "random (SPEAKER-DEPENDENT), hybrid\nUA 31.0 %"
    )
    header, *rows = table_rows(table.read_text(encoding="utf-8"))
    assert header[1:] == [row[0] for row in rows] == labels
    np.testing.assert_array_equal([[int(cell) for cell in row[1:]] for row in rows], counts)
    (figure,) = drawn
    cells = [text.get_text() for text in figure.axes[0].texts]
    assert cells[1] == f"{100 * counts[0, 1] / counts[0].sum():.0f}\n({counts[0, 1]})"


def test_a_class_without_clips_is_drawn_as_nothing(tmp_path: Path, drawn: list[Any]) -> None:
    write_confusion_matrix([[2, 0], [0, 0]], ["a", "b"], tmp_path / "a.png", tmp_path / "a.csv", "")
    assert [t.get_text() for t in drawn[0].axes[0].texts] == ["100\n(2)", "0\n(0)"] + ["0\n(0)"] * 2


@pytest.mark.parametrize("epochs", [0, 1, 7])
def test_curves_show_what_the_history_has(tmp_path: Path, drawn: list[Any], epochs: int) -> None:
    write_learning_curves(HISTORY[:epochs], tmp_path / "curves.png")
    (figure,) = drawn
    expected = [2, 3] if epochs else [0, 0]
    assert [len(axes.lines) for axes in figure.axes] == expected
    for line in figure.axes[0].lines[:1]:
        np.testing.assert_array_equal(line.get_xdata(), np.arange(1, epochs + 1))
        np.testing.assert_array_equal(line.get_ydata(), [row["loss"] for row in HISTORY[:epochs]])


def test_curves_without_validation(tmp_path: Path, drawn: list[Any]) -> None:
    write_learning_curves([{"loss": 1.0, "accuracy": 3.0}] * 2, tmp_path / "curves.png")
    assert [len(axes.lines) for axes in drawn[0].axes] == [1, 1]


def test_reliability_shows_the_accuracy_of_each_bin(tmp_path: Path, drawn: list[Any]) -> None:
    # Ten clips at 0.9, six of them right; ten at 0.5, all of them right.
    probabilities = [[0.9, 0.1, 0.0]] * 10 + [[0.2, 0.5, 0.3]] * 10
    truth = [0] * 6 + [1] * 4 + [1] * 10
    write_reliability_diagram(probabilities, truth, tmp_path / "r.png", "demo, hybrid")
    (figure,) = drawn
    upper, lower = figure.axes
    heights = [bar.get_height() for bar in upper.patches]
    assert sorted(heights)[-2:] == pytest.approx([0.6, 1.0])
    assert [bar.get_height() for bar in lower.patches if bar.get_height()] == [50.0, 50.0]
    assert upper.get_title() == "demo, hybrid\nECE 0.400"


def test_risk_and_coverage_are_drawn_as_far_as_they_are_known(
    tmp_path: Path, drawn: list[Any]
) -> None:
    coverage = np.array([1.0, 0.5, 0.0])
    tables = {
        "one": RiskCoverage(coverage, np.array([0.6, 0.8, np.nan])),
        "another": RiskCoverage(coverage, np.full(3, np.nan)),
    }
    write_risk_coverage(tables, tmp_path / "r.png", "demo")
    one, another = drawn[0].axes[0].lines
    np.testing.assert_allclose(one.get_xydata(), [[100.0, 60.0], [50.0, 80.0]])
    assert len(another.get_xydata()) == 0
    write_risk_coverage({}, tmp_path / "none.png", "demo")


def test_pictures_are_the_same_each_time(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        write_learning_curves(HISTORY, tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_picture_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ToolkitError, match=r"cannot write .*curves\.png"):
        write_learning_curves(HISTORY, tmp_path / "file" / "curves.png")
