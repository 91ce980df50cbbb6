from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from bilstm_hmm.data.clip import EMOTIONS
from bilstm_hmm.features.audio.envelope import Envelope, envelope
from bilstm_hmm.features.audio.reading import open_array
from numpy.typing import NDArray

from bilstm_hmm.inference.explanation.result import (
    Effect,
    Explanation,
    GroupEffect,
    SegmentExplanation,
)
from bilstm_hmm.output.plot_style import emotion_colours
from bilstm_hmm.output.timeline_plot import COLUMNS, plot_timeline, shorten_middle
from bilstm_hmm.prediction import NO_SPEECH, Curves, Prediction, Segment

RATE = 1000
OWN = ('over "the" moon', "$x_1^2$", "悲しみ", "_hidden", "=1+1", "a\tb\n", "e" * 90, "é", "happy")


def timeline(
    seconds: float, classes: tuple[str, ...] = EMOTIONS, turn: float = 4.0, **changes: Any
) -> Prediction:
    """One class after the other, each third turn without speech; frames are sure of their turn."""
    edges = [*np.arange(0, seconds, turn), seconds]
    names = [NO_SPEECH if i % 3 == 2 else classes[i % len(classes)] for i in range(len(edges) - 1)]
    segments = tuple(
        Segment(float(a), float(b), name, 0.6 + 0.2 * (i % 2))
        for i, (a, b, name) in enumerate(zip(edges, edges[1:], names, strict=False))
    )
    times = (np.arange(int(25 * seconds)) + 0.5) / 25
    rows = np.full((len(times), len(classes)), 0.1 / max(1, len(classes) - 1), np.float32)
    turns = np.minimum((times / turn).astype(int), len(names) - 1)
    rows[np.arange(len(times)), turns % len(classes)] = 0.9
    prediction = Prediction(
        file="calls/an interview, part 1.wav",
        emotion=classes[0],
        confidence=0.62,
        probabilities=dict.fromkeys(classes, 1 / len(classes)),
        duration=seconds,
        segments=segments,
        warnings=(),
        model="m",
        curves=Curves(times, rows),
    )
    return replace(prediction, **changes)


def heard(seconds: float) -> Envelope:
    if seconds > 1000:
        ramp = np.linspace(0.1, 0.5, COLUMNS, dtype=np.float32)
        return Envelope(-ramp, ramp, seconds / COLUMNS)
    samples = np.random.default_rng(0).normal(0, 0.1, max(1, int(seconds * RATE)))
    return envelope(open_array(samples, RATE, RATE), COLUMNS)


def pixels(content: bytes) -> NDArray[np.uint8]:
    from PIL import Image

    with Image.open(BytesIO(content)) as image:
        image.load()
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB"))


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the figures that are written."""
    from matplotlib.figure import Figure

    figures: list[Any] = []
    save = Figure.savefig

    def kept(figure: Any, *arguments: Any, **options: Any) -> None:
        save(figure, *arguments, **options)
        figures.append(figure)

    monkeypatch.setattr(Figure, "savefig", kept)
    return figures


@pytest.fixture
def sketched(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the figures that would be written: drawing them takes half of the time."""
    from matplotlib.figure import Figure

    figures: list[Any] = []

    def kept(figure: Any, *_arguments: Any, **_options: Any) -> None:
        figures.append(figure)

    monkeypatch.setattr(Figure, "savefig", kept)
    return figures


def _column(figure: Any, image: NDArray[np.uint8], axes: Any) -> Callable[[float, float], Any]:
    """The colour at a time and a relative height of axes; the picture has a pad around it."""
    low, high = axes.get_ylim()
    box = figure.get_tightbbox().padded(0.1)

    def colour(time: float, height: float) -> Any:
        x, y = axes.transData.transform((time, low + height * (high - low)))
        row, column = image.shape[0] - (y - box.y0 * figure.dpi), x - box.x0 * figure.dpi
        return image[round(row), round(column)]

    return colour


def _rgb(colour: str) -> list[int]:
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


@pytest.mark.parametrize("curves", [True, False])
@pytest.mark.parametrize(("count", "seconds"), [(2, 3.0), (9, 120.0), (9, 7200.0)])
def test_nothing_is_cut_off(count: int, seconds: float, curves: bool) -> None:
    result = timeline(seconds, EMOTIONS[:count], turn=min(4.0, seconds / 4))
    image = pixels(
        plot_timeline(result if curves else replace(result, curves=None), heard(seconds))
    )
    height, width, _ = image.shape
    assert 1300 < width < 1600
    assert 650 < height < 850
    for edge in (image[0], image[-1], image[:, 0], image[:, -1]):
        assert (edge == 255).all()
    assert image.std() > 12


