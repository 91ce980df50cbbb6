"""Sound that no microphone gives: an answer in finite numbers, no speech, or a sentence."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from bilstm_hmm.features.errors import AudioError
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bilstm_hmm.inference.model import Model
from bilstm_hmm.inference.stream import EmotionStream, Update
from bilstm_hmm.prediction import Failure, Prediction
from tests.oracle import RATE, say

Samples = NDArray[np.float64]

SPEECH = say("happy").astype(np.float64)
COUNT = 2 * RATE
_NOISE = np.random.default_rng(3).standard_normal(COUNT)


def _with(value: float) -> Samples:
    """Speech with one sample that is something else."""
    samples = SPEECH.copy()
    samples[len(samples) // 2] = value
    return samples


def _clicks(every: int) -> Samples:
    samples = np.zeros(COUNT)
    samples[::every] = 1.0
    return samples


#: Sound that is odd, and is sound.
ODD: dict[str, Samples] = {
    "silence": np.zeros(COUNT),
    "long silence": np.concatenate([np.zeros(90 * RATE), SPEECH, np.zeros(90 * RATE)]),
    "one sample": np.ones(1),
    "one sample of silence": np.zeros(1),
    "a constant": np.ones(COUNT),
    "a small constant": np.full(COUNT, 1e-30),
    "the smallest numbers": np.full(COUNT, 5e-324),
    "denormals of float64": 1e-310 * _NOISE,
    "denormals of float32": 1e-40 * _NOISE,
    "next to nothing": 1e-20 * _NOISE,
    "soft speech": 1e-20 * SPEECH,
    "loud speech": 1e9 * SPEECH,
    "speech on a constant": SPEECH + 1e6,
    "a loud click": _with(1e9),
    "clicks": _clicks(4000),
    "one click": _clicks(COUNT),
    "the highest frequency": np.where(np.arange(COUNT) % 2, 1.0, -1.0),
    "a step": np.repeat([0.0, 1.0], COUNT // 2),
}
INFINITE, TOO_LARGE = "infinite or not a number", "far too large for audio"
#: What is no sound, and what is said of it.
NO_SOUND: dict[str, tuple[Samples, str]] = {
    "nothing": (np.zeros(0), "holds no samples"),
    "not a number": (np.full(COUNT, np.nan), INFINITE),
    "a sample that is not a number": (_with(np.nan), INFINITE),
    "infinity": (_with(np.inf), INFINITE),
    "minus infinity": (_with(-np.inf), INFINITE),
    "more than float32 holds": (_with(-1e300), INFINITE),
    "all that float32 holds": (_with(3e38), TOO_LARGE),
    "1e30": (1e30 * _NOISE, TOO_LARGE),
    "-1e30": (_with(-1e30), TOO_LARGE),
    "1e19": (1e19 * SPEECH, TOO_LARGE),
    "a constant of 1e30": (SPEECH + 1e30, TOO_LARGE),
    "1e12": (_with(1e12), TOO_LARGE),
}


def assert_sound(said: Prediction) -> None:
    """Probabilities that are finite and sum to one, or no speech and none at all."""
    shares = np.array(list(said.probabilities.values()))
    if said.emotion is None:
        assert (said.confidence, len(shares)) == (None, 0)
        return
    assert said.emotion in said.probabilities
    assert np.isfinite(shares).all()
    assert shares.min() >= 0.0
    assert shares.sum() == pytest.approx(1.0, abs=1e-9)
    assert said.confidence is not None
    assert 0.0 <= said.confidence <= 1.0


def write(path: Path, samples: Samples, subtype: str = "DOUBLE") -> Path:
    with np.errstate(over="ignore"):
        soundfile.write(path, samples, RATE, subtype=subtype)
    return path


@pytest.mark.parametrize("kind", ODD)
def test_odd_sound_is_answered_in_numbers(model: Model, tmp_path: Path, kind: str) -> None:
    samples = ODD[kind]
    said = model.predict(samples, RATE)
    assert_sound(said)
    if kind != "long silence":
        assert_sound(model.predict(samples, 44100))
    from_file = model.predict(write(tmp_path / "x.wav", samples))
    assert_sound(from_file)
    assert from_file.emotion == said.emotion
    assert from_file.probabilities == pytest.approx(said.probabilities, abs=1e-6)


@pytest.mark.parametrize("kind", NO_SOUND)
def test_what_is_no_sound_is_refused_by_name(model: Model, tmp_path: Path, kind: str) -> None:
    samples, words = NO_SOUND[kind]
    path = write(tmp_path / "x.wav", samples)
    for given_as, name in (((samples, RATE), "The array"), ((path,), str(path))):
        with pytest.raises(AudioError, match=words) as caught:
            model.predict(*given_as)
        message = str(caught.value)
        assert message.startswith(f"{name} ")
        assert message.endswith(".")
        assert "\n" not in message


def test_what_is_no_sound_costs_no_other_file_its_label(model: Model, tmp_path: Path) -> None:
    good = [write(tmp_path / f"good{place}.wav", SPEECH, "PCM_16") for place in range(2)]
    bad = [
        write(tmp_path / f"{place}.wav", each) for place, (each, _) in enumerate(NO_SOUND.values())
    ]
    results = model.predict_many([good[0], *bad, good[1]])
    assert [each.emotion for each in (results[0], results[-1])] == ["happy", "happy"]  # type: ignore[union-attr]
    for path, result in zip(bad, results[1:-1], strict=True):
        assert isinstance(result, Failure)
        assert str(path) in result.error


def test_a_stream_refuses_such_a_chunk_and_goes_on(model: Model) -> None:
    def follow(bad: Samples | None) -> Update:
        stream = EmotionStream(model, RATE)
        stream.push(SPEECH)
        if bad is not None:
            with pytest.raises(AudioError, match=rf"^The chunk at .* holds samples {TOO_LARGE}"):
                stream.push(bad)
        stream.push(SPEECH)
        return stream.close()

    assert follow(_with(-1e30)) == follow(None)


_SAMPLE = st.one_of(
    st.floats(width=32, allow_nan=False, allow_infinity=False),
    st.floats(-1e9, 1e9, allow_subnormal=True),
    st.sampled_from([0.0, -0.0, 1.0, -1.0, 5e-324, 1e-40, 1e10, -1e10, 3.4e38]),
)


@given(pieces=st.lists(st.tuples(_SAMPLE, st.integers(1, 3000)), min_size=1, max_size=8))
@example(pieces=[(1e10, 3000), (-1e10, 3000)])
@settings(max_examples=25)
def test_any_samples_have_an_answer_or_a_sentence(
    model: Model, pieces: list[tuple[float, int]]
) -> None:
    """Steps of any heights and lengths, with speech behind them."""
    values = [np.full(count, value) for value, count in pieces]
    samples = np.concatenate([*values, SPEECH])
    (said,) = model.predict_iter([(samples, RATE)])
    if isinstance(said, Failure):
        assert max(abs(value) for value, _ in pieces) > 1e10
        assert f"samples {TOO_LARGE}" in said.error
        assert "\n" not in said.error
    else:
        assert_sound(said)
