"""Ticks at round times, and colours that can be told apart."""

from itertools import combinations

import numpy as np
import pytest
from bilstm_hmm.data.clip import EMOTIONS
from numpy.typing import NDArray

from bilstm_hmm.output.plot_style import emotion_colours, format_time, is_dark, tick_interval
from bilstm_hmm.prediction import NO_SPEECH

OWN = ("a", "b", "c", "d", "e", "f")

# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
SEEN = {
    "all cones": np.eye(3),
    "no long-wave cones": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "no middle-wave cones": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "no short-wave cones": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def _cielab(colour: str, eyes: str) -> NDArray[np.float64]:
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    seen = np.clip(np.array(SEEN[eyes]) @ linear, 0, 1)
    x, y, z = np.cbrt(to_xyz @ seen / [0.9505, 1.0, 1.089])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("eyes", SEEN)
@pytest.mark.parametrize(("labels", "least"), [(EMOTIONS, 19.0), ((*EMOTIONS, *OWN), 15.0)])
def test_any_two_colours_are_told_apart(labels: tuple[str, ...], least: float, eyes: str) -> None:
    seen = {name: _cielab(colour, eyes) for name, colour in emotion_colours(labels).items()}
    assert len(seen) == len(labels) + 1
    for one, other in combinations(seen, 2):
        assert np.linalg.norm(seen[one] - seen[other]) > least, (one, other)


def test_an_emotion_keeps_its_colour_whatever_else_there_is() -> None:
    everything = emotion_colours(EMOTIONS)
    for some in (EMOTIONS[:2], ("sad", "own word", "calm"), (*EMOTIONS[::-1], *OWN)):
        found = emotion_colours(some)
        assert list(found) == [*some, NO_SPEECH]
        assert all(found[name] == everything[name] for name in some if name in EMOTIONS)
        assert found[NO_SPEECH] == everything[NO_SPEECH]


def test_own_words_go_by_the_alphabet() -> None:
    assert emotion_colours(["b", "a"]) == emotion_colours(["a", "b"])
    assert list(emotion_colours(["x", NO_SPEECH])) == ["x", NO_SPEECH]
    many = emotion_colours([f"word {i:02d}" for i in range(20)])
    assert many["word 00"] == many["word 06"]


def test_letters_are_read_on_every_colour() -> None:
    def luminance(colour: str) -> float:
        return ((_cielab(colour, "all cones")[0] + 16) / 116) ** 3

    for colour in emotion_colours((*EMOTIONS, *OWN)).values():
        letters = 1.0 if is_dark(colour) else 0.0
        lighter, darker = sorted([luminance(colour), letters], reverse=True)
        # The contrast that WCAG 2 asks for in large letters.
        assert (lighter + 0.05) / (darker + 0.05) > 3.0, colour


@pytest.mark.parametrize(
    ("end", "step"),
    [
        (0.001, 0.01),
        (0.5, 0.05),
        (3, 0.5),
        (10, 1),
        (120, 10),
        (600, 60),
        (7200, 600),
        (43200, 3600),
    ],
)
def test_ticks_are_at_round_times(end: float, step: float) -> None:
    assert tick_interval(end) == step


def test_no_axis_is_crowded_or_bare() -> None:
    for end in np.geomspace(0.05, 3e6, 400):
        assert 3 <= end / tick_interval(end) <= 12


@pytest.mark.parametrize(
    ("seconds", "end", "step", "text"),
    [
        (0.02, 0.1, 0.01, "0:00.02"),
        (2.5, 3, 0.5, "0:02.5"),
        (9, 120, 1, "0:09"),
        (119.9999999, 120, 10, "2:00"),
        (75, 3599, 15, "1:15"),
        (75, 3600, 15, "0:01:15"),
        (7200, 7200, 600, "2:00:00"),
        (360000, 400000, 36000, "100:00:00"),
    ],
)
def test_times_are_told_in_minutes_and_seconds(
    seconds: float, end: float, step: float, text: str
) -> None:
    assert format_time(seconds, end, step) == text
