"""The timeline of a recording as a picture: waveform, emotions, and how likely each is."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from bilstm_hmm.features.audio.envelope import Envelope
from bilstm_hmm.output.downsampling import (
    Band,
    downsample_curves,
    majority_bands,
    mask_inside,
    time_per_label,
)
from bilstm_hmm.output.emotion_colours import colours, is_dark
from bilstm_hmm.output.figures import figure, png
from bilstm_hmm.output.label_tracks import plain
from bilstm_hmm.output.time_axis import time_axis
from bilstm_hmm.prediction import NO_SPEECH, Curves, Prediction

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 12.0, 6.0
#: What the width of the picture can show: columns, bands side by side, and points of a curve in a
#: short recording and in a long one, where more would be a thicket.
COLUMNS = 1200
_BANDS = 250
_POINTS, _POINTS_LONG = 600, 120
_SHORT = 300.0
_LINE_LETTERS = 130
_INK, _SOFT = "#333333", "#888888"


@dataclass(frozen=True, slots=True)
class _Shown:
    """What all parts of a picture go by.

    `labels` are the classes and what else the segments are called, `found` the segments as bands,
    `points` how many stretches of time curves are averaged over.
    """

    result: Prediction
    end: float
    labels: tuple[str, ...]
    colour: dict[str, str]
    found: list[Band]
    points: int

    @property
    def dense(self) -> bool:
        """Whether there are more bands than the eye can tell apart."""
        return len(self.found) > _BANDS

    @property
    def quiet(self) -> list[tuple[float, float]]:
        return [(start, stop) for start, stop, name in self.found if name == NO_SPEECH]

    @property
    def edges(self) -> Any:
        return np.linspace(0.0, self.end, self.points + 1)


def picture(result: Prediction, heard: Envelope) -> bytes:
    """Return the timeline of a recording as PNG.

    Above is the waveform, then a band of the emotions, then the probability of each over time, or
    the confidence of each segment where the prediction has no curves. Where a long recording has
    more segments than can be told apart, the band shows the emotions' shares of the time.

    Parameters
    ----------
    result
        Its segments in order of time, without overlap.
    heard
        The envelope of the recording, of `COLUMNS` stretches or a few times as many.
    """
    shown = _shown(result)
    with figure(WIDTH, HEIGHT) as drawn:
        drawn.set_layout_engine("constrained", hspace=0.0, h_pad=0.03)
        heights = [4, 2, 4] if shown.dense else [4, 1, 5]
        above, strip, below = drawn.subplots(3, 1, sharex=True, height_ratios=heights)
        _waveform(above, heard, shown)
        (_mixture if shown.dense else _strip)(strip, shown)
        if result.curves is not None:
            _probabilities(below, shown)
        elif shown.dense:
            _mean_confidence(below, shown)
        else:
            _confidences(below, shown)
        time_axis(below, shown.end)
        _titles(above, result)
        _legend(drawn, shown)
        return png(drawn)


def _shown(result: Prediction) -> _Shown:
    end = max(result.duration, 1e-3)
    segments = result.segments
    named = dict.fromkeys([*result.probabilities, *(s.emotion for s in segments)])
    labels = tuple(sorted(named, key=lambda name: name == NO_SPEECH))
    points = int(np.clip(_POINTS * _SHORT / end, _POINTS_LONG, _POINTS))
    return _Shown(
        result, end, labels, colours(labels), majority_bands(segments, end, COLUMNS), points
    )


def _waveform(axes: "Axes", heard: Envelope, shown: _Shown) -> None:
    times = heard.step * (np.arange(len(heard.lows), dtype=np.float64) + 0.5)
    peak = max(float(np.abs(heard.lows).max()), float(np.abs(heard.highs).max()), 1e-3)
    # Grey below all, so that no join between two colours shows as a gap.
    style: dict[str, Any] = {"linewidth": 0.6, "zorder": 2}
    axes.fill_between(times, heard.lows, heard.highs, color=_SOFT, **style)
    coloured = [] if shown.dense else [name for name in shown.labels if name != NO_SPEECH]
    for emotion in coloured:
        spans = [(start, stop) for start, stop, name in shown.found if name == emotion]
        here = mask_inside(times, spans)
        axes.fill_between(
            times, heard.lows, heard.highs, where=here, color=shown.colour[emotion], **style
        )
    _shade_quiet(axes, shown)
    axes.set_ylim(-1.08 * peak, 1.08 * peak)
    axes.set_ylabel("waveform", color=_INK)
    axes.locator_params(axis="y", nbins=4, symmetric=True)
    _plain_frame(axes)


def _strip(axes: "Axes", shown: _Shown) -> None:
    for start, stop, emotion in shown.found:
        axes.axvspan(start, stop, color=shown.colour[emotion], linewidth=0)
        text = shortened(emotion, 24)
        if WIDTH * 0.93 * (stop - start) / shown.end > 0.07 * len(text) + 0.04:
            ink = "white" if is_dark(shown.colour[emotion]) else "black"
            place = ((start + stop) / 2, 0.48)
            axes.text(*place, text, ha="center", va="center", fontsize=9, color=ink)
    axes.set(ylim=(0, 1), yticks=[])
    _plain_frame(axes)


def _mixture(axes: "Axes", shown: _Shown) -> None:
    """Bars of the emotions' shares of the time, one on the other."""
    edges = shown.edges
    widths = np.diff(edges)
    percent = 100.0 * time_per_label(shown.result.segments, shown.labels, edges) / widths
    floor = np.zeros(len(widths))
    for name, heights in zip(shown.labels, percent, strict=True):
        # A little wider than they are, or the background shows between them.
        axes.bar(edges[:-1], heights, 1.02 * widths, floor, align="edge", color=shown.colour[name])
        floor += heights
    axes.set(ylim=(0, 100), yticks=[0, 50, 100])
    axes.set_ylabel("time (%)", color=_INK)
    _plain_frame(axes)


