"""Pictures of a run: learning curves, confusions, reliability; PNG, figure without a screen."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from bilstm_hmm.atomic_files import atomic_write
from bilstm_hmm.confidence.risk_coverage import RiskCoverage
from bilstm_hmm.delimited_text import table_text
from bilstm_hmm.evaluation.metrics import calibration_curve, expected_calibration_error
from bilstm_hmm.output.plot_style import new_figure, png

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Told apart by every kind of colour vision: M. Okabe and K. Ito, "Color universal design", 2008.
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#666666"

_CURVES = {
    "loss": (("loss", "training", BLUE, "-"), ("val_loss", "validation", ORANGE, "--")),
    "accuracy (%)": (
        ("accuracy", "training", BLUE, "-"),
        ("val_accuracy", "validation (WA)", ORANGE, "--"),
        ("val_ua", "validation (UA)", GREEN, ":"),
    ),
}


def write_learning_curves(history: Sequence[Mapping[str, float]], path: Path) -> None:
    """Draw loss and accuracy by epoch into `path` (PNG).

    `history` has a row an epoch, with some of the keys ``loss``, ``val_loss``, ``accuracy``,
    ``val_accuracy`` and ``val_ua`` (accuracies in percent); what a row lacks is left out.
    """
    with _picture(path, 10, 4) as figure:
        both = figure.subplots(1, 2)
        both[1].set_ylim(0, 100)
        for axes, (quantity, lines) in zip(both, _CURVES.items(), strict=True):
            for key, name, colour, style in lines:
                points = [(epoch, row[key]) for epoch, row in enumerate(history, 1) if key in row]
                if points:
                    # A marker, since a line through a single epoch does not show.
                    axes.plot(
                        *zip(*points, strict=True),
                        style,
                        color=colour,
                        label=name,
                        marker="o",
                        markersize=3,
                    )
            axes.set(xlabel="epoch", ylabel=quantity, title=quantity.split(" ")[0].capitalize())
            axes.set_xlim(0.5, max(len(history), 1) + 0.5)
            axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
            axes.grid(alpha=0.3)
            if axes.lines:
                axes.legend()


def write_confusion_matrix(
    matrix: ArrayLike, labels: Sequence[str], png_path: Path, csv_path: Path, title: str
) -> None:
    """Draw a confusion matrix of counts (a row a true class) and write it as a table.

    The colour and the upper figure of a cell are its share of the row in percent, the lower
    figure the clips. The table has the counts, true classes downwards.
    """
    counts = np.asarray(matrix, dtype=np.int64)
    rows = [[label, *map(str, row)] for label, row in zip(labels, counts, strict=True)]
    atomic_write(csv_path, table_text([["truth \\ predicted", *labels], *rows]))
    totals = counts.sum(axis=1, keepdims=True)
    percentages = 100.0 * counts / np.maximum(totals, 1)
    size = max(4.5, 0.85 * len(labels) + 1.8) + 0.06 * max(map(len, labels))
    with _picture(png_path, size + 0.8, size) as figure:
        axes = figure.subplots()
        image = axes.imshow(percentages, cmap="cividis", vmin=0, vmax=100)
        figure.colorbar(image, ax=axes, label="share of the true class (%)", shrink=0.8)
        at = range(len(labels))
        axes.set(xlabel="predicted", ylabel="truth", title=title, xticks=at, yticks=at)
        axes.set_xticklabels(labels, rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticklabels(labels)
        for row, column in np.ndindex(counts.shape):
            percentage = percentages[row, column]
            axes.text(
                column,
                row,
                f"{percentage:.0f}\n({counts[row, column]})",
                ha="center",
                va="center",
                fontsize=8,
                color="black" if percentage > 55 else "white",
            )


def write_reliability_diagram(
    probabilities: ArrayLike, truth: ArrayLike, path: Path, title: str
) -> None:
    """Draw accuracy against confidence, and how many clips have which confidence (PNG).

    `probabilities` is ``[n_clips, n_classes]``, `truth` holds class indices. Bars that end below
    the diagonal are overconfident.
    """
    bins = 15
    _, accuracy, fraction = calibration_curve(probabilities, truth, bins)
    error = expected_calibration_error(probabilities, truth, bins)
    middles = (np.arange(bins) + 0.5) / bins
    with _picture(path, 5.5, 6) as figure:
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
        upper.bar(middles, np.nan_to_num(accuracy), 0.9 / bins, color=BLUE, label="accuracy")
        upper.plot([0, 1], [0, 1], "--", color=ORANGE, label="confidence = accuracy")
        upper.set(ylabel="accuracy", title=f"{title}\nECE {error:.3f}", xlim=(0, 1), ylim=(0, 1))
        upper.legend(loc="upper left")
        upper.grid(alpha=0.3)
        lower.bar(middles, 100 * fraction, 0.9 / bins, color=GREY)
        lower.set(xlabel="confidence", ylabel="clips (%)")
        lower.grid(alpha=0.3)


def write_risk_coverage(tables: Mapping[str, RiskCoverage], path: Path, title: str) -> None:
    """Draw how often models are right among what they answer, by how much that is (PNG).

    `tables` has one for each line, by its name; of each the part that is known is drawn.
    """
    with _picture(path, 6, 4.5) as figure:
        axes = figure.subplots()
        styles = zip((BLUE, ORANGE, GREEN, GREY), ("-", "--", ":", "-."), strict=True)
        for (name, table), (colour, style) in zip(tables.items(), cycle(styles), strict=False):
            known = ~np.isnan(table.accuracy)
            shares = 100 * table.coverage[known], 100 * table.accuracy[known]
            axes.plot(*shares, style, color=colour, label=name, marker=".")
        axes.set(xlabel="answered (%)", ylabel="right among the answered (%)", title=title)
        axes.set(xlim=(0, 101), ylim=(0, 101))
        axes.grid(alpha=0.3)
        if tables:
            axes.legend(loc="lower left")


@contextmanager
def _picture(path: Path, width: float, height: float) -> Iterator["Figure"]:
    """Yield a figure, width and height in inches, and write it to `path` when the block ends."""
    with new_figure(width, height) as figure:
        yield figure
        atomic_write(path, png(figure))
