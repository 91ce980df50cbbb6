"""How every picture looks: figures without a screen, one colour an emotion, an axis of time."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from bilstm_hmm.data.clip import EMOTIONS
from bilstm_hmm.prediction import NO_SPEECH

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 120
#: Of text and lines, and of what should stand back.
TEXT_COLOUR, MUTED_COLOUR = "#333333", "#888888"
#: Searched for in hues that suit the emotions: any two, and the grey of no speech, are 20 or more
#: apart in CIELAB as they are, and for eyes without red, green or blue cones (G. M. Machado et al.,
#: "A physiologically-based model for simulation of color vision deficiency", 2009).
_EMOTION_COLOURS = MappingProxyType(
    {
        "neutral": "#5D6773",
        "calm": "#1AB68B",
        "happy": "#FCB105",
        "sad": "#0D3ECA",
        "angry": "#D40200",
        "fearful": "#4B2780",
        "disgust": "#59964A",
        "surprised": "#E75DCB",
        "bored": "#583224",
    }
)
#: For words of a user's own: 16 or more apart from those and from each other.
_OTHER_COLOURS = ("#C9BD58", "#B45EE8", "#67034D", "#D97F06", "#716549", "#B413B2")
_SILENCE_COLOUR = "#DDDDDD"

_MAX_TICKS = 12
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)


@contextmanager
def new_figure(width: float, height: float) -> Iterator["Figure"]:
    """Yield an empty figure, width and height in inches, to be drawn within the block."""
    with _names_as_they_are():
        yield _figure_class()(figsize=(width, height), dpi=DPI, layout="constrained")


@cache
def _figure_class() -> "type[Figure]":
    # Not pyplot: it keeps figures alive, and may want a screen.
    from matplotlib.figure import Figure

    class NotebookFigure(Figure):
        """A figure that a notebook shows, which else only those of pyplot are."""

        def _repr_png_(self) -> bytes:
            return png(self)

    return NotebookFigure


@contextmanager
def _names_as_they_are() -> Iterator[None]:
    """Names may hold dollar signs, which are no formula, or a script that shows as boxes."""
    from matplotlib import rc_context

    with rc_context({"text.parse_math": False}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def png(figure: "Figure") -> bytes:
    """Return a figure as PNG, widened where the layout could not hold a long label.

    The first time it is drawn, the same figure gives the same bytes.
    """
    file = BytesIO()
    with _names_as_they_are():
        figure.savefig(
            file,
            format="png",
            dpi=DPI,
            bbox_inches="tight",
            pad_inches=0.1,
            metadata={"Software": None},
        )
    return file.getvalue()


def emotion_colours(labels: Sequence[str]) -> dict[str, str]:
    """Return the colour of each label as ``#RRGGBB``, and of `NO_SPEECH`.

    Parameters
    ----------
    labels
        The classes of a model. Those of `EMOTIONS` have a colour of their own whatever else there
        is; others get theirs by their place in the alphabet, again from the first after the sixth.
    """
    others = sorted(set(labels) - set(EMOTIONS) - {NO_SPEECH})
    colours = _EMOTION_COLOURS | {
        name: _OTHER_COLOURS[index % len(_OTHER_COLOURS)] for index, name in enumerate(others)
    }
    return {name: colours[name] for name in labels if name != NO_SPEECH} | {
        NO_SPEECH: _SILENCE_COLOUR
    }


def is_dark(colour: str) -> bool:
    """Return whether ``#RRGGBB`` wants white letters on it rather than black."""
    red, green, blue = (int(colour[first : first + 2], 16) / 255 for first in (1, 3, 5))
    return 0.299 * red + 0.587 * green + 0.114 * blue < 0.48


def set_time_axis(axes: "Axes", end: float) -> None:
    """Give an axis of `end` seconds from 0 on ticks at round times, and its name."""
    step = tick_interval(end)
    axes.set_xlim(0, end)
    axes.set_xticks(np.arange(0.0, end + step / 1000, step))
    axes.xaxis.set_major_formatter(lambda seconds, _: format_time(seconds, end, step))
    axes.set_xlabel("time (h:mm:ss)" if end >= 3600 else "time (m:ss)", color=TEXT_COLOUR)
    axes.tick_params(axis="x", bottom=True, labelbottom=True)


def tick_interval(end: float) -> float:
    """Return the seconds from tick to tick of an axis from 0 to `end`."""
    fitting = (float(step) for step in _STEPS if end / step <= _MAX_TICKS)
    return next(fitting, 3600.0 * float(np.ceil(end / 3600.0 / _MAX_TICKS)))


def format_time(seconds: float, end: float, step: float) -> str:
    """Return a time as ``m:ss``, with hours where `end` has them, decimals where `step` has."""
    decimals = 0 if step >= 1 else 1 if step >= 0.1 else 2
    minutes, rest = divmod(round(seconds, decimals), 60)
    shown = f"{rest:0{3 + decimals if decimals else 2}.{decimals}f}"
    if end < 3600:
        return f"{minutes:.0f}:{shown}"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:.0f}:{minutes:02.0f}:{shown}"
