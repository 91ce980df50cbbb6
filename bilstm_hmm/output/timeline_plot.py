"""The timeline of a recording as a picture: waveform, emotions, and how likely each is."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from bilstm_hmm.arrays import FloatMatrix
from bilstm_hmm.features.audio.envelope import Envelope
from bilstm_hmm.output.downsampling import (
    downsample_curves,
    majority_intervals,
    mask_inside,
    time_per_label,
)
from bilstm_hmm.output.explanation_plot import draw_explanation, strip_heights
from bilstm_hmm.output.label_tracks import escape_unprintable
from bilstm_hmm.output.plot_style import (
    MUTED_COLOUR,
    TEXT_COLOUR,
    emotion_colours,
    is_dark,
    new_figure,
    png,
    set_time_axis,
)
from bilstm_hmm.prediction import NO_SPEECH, Curves, LabelledInterval, Prediction

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 12.0
#: What the width of the picture can show: columns, bands side by side, and points of a curve in a
#: short recording and in a long one, where more would be a thicket.
COLUMNS = 1200
_MAX_BANDS = 250
_POINTS, _POINTS_LONG, _SHORT_SECONDS = 600, 120, 300.0
_LEGEND_LETTERS = 130


@dataclass(frozen=True, slots=True)
class _View:
    """What all parts of a picture go by.

    `labels` are the classes and what else the segments are called, `bands` the segments as bands,
    `points` how many stretches of time curves are averaged over.
    """

    result: Prediction
    end: float
    labels: tuple[str, ...]
    colours: dict[str, str]
    bands: list[LabelledInterval]
    points: int

    @property
    def is_dense(self) -> bool:
        """Whether there are more bands than the eye can tell apart."""
        return len(self.bands) > _MAX_BANDS

    @property
    def silences(self) -> list[tuple[float, float]]:
        """The bands in which nobody speaks, from when to when."""
        return [(start, stop) for start, stop, name in self.bands if name == NO_SPEECH]

    @property
    def edges(self) -> FloatMatrix:
        """Where the stretches begin and end that curves are averaged over, in seconds."""
        edges: FloatMatrix = np.linspace(0.0, self.end, self.points + 1)
        return edges


def plot_timeline(result: Prediction, envelope: Envelope) -> bytes:
    """Return the timeline of a recording as PNG, of what `draw` takes."""
    return png(draw(result, envelope))


def draw(result: Prediction, envelope: Envelope) -> "Figure":
    """Return the timeline of a recording as a figure.

    Above is the waveform, then a band of the emotions, then the probability of each over time, or
    the confidence of each segment where the prediction has no curves. Where a long recording has
    more segments than can be told apart, the band shows the emotions' shares of the time. Below
    is what moved the label, where the prediction has an explanation.

    Parameters
    ----------
    result
        Its segments in order of time, without overlap.
    envelope
        The envelope of the recording, of `COLUMNS` stretches or a few times as many.
    """
    view = _view(result)
    heights = [*((2.4, 1.2, 2.4) if view.is_dense else (2.4, 0.6, 3.0)), *strip_heights(result)]
    with new_figure(WIDTH, sum(heights)) as figure:
        figure.set_layout_engine("constrained", hspace=0.0, h_pad=0.03)
        rows = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)
        waveform_axes, band_axes, curve_axes, *below = rows
        _draw_waveform(waveform_axes, envelope, view)
        (_draw_time_shares if view.is_dense else _draw_bands)(band_axes, view)
        if result.curves is not None:
            _draw_probabilities(curve_axes, view)
        elif view.is_dense:
            _draw_mean_confidence(curve_axes, view)
        else:
            _draw_confidences(curve_axes, view)
        for axes in below:
            draw_explanation(axes, result)
        set_time_axis(rows[-1], view.end)
        _set_titles(waveform_axes, result)
        _draw_legend(figure, view)
        return figure


def _view(result: Prediction) -> _View:
    end = max(result.duration, 1e-3)
    segments = result.segments
    named = dict.fromkeys([*result.probabilities, *(s.emotion for s in segments)])
    labels = tuple(sorted(named, key=lambda name: name == NO_SPEECH))
    points = int(np.clip(_POINTS * _SHORT_SECONDS / end, _POINTS_LONG, _POINTS))
    intervals = majority_intervals(segments, end, COLUMNS)
    return _View(result, end, labels, emotion_colours(labels), intervals, points)


def _draw_waveform(axes: "Axes", envelope: Envelope, view: _View) -> None:
    times = envelope.step * (np.arange(len(envelope.minima), dtype=np.float64) + 0.5)
    low, high = envelope.minima, envelope.maxima
    peak = max(float(np.abs(low).max()), float(np.abs(high).max()), 1e-3)
    # Grey curve_axes all, so that no join between two colours shows as a gap.
    style: dict[str, Any] = {"linewidth": 0.6, "zorder": 2}
    axes.fill_between(times, low, high, color=MUTED_COLOUR, **style)
    coloured = [] if view.is_dense else [name for name in view.labels if name != NO_SPEECH]
    for emotion in coloured:
        spans = [(start, stop) for start, stop, name in view.bands if name == emotion]
        here = mask_inside(times, spans)
        axes.fill_between(times, low, high, where=here, color=view.colours[emotion], **style)
    _shade_silences(axes, view)
    axes.set_ylim(-1.08 * peak, 1.08 * peak)
    axes.set_ylabel("waveform", color=TEXT_COLOUR)
    axes.locator_params(axis="y", nbins=4, symmetric=True)
    _plain_frame(axes)


def _draw_bands(axes: "Axes", view: _View) -> None:
    for start, stop, emotion in view.bands:
        axes.axvspan(start, stop, color=view.colours[emotion], linewidth=0)
        text = shorten_middle(emotion, 24)
        if WIDTH * 0.93 * (stop - start) / view.end > 0.07 * len(text) + 0.04:
            ink = "white" if is_dark(view.colours[emotion]) else "black"
            axes.text(
                (start + stop) / 2, 0.48, text, ha="center", va="center", fontsize=9, color=ink
            )
    axes.set(ylim=(0, 1), yticks=[])
    _plain_frame(axes)


def _draw_time_shares(axes: "Axes", view: _View) -> None:
    """Bars of the emotions' shares of the time, one on the other."""
    edges = view.edges
    widths = np.diff(edges)
    percent = 100.0 * time_per_label(view.result.segments, view.labels, edges) / widths
    floor = np.zeros(len(widths))
    for name, heights in zip(view.labels, percent, strict=True):
        # A little wider than they are, or the background shows between them.
        axes.bar(edges[:-1], heights, 1.02 * widths, floor, align="edge", color=view.colours[name])
        floor += heights
    axes.set(ylim=(0, 100), yticks=[0, 50, 100])
    axes.set_ylabel("time (%)", color=TEXT_COLOUR)
    _plain_frame(axes)


