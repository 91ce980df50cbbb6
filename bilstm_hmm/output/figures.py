"""Figures of matplotlib without its state: no pyplot, no screen, the same bytes each time."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 120


@contextmanager
def figure(width: float, height: float) -> Iterator["Figure"]:
    """Yield an empty figure, width and height in inches; `png` within the block writes it."""
    from matplotlib import rc_context

    # Not pyplot: it keeps figures alive, and may want a screen.
    from matplotlib.figure import Figure

    with rc_context({"text.parse_math": False}), warnings.catch_warnings():
        # A name may hold dollar signs, which are no formula, or a script that the font lacks,
        # which shows as boxes.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield Figure(figsize=(width, height), dpi=DPI, layout="constrained")


def png(drawn: "Figure") -> bytes:
    """Return a figure as PNG, widened where the layout could not hold a long label."""
    file = BytesIO()
    drawn.savefig(
        file,
        format="png",
        dpi=DPI,
        bbox_inches="tight",
        pad_inches=0.1,
        metadata={"Software": None},
    )
    return file.getvalue()
