"""Why a label came out, below its timeline: a row for all features, and one for each group."""

from typing import TYPE_CHECKING

import numpy as np

from bilstm_hmm.inference.explanation.result import Effect, Explanation
from bilstm_hmm.output.plot_style import MUTED_COLOUR, TEXT_COLOUR
from bilstm_hmm.prediction import Prediction

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.axes import Axes

#: Inches of a row.
ROW_HEIGHT = 0.24
_ALL = "all features"
#: Points of probability that the darkest colour stands for at least.
_LEAST_RANGE = 1.0


def strip_heights(result: Prediction) -> list[float]:
    """Return the inches that the rows need below a timeline; none where there are no rows."""
    rows = rows_of(result)
    return [ROW_HEIGHT * (len(rows) + 0.5)] if rows else []


def rows_of(result: Prediction) -> "dict[str, list[Sequence[Effect]]]":
    """Return what the strips show: of each row the moments of each segment; nothing of silence."""
    rows: dict[str, list[Sequence[Effect]]] = {}
    for name, moments in _named_moments(result):
        rows.setdefault(name, []).append(moments)
    return rows


def _named_moments(result: Prediction) -> "Iterator[tuple[str, Sequence[Effect]]]":
    if isinstance(result.explanation, Explanation):
        for segment in result.explanation.segments:
            yield _ALL, segment.moments
            yield from ((group.name, group.moments) for group in segment.groups)


def draw_explanation(axes: "Axes", result: Prediction) -> None:
    """Draw by how much the label's probability falls without a moment, or a group there."""
    rows = rows_of(result)
    every = [m for segments in rows.values() for moments in segments for m in moments]
    most = max(_LEAST_RANGE, *(100.0 * abs(moment.support) for moment in every))
    for place, segments in enumerate(rows.values()):
        for moments in segments:
            mesh = axes.pcolormesh(
                np.array([*(m.start for m in moments), moments[-1].end]),
                np.array([place - 0.45, place + 0.45]),
                100.0 * np.array([[m.support for m in moments]]),
                cmap="PuOr_r",
                vmin=-most,
                vmax=most,
            )
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks(range(len(rows)), list(rows), fontsize=8)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(MUTED_COLOUR)
    axes.tick_params(colors=TEXT_COLOUR, left=False, bottom=False, labelbottom=False)
    scale = axes.inset_axes((1.008, 0.0, 0.01, 1.0))
    bar = axes.figure.colorbar(mesh, cax=scale, ticks=[-most, 0.0, most])
    bar.outline.set_visible(False)
    bar.ax.set_yticklabels([f"against: {most:.0f} %", "0", f"for: {most:.0f} %"], fontsize=8)
    bar.ax.tick_params(colors=TEXT_COLOUR, length=0)