def test_the_bands_have_the_colours_of_the_emotions(drawn: list[Any]) -> None:
    result = timeline(120.0)
    image = pixels(plot_timeline(result, heard(120.0)))
    (figure,) = drawn
    colour = emotion_colours(EMOTIONS)
    shown = _column(figure, image, figure.axes[1])
    for segment in result.segments:
        # Low in the band, below the name in it.
        seen = shown((segment.start + segment.end) / 2, 0.15)
        assert seen.tolist() == _rgb(colour[segment.emotion]), segment


def test_the_waveform_has_the_colour_of_its_emotion(drawn: list[Any]) -> None:
    result = timeline(120.0, ("happy", "sad"), turn=30.0)
    image = pixels(plot_timeline(result, heard(120.0)))
    (figure,) = drawn
    shown = _column(figure, image, figure.axes[0])
    for segment, colour in zip(result.segments[:2], ("happy", "sad"), strict=True):
        seen = shown(segment.start + 15.0, 0.5)
        assert seen.tolist() == _rgb(emotion_colours(EMOTIONS)[colour])
    quiet = shown(result.segments[2].start + 15.0, 0.97)
    assert 225 < quiet.min() == quiet.max() < 250


def test_where_nobody_speaks_there_is_no_curve(sketched: list[Any]) -> None:
    result = timeline(24.0, ("happy", "sad", "angry"))
    plot_timeline(result, heard(24.0))
    lines = sketched[0].axes[2].lines
    assert len(lines) == 3
    for line, name in zip(lines, ("happy", "sad", "angry"), strict=True):
        assert line.get_color() == emotion_colours(EMOTIONS)[name]
        times, percent = line.get_data()
        assert ((times < 8) | ((times > 12) & (times < 20.1)))[~np.isnan(percent)].all()
        for start, share in ((0, 90 if name == "happy" else 5), (4, 90 if name == "sad" else 5)):
            there = percent[(times > start) & (times < start + 4)]
            np.testing.assert_allclose(there, share, rtol=1e-5)
        assert np.isnan(percent).sum() == 1  # at 8 s; the other pause is the end


@pytest.mark.parametrize(("hole", "broken"), [(0.5, 0), (900.0, 1)])
def test_a_curve_of_means_breaks_in_long_silence_alone(
    sketched: list[Any], hole: float, broken: int
) -> None:
    result = timeline(7200.0, ("happy", "sad"), turn=5.0)
    silence = [(s.start >= 3000.0) and (s.end <= 3000.0 + hole) for s in result.segments]
    kept = tuple(s for s, gone in zip(result.segments, silence, strict=True) if not gone)
    assert result.curves is not None
    times, rows = result.curves.times, result.curves.probabilities
    spoken = (times < 3000.0) | (times > 3000.0 + hole)
    curves = Curves(times[spoken], rows[spoken])
    plot_timeline(replace(result, segments=kept, curves=curves), heard(7200.0))
    for line in sketched[0].axes[2].lines:
        assert np.isnan(line.get_ydata()).sum() == broken


def test_without_curves_the_confidence_of_each_segment_is_shown(sketched: list[Any]) -> None:
    result = timeline(12.0, ("happy", "sad"), curves=None)
    plot_timeline(result, heard(12.0))
    (figure,) = sketched
    steps = {line.get_color(): line.get_data() for line in figure.axes[2].lines}
    assert list(steps) == [emotion_colours(EMOTIONS)[name] for name in ("happy", "sad")]
    (times, percent), (later, other) = steps.values()
    np.testing.assert_allclose([times[:2], later[:2]], [[0, 4], [4, 8]])
    np.testing.assert_allclose([percent[:2], other[:2]], [[60, 60], [80, 80]])
    assert figure.axes[2].get_ylabel() == "confidence (%)"


@pytest.mark.parametrize("curves", [True, False])
def test_many_segments_are_shown_as_shares_of_the_time(sketched: list[Any], curves: bool) -> None:
    result = timeline(7200.0, ("happy", "sad"), turn=5.0)
    plot_timeline(result if curves else replace(result, curves=None), heard(7200.0))
    (figure,) = sketched
    _, strip, below = figure.axes
    heights = np.array([bar.get_height() for bar in strip.patches]).reshape(3, 120)
    np.testing.assert_allclose(heights.sum(axis=0), 100.0)
    np.testing.assert_allclose(heights.mean(axis=1), 100 / 3, rtol=1e-6)
    (line, *others) = below.lines
    assert len(others) == (1 if curves else 0)
    assert len(line.get_xdata()) == 120
    # Turns of both in equal parts: 90 and 10 percent, or confidences of 60 and 80.
    np.testing.assert_allclose(line.get_ydata(), 50.0 if curves else 70.0, atol=1.5)
    assert below.get_ylabel().endswith("(%)\nmean of 60 s")