def _draw_probabilities(axes: "Axes", view: _View) -> None:
    curves = _spoken_curves(view.result)
    means = downsample_curves(curves, view.end, view.points, _speech_ends(view))
    percent = 100.0 * means.probabilities
    for column, name in enumerate(view.result.probabilities):
        line, colour = percent[:, column], view.colours[name]
        axes.plot(means.times, line, color=colour, linewidth=1.6)
        others = np.delete(percent, column, axis=1).max(axis=1, initial=0.0)
        # By how much the likeliest leads.
        lead: dict[str, Any] = {"where": line >= others, "interpolate": True, "linewidth": 0}
        axes.fill_between(means.times, line, others, color=colour, alpha=0.2, **lead)
    _shade_silences(axes, view)
    highest = float(np.nanmax(percent, initial=0.0)) if view.is_dense else 100.0
    # Of minutes on end the mean is seldom sure of anything.
    _set_percent_axis(axes, _of_means("probability (%)", view), 50 if highest < 48 else 100)


def _spoken_curves(result: Prediction) -> Curves:
    """Return the curves without the frames in which nobody speaks."""
    curves = result.curves
    assert curves is not None
    silences = [(s.start, s.end) for s in result.segments if s.emotion == NO_SPEECH]
    is_spoken = ~mask_inside(curves.times, silences)
    return Curves(curves.times[is_spoken], curves.probabilities[is_spoken])


def _speech_ends(view: _View) -> list[float]:
    """Return where speech ends for longer than what a curve is averaged over."""
    spoken = [(start, stop) for start, stop, name in view.bands if name != NO_SPEECH]
    step = view.end / view.points
    return [stop for (_, stop), (start, _) in pairwise(spoken) if start - stop > step]


