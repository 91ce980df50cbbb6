"""The Python API: files and arrays, long recordings, several threads."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from bilstm_hmm.features.audio.reading import read_audio
from bilstm_hmm.features.errors import AudioError
from numpy.typing import NDArray

import bilstm_hmm
from bilstm_hmm.inference.model import Model
from bilstm_hmm.inference.scoring import RecordingScores
from bilstm_hmm.prediction import Failure
from tests.oracle import EMOTIONS, emotions_of, say


def shares_of(prediction: object) -> NDArray[np.float64]:
    return np.array(list(prediction.probabilities.values()))


@pytest.fixture(scope="module")
def long_recording() -> NDArray[np.float32]:
    """Two minutes of many utterances by two voices."""
    parts: list[NDArray[np.float32]] = []
    while sum(map(len, parts)) < 120 * 16000:
        number = len(parts)
        parts.append(say(EMOTIONS[number // 3 % 5], number % 2, number))
    return np.concatenate(parts)[: 120 * 16000]


def test_the_package_loads_and_predicts_what_the_command_says(
    oracle: Path, recording: Path, command: Callable[..., object]
) -> None:
    said = bilstm_hmm.load(oracle).predict(recording)
    done = command("predict.py", "--file", recording, "--model", oracle, "--format", "json")
    assert said.to_dict() == json.loads(done.stdout)


def test_every_way_to_name_a_file_is_the_same(model: Model, recording: Path) -> None:
    said = model.predict(recording)
    assert said == model.predict(str(recording))
    assert said.file == str(recording)
    assert said.model == model.bundle.model_id
    assert tuple(said.probabilities) == model.classes


def test_an_array_is_as_good_as_a_file(model: Model, recording: Path) -> None:
    samples, rate = soundfile.read(recording, dtype="int16")
    from_file = model.predict(recording)
    variants = {
        "int16": samples,
        "float32": samples.astype(np.float32) / 32768,
        "float64": samples / 32768,
        "two channels": np.stack([samples, samples], axis=1),
    }
    for name, array in variants.items():
        said = model.predict(array, rate)
        assert said.file == "array"
        assert said.emotion == from_file.emotion, name
        assert shares_of(said) == pytest.approx(shares_of(from_file), abs=1e-4), name
        assert said.duration == from_file.duration
    assert model.predict(list(samples / 32768), rate) == model.predict(samples / 32768, rate)


def test_an_array_at_another_rate_is_resampled(model: Model, recording: Path) -> None:
    samples, _ = soundfile.read(recording, dtype="float32")
    said = model.predict(np.repeat(samples, 3), 48000)
    assert said.duration == pytest.approx(len(samples) / 16000)
    assert (said.warnings, said.notes) == ((), ("resampled from 48000 Hz",))


@pytest.mark.parametrize("rate", [0, -16000])
def test_a_rate_that_is_none(model: Model, rate: int) -> None:
    with pytest.raises(AudioError, match="sampling rate is given as"):
        model.predict(np.zeros(16000, np.float32), rate)


def test_views_are_averaged(model: Model, recording: Path) -> None:
    warps = (0.9, 1.0, 1.2)
    samples = read_audio(recording).samples

    def heard(*at: float) -> RecordingScores:
        decision = model.bundle.recipe.decision.model_copy(update={"warps": at})
        recipe = model.bundle.recipe.model_copy(update={"decision": decision})
        return Model(replace(model.bundle, recipe=recipe)).score(samples)

    together, alone = heard(*warps), [heard(warp) for warp in warps]
    for name in ("frame_logits", "clip_logits"):
        expected = np.mean([getattr(one, name) for one in alone], axis=0)
        np.testing.assert_allclose(getattr(together, name), expected, atol=1e-5)
    assert np.abs(alone[0].clip_logits - alone[2].clip_logits).max() > 1e-3


def test_probabilities_sum_to_one_whichever_system_decides(model: Model, recording: Path) -> None:
    by_system = model.probabilities_by_system(model.score(read_audio(recording).samples))
    for system, shares in by_system.items():
        assert shares.sum() == pytest.approx(1.0, abs=1e-9)
        decision = model.bundle.recipe.decision.model_copy(update={"system": system})
        recipe = model.bundle.recipe.model_copy(update={"decision": decision})
        other = Model(replace(model.bundle, recipe=recipe))
        said = other.predict(recording)
        assert shares_of(said) == pytest.approx(shares, abs=0.01)
        assert said.confidence == max(said.probabilities.values())
        assert said.probabilities[said.emotion] == said.confidence


def assert_covers(prediction: object) -> None:
    assert prediction.segments
    for left, right in zip(prediction.segments, prediction.segments[1:], strict=False):
        assert left.end == pytest.approx(right.start, abs=1e-9)
        assert left.emotion != right.emotion
    for segment in prediction.segments:
        assert 0.0 <= segment.start < segment.end <= prediction.duration + 1e-9
        assert 0.0 < segment.confidence <= 1.0 + 1e-9


def test_segments_cover_what_is_spoken(model: Model, recording: Path) -> None:
    said = model.predict(recording)
    assert_covers(said)
    assert said.segments[0].start < 0.5
    assert said.segments[-1].end > said.duration - 0.5


def test_a_long_recording_is_labelled_end_to_end(
    model: Model, long_recording: NDArray[np.float32]
) -> None:
    said = model.predict(long_recording, 16000)
    # Three phrases of each, until the end cuts the last off.
    emotions = emotions_of(said.segments)
    assert len(emotions) > 20
    assert emotions == [EMOTIONS[place % 5] for place in range(len(emotions))]
    assert said.duration == 120.0
    assert tuple(said.probabilities) == model.classes
    assert shares_of(said).sum() == pytest.approx(1.0, abs=1e-9)
    assert_covers(said)
    assert said.segments[0].start < 1.0
    assert said.segments[-1].end > 119.0


def test_files_together_get_what_they_get_alone(
    model: Model, synthetic: Path, tmp_path: Path, long_recording: NDArray[np.float32]
) -> None:
    """Clips of many lengths, a long recording and files that cannot be read, in their order."""
    long, junk = tmp_path / "long.wav", tmp_path / "junk.wav"
    soundfile.write(long, long_recording[: 40 * 16000], 16000)
    junk.write_bytes(b"RIFF and nothing else")
    files = [junk, *sorted(synthetic.rglob("*.wav"))[::3], long, tmp_path / "none.wav"]
    together = model.predict_many(files)
    assert [said.file for said in together] == [str(file) for file in files]
    assert len(files) > 30
    for file, said in zip(files, together, strict=True):
        if isinstance(said, Failure):
            assert file in (files[0], files[-1])
            assert str(file) in said.error
            continue
        alone = model.predict(file)
        assert said.emotion == alone.emotion
        assert file == long or said.emotion == file.parts[-3]
        assert shares_of(said) == pytest.approx(shares_of(alone), abs=1e-5)
        assert said.warnings == alone.warnings
        assert said.duration == alone.duration
        assert [(s.start, s.end, s.emotion) for s in said.segments] == [
            (s.start, s.end, s.emotion) for s in alone.segments
        ]
    assert model.predict_many([]) == ()


def test_threads_share_a_model(oracle: Path, synthetic: Path) -> None:
    paths = sorted(synthetic.rglob("*.wav"))[::4]
    alone = [bilstm_hmm.load(oracle).predict(path) for path in paths]
    shared = bilstm_hmm.load(oracle)
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(shared.predict, paths * 3))
    # Not to the last bit: where an array lies in memory decides how its sums are rounded.
    for got, expected in zip(together, alone * 3, strict=True):
        assert (got.file, got.emotion) == (expected.file, expected.emotion)
        assert got.probabilities == pytest.approx(expected.probabilities, abs=1e-5)
        assert [(s.start, s.end) for s in got.segments] == [
            (s.start, s.end) for s in expected.segments
        ]


def test_an_array_without_its_rate_is_refused(model: Model) -> None:
    with pytest.raises(AudioError, match="comes without its sampling rate; give it in Hz, as in "):
        model.predict(say("sad"))


def test_bytes_of_a_file_are_as_good_as_the_file(model: Model, recording: Path) -> None:
    said, of_file = model.predict(recording.read_bytes()), model.predict(recording)
    assert said == replace(of_file, file="bytes")
    with recording.open("rb") as file:
        assert model.predict(file) == of_file
    with pytest.raises(AudioError, match=r"^bytes cannot be read as audio"):
        model.predict(b"RIFF and nothing else")


def test_blocks_are_as_good_as_an_array(model: Model, long_recording: NDArray[np.float32]) -> None:
    samples = long_recording[: 12 * 16000]
    assert model.predict(iter([*samples.reshape(12, -1)]), 16000) == model.predict(samples, 16000)


def test_a_model_shows_itself_in_two_lines(model: Model) -> None:
    assert repr(model) == (
        f"Model {model.bundle.model_id}: neutral, happy, sad, angry, fearful\n"
        "    trained on ravdess; 16000 Hz, labels by hybrid"
    )
    assert len(repr(model.bundle)) < 100_000  # without the bytes of the network


def test_a_model_shows_itself_in_a_notebook(model: Model) -> None:
    odd = Model(replace(model.bundle, classes=("<i>sad</i>", *model.classes[1:])))
    assert "<td>&lt;i&gt;sad&lt;/i&gt;, happy" in odd._repr_html_()
    for words in (model.bundle.model_id, "ravdess", "16000 Hz", "hybrid"):
        assert f"{words}</td>" in model._repr_html_()


def test_the_names_of_the_api_can_be_imported() -> None:
    from bilstm_hmm import (
        EmotionStream,
        Failure,
        Model,
        Prediction,
        Segment,
        Update,
        load,
        to_dataframe,
    )

    names = {value.__name__ for value in (EmotionStream, Failure, Model, Prediction, Segment)}
    assert {*names, Update.__name__, load.__name__, to_dataframe.__name__} <= {*bilstm_hmm.__all__}
