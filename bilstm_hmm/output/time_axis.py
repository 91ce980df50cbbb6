"""An axis of minutes and seconds."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TICKS = 12
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)


def time_axis(axes: "Axes", end: float) -> None:
    """Give an axis of `end` seconds from 0 on ticks at round times, and its name."""
    step = time_step(end)
    axes.set_xlim(0, end)
    axes.set_xticks(np.arange(0.0, end + step / 1000, step))
    axes.xaxis.set_major_formatter(lambda seconds, _: clock(seconds, end, step))
    axes.set_xlabel("time (h:mm:ss)" if end >= 3600 else "time (m:ss)", color="#333333")
    axes.tick_params(axis="x", bottom=True, labelbottom=True)


def time_step(end: float) -> float:
    """Return the seconds from tick to tick of an axis from 0 to `end`."""
    fitting = (float(step) for step in _STEPS if end / step <= _TICKS)
    return next(fitting, 3600.0 * float(np.ceil(end / 3600.0 / _TICKS)))


def clock(seconds: float, end: float, step: float) -> str:
    """Return a time as ``m:ss``, with hours where `end` has them, decimals where `step` has."""
    decimals = 0 if step >= 1 else 1 if step >= 0.1 else 2
    minutes, rest = divmod(round(seconds, decimals), 60)
    shown = f"{rest:0{3 + decimals if decimals else 2}.{decimals}f}"
    if end < 3600:
        return f"{minutes:.0f}:{shown}"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:.0f}:{minutes:02.0f}:{shown}"