def test_means_that_are_never_sure_take_half_of_the_axis(sketched: list[Any]) -> None:
    plot_timeline(timeline(7200.0, turn=5.0), heard(7200.0))
    assert sketched[0].axes[2].get_ylim() == pytest.approx((0, 51.5))


def test_it_says_what_it_shows(drawn: list[Any]) -> None:
    plot_timeline(timeline(120.0, ("happy", "sad")), heard(120.0))
    (figure,) = drawn
    above, _, below = figure.axes
    assert above.get_title("left") == "an interview, part 1.wav"
    assert above.get_title("right") == "happy (62 %)"
    assert below.get_xlabel() == "time (m:ss)"
    assert [label.get_text() for label in below.get_xticklabels()][:2] == ["0:00", "0:10"]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["happy", "sad", NO_SPEECH]


def test_an_emotion_that_is_not_there_is_in_the_legend_only_with_its_curve(
    sketched: list[Any],
) -> None:
    segments = (Segment(0.0, 3.0, "sad", 0.9),)
    result = timeline(3.0, ("happy", "sad"), segments=segments)
    plot_timeline(result, heard(3.0))
    plot_timeline(replace(result, curves=None), heard(3.0))
    legends = [[t.get_text() for t in figure.legends[0].get_texts()] for figure in sketched]
    assert legends == [["happy", "sad"], ["sad"]]


def test_words_of_a_users_own_are_drawn_as_they_are(drawn: list[Any]) -> None:
    name = 'a/$x$, 二 "été"\n' + "long " * 40 + ".wav"
    image = pixels(plot_timeline(timeline(12.0, OWN, turn=1.0, file=name), heard(12.0)))
    assert (image[:, -1] == 255).all()
    (figure,) = drawn
    texts = [text.get_text().lstrip("\u200b") for text in figure.legends[0].get_texts()]
    assert texts == [shorten_middle(word, 24) for word in (*OWN, NO_SPEECH)]
    assert texts[3] == "_hidden"
    assert texts[5] == r"a\tb\n"
    title = figure.axes[0].get_title("left")
    assert title.startswith('$x$, 二 "été"\\n')
    assert title.endswith(".wav")
    assert len(title) <= 76


@pytest.mark.parametrize("seconds", [1 / RATE, 0.05])
def test_a_recording_of_hardly_any_length(seconds: float) -> None:
    segments = (Segment(0.0, seconds, "sad", 0.9),)
    for curves in (None, Curves(np.array([seconds / 2]), np.ones((1, 1), np.float32))):
        result = timeline(1.0, ("sad",), duration=seconds, segments=segments, curves=curves)
        assert pixels(plot_timeline(result, heard(seconds))).std() > 12


def test_silence_is_a_line() -> None:
    quiet = Envelope(np.zeros(100, np.float32), np.zeros(100, np.float32), 0.03)
    result = timeline(3.0, segments=(Segment(0.0, 3.0, NO_SPEECH, 1.0),))
    assert pixels(plot_timeline(result, quiet)).std() > 12


def test_a_picture_is_the_same_each_time() -> None:
    assert plot_timeline(timeline(12.0), heard(12.0)) == plot_timeline(timeline(12.0), heard(12.0))


def test_what_is_too_long_loses_its_middle() -> None:
    assert shorten_middle("abcdefghij", 10) == "abcdefghij"
    assert shorten_middle("abcdefghijk", 10) == "abcde…hijk"
    assert shorten_middle("a\nb", 10) == r"a\nb"


def test_what_moved_the_label_stands_below() -> None:
    plain = timeline(8.0)
    effects = tuple(Effect(float(s), s + 1.0, 0.5 if s == 4 else 0.0, 1.0) for s in range(2, 8))
    group = GroupEffect("pitch", -0.5, -1.0, (Effect(2.0, 8.0, -0.5, -1.0),))
    segment = SegmentExplanation(
        2.0, 8.0, "sad", 0.6, "happy", 0.3, effects, (group,), {"sad": -1.0}, ()
    )
    explained = replace(plain, explanation=Explanation((segment,)))
    before, after = (pixels(plot_timeline(each, heard(8.0))) for each in (plain, explained))
    assert after.shape[0] > before.shape[0] + 40
    # Of two colours that are nowhere else: for the label, and against it.
    orange, purple = np.array([127, 59, 8]), np.array([45, 0, 75])
    wide = after[..., :3].astype(int)
    for colour in (orange, purple):
        assert (np.abs(wide - colour).sum(axis=-1) < 60).sum() > 200
    silent = replace(plain, explanation=Explanation(()))
    np.testing.assert_array_equal(pixels(plot_timeline(silent, heard(8.0))), before)
