"""Pictures of a search: its history, which keys mattered, and the values that were tried."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bilstm_hmm.atomic_files import atomic_write
from bilstm_hmm.evaluation.plots import BLUE, GREY, ORANGE
from bilstm_hmm.experiments.tuning.importances import best_so_far
from bilstm_hmm.experiments.tuning.space import Choice, Space
from bilstm_hmm.experiments.tuning.study import base_trial, complete
from bilstm_hmm.output.plot_style import new_figure, png

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

_COLUMNS = 3


def write_history(trials: "list[FrozenTrial]", path: Path) -> None:
    """Draw what each trial measured, and the best so far (PNG)."""
    with new_figure(8, 4.5) as figure:
        axes = figure.subplots()
        whole = [(t.number, t.value) for t in complete(trials)]
        cut = [
            (t.number, t.intermediate_values[max(t.intermediate_values)])
            for t in trials
            if t.state.name == "PRUNED" and t.intermediate_values
        ]
        axes.plot(*zip(*whole, strict=True), "o", color=BLUE, label="trial")
        if cut:
            axes.plot(*zip(*cut, strict=True), "x", color=GREY, label="pruned, so far")
        steps = best_so_far(trials)
        axes.step(*zip(*steps, strict=True), where="post", color=ORANGE, label="best so far")
        own = base_trial(trials)
        if own is not None and own.value is not None:
            axes.axhline(own.value, linestyle=":", color=GREY, label="the recipe itself")
        axes.set(xlabel="trial", ylabel="UA on inner validation speakers (%)")
        locator: Any = axes.xaxis.get_major_locator()
        locator.set_params(integer=True, min_n_ticks=1)
        axes.grid(alpha=0.3)
        axes.legend(loc="lower right")
        atomic_write(path, png(figure))


def write_importances(shares: Mapping[str, float], path: Path) -> None:
    """Draw how much each key mattered (PNG)."""
    with new_figure(8, 1.2 + 0.4 * len(shares)) as figure:
        axes = figure.subplots()
        names = list(shares)[::-1]
        axes.barh(names, [100 * shares[name] for name in names], color=BLUE)
        axes.set(xlabel="share of the variation of UA that it explains (%)")
        axes.grid(alpha=0.3, axis="x")
        atomic_write(path, png(figure))


def write_values(trials: "list[FrozenTrial]", space: Space, path: Path) -> None:
    """Draw UA by the value of each key (PNG)."""
    rows = -(-len(space.dimensions) // _COLUMNS)
    columns = min(_COLUMNS, len(space.dimensions))
    with new_figure(3.6 * columns, 2.8 * rows) as figure:
        grid = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
        for axes, dimension in zip(grid, space.dimensions, strict=False):
            points = [
                (t.params[dimension.key], t.value)
                for t in complete(trials)
                if dimension.key in t.params
            ]
            _draw_values(axes, dimension, points)
        for axes in grid[len(space.dimensions) :]:
            axes.set_axis_off()
        figure.supylabel("UA on inner validation speakers (%)")
        atomic_write(path, png(figure))


def _draw_values(axes: Any, dimension: Any, points: list[tuple[Any, Any]]) -> None:
    if isinstance(dimension, Choice):
        labels = list(dimension.values)
        points = [(labels.index(value), ua) for value, ua in points]
        axes.set_xticks(range(len(labels)), labels, rotation=30, ha="right")
        axes.set_xlim(-0.5, len(labels) - 0.5)
    elif dimension.log:
        axes.set_xscale("log")
        # Plain numbers: powers would need formulas, which are off, since names may have a dollar.
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.xaxis.set_minor_formatter("")
    if points:
        axes.plot(*zip(*points, strict=True), "o", color=BLUE, markersize=4)
    axes.set_title(dimension.key, fontsize=9)
    axes.grid(alpha=0.3)
