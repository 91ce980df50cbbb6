"""The picture of a prediction from Python: the one of ``--format png``, shown or written."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from bilstm_hmm.features.errors import AudioError

from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.output.formats import render
from bilstm_hmm.prediction import Prediction, Segment

RATE = 8000
TONE = np.sin(np.arange(2 * RATE) / 9.0).astype(np.float32)


@pytest.fixture
def prediction(tmp_path: Path) -> Prediction:
    path = tmp_path / "talk.wav"
    soundfile.write(path, TONE, RATE, subtype="FLOAT")
    segments = (Segment(0.0, 1.2, "sad", 0.6), Segment(1.2, 2.0, "$happy$", 0.7))
    shares = {"sad": 0.4, "$happy$": 0.6}
    return Prediction(str(path), "$happy$", 0.6, shares, 2.0, segments, (), "m-1")


def test_it_is_the_picture_that_the_command_makes(prediction: Prediction, tmp_path: Path) -> None:
    prediction.plot(tmp_path / "talk.png")
    picture = render([prediction], "png", many=False, timeline=True)
    assert (tmp_path / "talk.png").read_bytes() == picture
    assert prediction.plot()._repr_png_() == picture  # what a notebook shows


def test_what_was_predicted_from_samples_is_drawn_from_samples(prediction: Prediction) -> None:
    of_array = replace(prediction, file="array")
    heard = of_array.plot(recording=TONE, rate=RATE).axes[0].get_ylim()
    assert heard == pytest.approx(prediction.plot().axes[0].get_ylim())
    assert of_array.plot(recording=TONE / 2, rate=RATE).axes[0].get_ylim()[1] < 0.6 * heard[1]
    with pytest.raises(
        ToolkitError, match=r"^array: no file, but .* plot\(recording=samples, rate"
    ):
        of_array.plot()
    with pytest.raises(AudioError, match="comes without its sampling rate"):
        of_array.plot(recording=TONE)


def test_the_suffix_says_the_format(prediction: Prediction, tmp_path: Path) -> None:
    prediction.plot(str(tmp_path / "talk.svg"))
    assert "<svg" in (tmp_path / "talk.svg").read_text("utf-8")
    with pytest.raises(ToolkitError, match=r"talk.doc: not the name of a picture; .* \.png"):
        prediction.plot(tmp_path / "talk.doc")
    with pytest.raises(ToolkitError, match=r"^cannot write .*talk.wav.x.svg"):
        prediction.plot(tmp_path / "talk.wav" / "x.svg")
    assert {path.name for path in tmp_path.iterdir()} == {"talk.wav", "talk.svg"}