def _probabilities(axes: "Axes", shown: _Shown) -> None:
    curves = _spoken(shown.result)
    fewer = downsample_curves(curves, shown.end, shown.points, _silences(shown))
    percent = 100.0 * fewer.probabilities
    for place, name in enumerate(shown.result.probabilities):
        line, colour = percent[:, place], shown.colour[name]
        axes.plot(fewer.times, line, color=colour, linewidth=1.6)
        others = np.delete(percent, place, axis=1).max(axis=1, initial=0.0)
        # By how much the likeliest leads.
        lead: dict[str, Any] = {"where": line >= others, "interpolate": True, "linewidth": 0}
        axes.fill_between(fewer.times, line, others, color=colour, alpha=0.2, **lead)
    _shade_quiet(axes, shown)
    highest = float(np.nanmax(percent, initial=0.0)) if shown.dense else 100.0
    # Of minutes on end the mean is seldom sure of anything.
    _percent_axis(axes, _of_means("probability (%)", shown), 50 if highest < 48 else 100)


def _spoken(result: Prediction) -> Curves:
    """Return the curves without the frames in which nobody speaks."""
    curves = result.curves
    assert curves is not None
    quiet = [(s.start, s.end) for s in result.segments if s.emotion == NO_SPEECH]
    kept = ~mask_inside(curves.times, quiet)
    return Curves(curves.times[kept], curves.probabilities[kept])


def _silences(shown: _Shown) -> list[float]:
    """Return where speech ends for longer than what a curve is averaged over."""
    spoken = [(start, stop) for start, stop, name in shown.found if name != NO_SPEECH]
    step = shown.end / shown.points
    return [stop for (_, stop), (start, _) in pairwise(spoken) if start - stop > step]


def _of_means(label: str, shown: _Shown) -> str:
    step = shown.end / shown.points
    return f"{label}\nmean of {step:.0f} s" if shown.end > _SHORT else label


