"""Profiles are small, say what they hold, and go with models of equal features."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bilstm_hmm.features.errors import AudioError
from bilstm_hmm.features.extraction.voice_statistics import FrameMoments, clip_moments
from bilstm_hmm.features.spectral.filterbanks import FilterBanks

import bilstm_hmm
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.inference.bundle import Bundle
from bilstm_hmm.inference.model import Model
from bilstm_hmm.inference.voice.profile import (
    VoiceProfile,
    features_checksum,
    known_voice,
)
from bilstm_hmm.inference.voice.profile_file import MAX_BYTES
from tests.oracle import RATE, say


@pytest.fixture(scope="module")
def profile(voice_model: Model) -> VoiceProfile:
    return voice_model.voice(say("sad", 2), say("angry", 2), say("happy", 2), rate=RATE)


@pytest.fixture
def path(profile: VoiceProfile, tmp_path: Path) -> Path:
    profile.save(tmp_path / "anna.voice")
    return tmp_path / "anna.voice"


def assert_same(one: FrameMoments, other: FrameMoments) -> None:
    assert (one.n_clips, one.n_frames) == (other.n_clips, other.n_frames)
    deviation = np.sqrt(other.squares / other.n_frames)
    np.testing.assert_array_less(np.abs(one.mean - other.mean), 1e-4 * deviation + 1e-12)
    np.testing.assert_allclose(one.squares, other.squares, rtol=1e-4)


def test_a_profile_is_what_its_recordings_say(voice_model: Model, profile: VoiceProfile) -> None:
    parts = [voice_model.scorer.extract_recording(say(e, 2))[0] for e in ("sad", "angry", "happy")]
    frames = np.concatenate([clip.frames[0] for features in parts for clip in features])
    assert (profile.n_clips, profile.moments.n_frames) == (3, len(frames))
    assert profile.seconds == pytest.approx(len(frames) / 100)
    np.testing.assert_allclose(profile.moments.mean[0], frames.mean(axis=0, dtype=float), rtol=1e-5)
    variance = profile.moments.squares[0] / len(frames)
    np.testing.assert_allclose(variance, frames.var(axis=0, dtype=float), rtol=1e-4)


def test_a_file_gives_back_what_was_saved(path: Path, profile: VoiceProfile) -> None:
    loaded = bilstm_hmm.VoiceProfile.load(path)
    assert (loaded.features, loaded.frame_rate) == (profile.features, profile.frame_rate)
    assert_same(loaded.moments, profile.moments)
    assert path.stat().st_size < 3_000
    said = json.loads(path.read_text("utf-8"))
    assert "no audio" in said["content"]
    # Once written and read nothing is lost any more.
    loaded.save(path, overwrite=True)
    assert json.loads(path.read_text("utf-8")) == said
    assert loaded.checksum == profile.checksum


def test_merging_from_files_is_exact_enough(
    voice_model: Model, profile: VoiceProfile, path: Path
) -> None:
    more = voice_model.voice(say("neutral", 2), say("fearful", 2), rate=RATE)
    all_at_once = voice_model.voice(
        *(say(e, 2) for e in ("sad", "angry", "happy", "neutral", "fearful")), rate=RATE
    )
    more.save(path.with_name("more.voice"))
    merged = VoiceProfile.load(path).merged([VoiceProfile.load(path.with_name("more.voice"))])
    assert_same(merged.moments, all_at_once.moments)
    with pytest.raises(ToolkitError, match=r"of different features; learn all of them with one"):
        merged.merged([replace(profile, features="0" * 16)])


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e9])
def test_numbers_of_any_size_keep_their_digits(
    profile: VoiceProfile, tmp_path: Path, scale: float
) -> None:
    rng = np.random.default_rng(1)
    frames = rng.normal(1000.0, 0.5, (2, 200, 5)) * scale
    # A column that never changes.
    frames[..., 2] = 0.1 * scale
    moments = clip_moments(frames)
    replace(profile, moments=moments).save(tmp_path / "odd.voice")
    loaded = VoiceProfile.load(tmp_path / "odd.voice").moments
    deviation = np.sqrt(moments.squares / moments.n_frames)
    varied = deviation > 1e-9 * scale
    assert (np.abs(loaded.mean - moments.mean) <= 1e-4 * deviation)[varied].all()
    np.testing.assert_allclose(loaded.mean, moments.mean, rtol=1e-5)


def test_a_file_is_not_replaced_unasked(path: Path, profile: VoiceProfile) -> None:
    before = path.read_bytes()
    with pytest.raises(ToolkitError, match=r"exists already; replace it with --overwrite"):
        profile.save(path)
    assert path.read_bytes() == before
    profile.save(path, overwrite=True)
    with pytest.raises(ToolkitError, match="it is a folder"):
        profile.save(path.parent, overwrite=True)


def spoil(key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda tree: tree.__setitem__(key, value)


def spoil_view(key: str, value: Any, place: int = 0) -> Callable[[dict[str, Any]], None]:
    return lambda tree: tree["views"][0][key].__setitem__(place, value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (spoil("format", 2), r"of format 2, but this version reads 1; upgrade"),
        (spoil("content", "A song"), r"not a voice profile \(content: "),
        (spoil("extra", 1), r"\(extra: Extra inputs"),
        (spoil("features", "0123"), r"\(features: "),
        (spoil("n_clips", 0), r"\(n_clips: "),
        (spoil("n_clips", 2.5), r"\(n_clips: "),
        (spoil("n_clips", "3"), r"\(n_clips: "),
        (spoil("n_frames", 2), r"n_frames is less than n_clips"),
        (spoil("frame_rate", 0.0), r"\(frame_rate: "),
        (spoil("views", []), r"\(views: "),
        (lambda tree: tree.pop("n_frames"), r"\(n_frames: Field required"),
        (spoil_view("variance", -1.0), r"\(views.0.variance.0: "),
        (spoil_view("mean", 1e300, 3), r"\(views.0.mean.3: "),
        (spoil_view("mean", float("nan")), r"\(views.0.mean.0: "),
        (spoil_view("mean", float("inf")), r"\(views.0.mean.0: "),
        (spoil_view("mean", "1"), r"\(views.0.mean.0: "),
        (lambda tree: tree["views"][0]["mean"].pop(), r"different lengths"),
    ],
)
def test_what_is_no_profile_is_refused_in_a_sentence(
    path: Path, change: Callable[[dict[str, Any]], None], message: str
) -> None:
    tree = json.loads(path.read_text("utf-8"))
    change(tree)
    path.write_text(json.dumps(tree), encoding="utf-8")
    with pytest.raises(ToolkitError, match=message) as raised:
        VoiceProfile.load(path)
    assert str(raised.value).startswith(str(path))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "content", [b"", b"RIFF", b"\xff\xfe", b"[]", b"{}", b"null", b"1", b"[" * 100_000]
)
def test_what_is_no_json_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(ToolkitError, match="not a voice profile"):
        VoiceProfile.load(path)


def test_what_cannot_be_read_is_refused(path: Path) -> None:
    with pytest.raises(ToolkitError, match=r"No such file or directory; check the path"):
        VoiceProfile.load(path.with_name("none.voice"))
    with pytest.raises(ToolkitError, match="check the path"):
        VoiceProfile.load(path.parent)
    path.write_bytes(b" " * (MAX_BYTES + 1))
    with pytest.raises(ToolkitError, match="it is too large"):
        VoiceProfile.load(path)


def with_recipe(bundle: Bundle, section: str, **keys: object) -> Bundle:
    changed = getattr(bundle.recipe, section).model_copy(update=keys)
    return replace(bundle, recipe=bundle.recipe.model_copy(update={section: changed}))


def test_it_goes_with_equal_features_and_no_others(
    voice_model: Model, model: Model, profile: VoiceProfile
) -> None:
    bundle = voice_model.bundle
    assert profile.features == features_checksum(bundle) == features_checksum(model.bundle)
    other_network = replace(bundle, network=b"another", model_id="another")
    assert known_voice(other_network, profile).moments is profile.moments
    assert known_voice(with_recipe(bundle, "timeline", vad="speech"), profile).moments is not None
    banks = bundle.filter_banks
    others = [
        with_recipe(bundle, "features", trim_db=30.0),
        with_recipe(bundle, "decision", warps=(0.9, 1.1)),
        replace(bundle, filter_banks=FilterBanks(banks.mel * 1.1, mel_dct=banks.mel_dct)),
    ]
    for other in others:
        with pytest.raises(ToolkitError, match=r"of other features than those of the model oracle"):
            known_voice(other, profile)
    # A forged checksum does not make it fit.
    short = FrameMoments(1, 10, np.zeros((1, 3)), np.ones((1, 3)))
    with pytest.raises(ToolkitError, match="of other features"):
        known_voice(bundle, replace(profile, moments=short))


def test_a_model_that_knows_no_voices_takes_none(model: Model, profile: VoiceProfile) -> None:
    message = r"The model oracle-0123abcd was not trained to know voices"
    with pytest.raises(ToolkitError, match=message):
        model.predict(say("sad"), RATE, voice=profile)
    with pytest.raises(ToolkitError, match=message):
        model.predict_many([], voice=profile)
    with pytest.raises(ToolkitError, match=message):
        model.voice(say("sad"), rate=RATE)
    with pytest.raises(ToolkitError, match=message):
        bilstm_hmm.EmotionStream(model, voice=profile)


def test_a_voice_needs_speech(voice_model: Model) -> None:
    silence = np.zeros(RATE * 3, np.float32)
    with pytest.raises(AudioError, match="Nobody speaks in the recordings"):
        voice_model.voice(silence, rate=RATE)
    with pytest.raises(ToolkitError, match="give one at least"):
        voice_model.voice()
    # Silence among others is left out.
    assert voice_model.voice(silence, say("sad"), rate=RATE).n_clips == 1


def test_a_long_recording_is_learned_segment_by_segment(voice_model: Model) -> None:
    from bilstm_hmm.inference.speech_cutter import make_segmenter
    from tests.oracle import talk

    samples = talk(*("neutral", 0.5, "happy", 0.5, "sad", 0.5) * 8, speaker=3)
    segmenter = make_segmenter(voice_model.bundle.recipe)
    segments = [*segmenter.push(samples), *segmenter.flush()]
    assert len(samples) > 30 * RATE
    assert voice_model.voice(samples, rate=RATE).n_clips == len(segments)