def _of_means(label: str, view: _View) -> str:
    step = view.end / view.points
    return f"{label}\nmean of {step:.0f} s" if view.end > _SHORT_SECONDS else label


def _draw_confidences(axes: "Axes", view: _View) -> None:
    segments = view.result.segments
    for emotion in dict.fromkeys(s.emotion for s in segments if s.emotion != NO_SPEECH):
        alike = [s for s in segments if s.emotion == emotion]
        x = np.array([[s.start, s.end, s.end] for s in alike]).ravel()
        y = 100.0 * np.array([[s.confidence, s.confidence, np.nan] for s in alike]).ravel()
        axes.fill_between(x, y, color=view.colours[emotion], alpha=0.2, linewidth=0)
        axes.plot(x, y, color=view.colours[emotion], linewidth=2.5, solid_capstyle="butt")
    _shade_silences(axes, view)
    _set_percent_axis(axes, "confidence (%)")


def _draw_mean_confidence(axes: "Axes", view: _View) -> None:
    spoken = [s for s in view.result.segments if s.emotion != NO_SPEECH]
    step = view.end / view.points
    sums, seconds = np.zeros(view.points), np.zeros(view.points)
    for segment in spoken:
        index = min(int((segment.start + segment.end) / 2 / step), view.points - 1)
        sums[index] += segment.confidence * (segment.end - segment.start)
        seconds[index] += segment.end - segment.start
    mean = 100.0 * np.divide(sums, seconds, np.full(view.points, np.nan), where=seconds > 0)
    axes.plot(view.edges[:-1] + step / 2, mean, color=TEXT_COLOUR, linewidth=1.6)
    _set_percent_axis(axes, _of_means("confidence (%)", view))


def _shade_silences(axes: "Axes", view: _View) -> None:
    """Shade where nobody speaks, unless that would be a thicket as well."""
    if view.is_dense:
        return
    for start, stop in view.silences:
        axes.axvspan(start, stop, color=view.colours[NO_SPEECH], alpha=0.45, linewidth=0, zorder=0)


def _set_percent_axis(axes: "Axes", label: str, top: int = 100) -> None:
    axes.set(ylim=(0, 1.03 * top), yticks=range(0, top + 1, 25))
    axes.set_ylabel(label, color=TEXT_COLOUR)
    axes.grid(axis="y", alpha=0.25)
    _plain_frame(axes)


def _set_titles(axes: "Axes", result: Prediction) -> None:
    name = shorten_middle(PurePath(result.file).name, 76)
    label = "no speech"
    if result.confidence is not None:
        label = f"{shorten_middle(result.label, 24)} ({100 * result.confidence:.0f} %)"
    axes.set_title(name, loc="left", fontsize=13, fontweight="bold", color=TEXT_COLOUR)
    axes.set_title(label, loc="right", fontsize=11, color=TEXT_COLOUR)


def shorten_middle(text: str, length: int) -> str:
    """Return `text` on one line, of at most `length` letters, without its middle where longer."""
    text = escape_unprintable(text)
    if len(text) <= length:
        return text
    behind = length - length // 2 - 1
    return f"{text[: length // 2]}…{text[len(text) - behind :]}"


def _draw_legend(figure: "Figure", view: _View) -> None:
    from matplotlib.patches import Patch

    result = view.result
    visible = {s.emotion for s in result.segments}
    if result.curves is not None:
        visible |= set(result.probabilities)
    names = [name for name in view.labels if name in visible]
    texts = [shorten_middle(name, 24) for name in names]
    lengths = [len(text) + 6 for text in texts]
    one_line = sum(lengths) <= _LEGEND_LETTERS
    figure.legend(
        handles=[
            # A label that starts with an underscore would be left out.
            Patch(color=view.colours[name], label=f"\u200b{text}" if text[:1] == "_" else text)
            for name, text in zip(names, texts, strict=True)
        ],
        loc="outside lower center",
        ncols=len(names) if one_line else max(1, _LEGEND_LETTERS // max(lengths)),
        frameon=False,
        handlelength=1.2,
        handleheight=1.0,
        columnspacing=1.5,
    )


def _plain_frame(axes: "Axes") -> None:
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(MUTED_COLOUR)
    axes.tick_params(colors=TEXT_COLOUR, left=False, bottom=False, labelbottom=False)