def _confidences(axes: "Axes", shown: _Shown) -> None:
    segments = shown.result.segments
    for emotion in dict.fromkeys(s.emotion for s in segments if s.emotion != NO_SPEECH):
        own = [s for s in segments if s.emotion == emotion]
        x = np.array([[s.start, s.end, s.end] for s in own]).ravel()
        y = 100.0 * np.array([[s.confidence, s.confidence, np.nan] for s in own]).ravel()
        axes.fill_between(x, y, color=shown.colour[emotion], alpha=0.2, linewidth=0)
        axes.plot(x, y, color=shown.colour[emotion], linewidth=2.5, solid_capstyle="butt")
    _shade_quiet(axes, shown)
    _percent_axis(axes, "confidence (%)")


def _mean_confidence(axes: "Axes", shown: _Shown) -> None:
    spoken = [s for s in shown.result.segments if s.emotion != NO_SPEECH]
    step = shown.end / shown.points
    sums, seconds = np.zeros(shown.points), np.zeros(shown.points)
    for segment in spoken:
        place = min(int((segment.start + segment.end) / 2 / step), shown.points - 1)
        sums[place] += segment.confidence * (segment.end - segment.start)
        seconds[place] += segment.end - segment.start
    mean = 100.0 * np.divide(sums, seconds, np.full(shown.points, np.nan), where=seconds > 0)
    axes.plot(shown.edges[:-1] + step / 2, mean, color=_INK, linewidth=1.6)
    _percent_axis(axes, _of_means("confidence (%)", shown))


def _shade_quiet(axes: "Axes", shown: _Shown) -> None:
    """Shade where nobody speaks, unless that would be a thicket as well."""
    if shown.dense:
        return
    for start, stop in shown.quiet:
        axes.axvspan(start, stop, color=shown.colour[NO_SPEECH], alpha=0.45, linewidth=0, zorder=0)


def _percent_axis(axes: "Axes", label: str, top: int = 100) -> None:
    axes.set(ylim=(0, 1.03 * top), yticks=range(0, top + 1, 25))
    axes.set_ylabel(label, color=_INK)
    axes.grid(axis="y", alpha=0.25)
    _plain_frame(axes)


def _titles(axes: "Axes", result: Prediction) -> None:
    name = shortened(PurePath(result.file).name, 76)
    said = f"{shortened(result.emotion, 24)} ({100 * result.confidence:.0f} %)"
    axes.set_title(name, loc="left", fontsize=13, fontweight="bold", color=_INK)
    axes.set_title(said, loc="right", fontsize=11, color=_INK)


def shortened(text: str, length: int) -> str:
    """Return `text` on one line, of at most `length` letters, without its middle where longer."""
    text = plain(text)
    if len(text) <= length:
        return text
    behind = length - length // 2 - 1
    return f"{text[: length // 2]}…{text[len(text) - behind :]}"


def _legend(drawn: "Figure", shown: _Shown) -> None:
    from matplotlib.patches import Patch

    result = shown.result
    there = {s.emotion for s in result.segments}
    if result.curves is not None:
        there |= set(result.probabilities)
    names = [name for name in shown.labels if name in there]
    texts = [shortened(name, 24) for name in names]
    lengths = [len(text) + 6 for text in texts]
    one_line = sum(lengths) <= _LINE_LETTERS
    drawn.legend(
        handles=[
            # A label that starts with an underscore would be left out.
            Patch(color=shown.colour[name], label=f"\u200b{text}" if text[:1] == "_" else text)
            for name, text in zip(names, texts, strict=True)
        ],
        loc="outside lower center",
        ncols=len(names) if one_line else max(1, _LINE_LETTERS // max(lengths)),
        frameon=False,
        handlelength=1.2,
        handleheight=1.0,
        columnspacing=1.5,
    )


def _plain_frame(axes: "Axes") -> None:
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(_SOFT)
    axes.tick_params(colors=_INK, left=False, bottom=False, labelbottom=False)
