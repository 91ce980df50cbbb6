"""What is measured of files, good and bad, in one process and in several."""

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from bilstm_hmm.data.checking.duplicates import near_duplicates
from bilstm_hmm.data.checking.sound import Sound, Unreadable

from bilstm_hmm.experiments.corpus_check import sounds as module
from bilstm_hmm.experiments.corpus_check.sounds import measure_sound, measure_sounds

RATE = 16000


def _voice(seed: int, seconds: float = 2.0) -> np.ndarray:
    """Return something like speech: harmonics whose pitch and level wander."""
    rng = np.random.default_rng(seed)
    n = round(seconds * RATE)
    knots = np.linspace(0, n, 14)
    pitch = np.interp(np.arange(n), knots, rng.uniform(100, 250, 14))
    level = np.interp(np.arange(n), knots, rng.uniform(0.05, 1.0, 14))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    wave = sum(np.sin(k * phase + k) * rng.uniform(0.2, 1) / k for k in range(1, 12))
    return (0.2 * level * wave / np.abs(wave).max()).astype(np.float32)


def _measured(
    path: Path, samples: np.ndarray, rate: int = RATE, subtype: str | None = None
) -> Sound:
    soundfile.write(path, samples, rate, subtype=subtype)
    sound = measure_sound(path)
    assert isinstance(sound, Sound)
    return sound


def test_a_file_in_numbers(tmp_path: Path) -> None:
    samples = np.stack([_voice(1), 0.5 * _voice(1)], axis=1)
    sound = _measured(tmp_path / "a.wav", samples)
    assert (sound.seconds, sound.rate, sound.n_channels) == (2.0, RATE, 2)
    assert sound.peak == pytest.approx(np.abs(samples).max(), abs=1e-4)
    assert not sound.is_clipped
    assert sound.damage is None


def test_clipping_and_silence(tmp_path: Path) -> None:
    flat = np.clip(20 * _voice(1), -1, 1)
    assert _measured(tmp_path / "a.wav", flat).is_clipped
    silent = _measured(tmp_path / "b.wav", np.zeros(RATE))
    assert silent.peak == silent.speech_seconds == 0.0
    assert not silent.fingerprint.any()


def test_equal_samples_have_equal_digests(tmp_path: Path) -> None:
    one = (32767 * _voice(1)).astype(np.int16)
    other = one.copy()
    other[-1] += 1
    first = _measured(tmp_path / "a.wav", one)
    assert _measured(tmp_path / "b.flac", one).digest == first.digest
    assert _measured(tmp_path / "c.wav", other).digest != first.digest


@pytest.mark.parametrize("way", ["level", "mp3", "ogg", "opus", "rate", "ends", "stereo"])
def test_copies_are_found_by_their_fingerprints(tmp_path: Path, way: str) -> None:
    samples = _voice(1)
    first = _measured(tmp_path / "a.wav", samples)
    rate, subtype, changed = RATE, None, samples
    name = "b." + {"mp3": "mp3", "ogg": "ogg", "opus": "ogg"}.get(way, "wav")
    if way == "level":
        changed = 0.2 * samples
    elif way == "rate":
        import soxr

        rate, changed = 11025, soxr.resample(samples, RATE, 11025)
    elif way == "ends":
        changed = np.concatenate([np.zeros(5000), samples[1500:]])
    elif way == "stereo":
        changed = np.stack([samples, samples], axis=1)
    elif way == "opus":
        subtype = "OPUS"
    copy = _measured(tmp_path / name, changed, rate, subtype)
    others = [_measured(tmp_path / f"{n}.wav", _voice(n)).fingerprint for n in (2, 3, 4)]
    assert near_duplicates([first.fingerprint, *others, copy.fingerprint]) == [(0, 4)]


def test_junk_is_unreadable_and_says_why(tmp_path: Path) -> None:
    files = {
        "empty.wav": b"",
        "text.wav": b"no audio " * 99,
        "header.wav": b"RIFF\x24\0\0\0WAVEfmt ",
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        measured = measure_sound(tmp_path / name)
        assert isinstance(measured, Unreadable)
        assert str(tmp_path) not in measured.reason.partition("(")[0]
    assert isinstance(measure_sound(tmp_path / "missing.wav"), Unreadable)
    soundfile.write(tmp_path / "nan.wav", np.full(RATE, np.nan), RATE, subtype="FLOAT")
    assert measure_sound(tmp_path / "nan.wav") == Unreadable(
        "holds samples that are infinite or not a number"
    )
    soundfile.write(tmp_path / "large.wav", np.full(RATE, 1e30), RATE, subtype="FLOAT")
    assert measure_sound(tmp_path / "large.wav") == Unreadable(
        "holds samples far too large for audio (1e+30, where full scale is 1)"
    )


def test_a_file_that_ends_early_is_measured_as_far_as_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, _voice(1), RATE)
    path.write_bytes(path.read_bytes()[:32044])
    sound = measure_sound(path)
    assert isinstance(sound, Sound)
    assert sound.seconds == pytest.approx(1.0)
    assert sound.damage is not None


def _crash_or_measure(path: Path) -> Sound | Unreadable:
    if path.name == "crash.wav":
        os._exit(3)
    return Unreadable(path.name)


def test_a_decoder_that_crashes_costs_one_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where the processes look it up: they import this module, not the one that is patched here.
    names = [f"{n}.wav" for n in range(5)] + ["crash.wav"] + [f"{n}.wav" for n in range(5, 9)]
    monkeypatch.setattr(module, "measure_sound", _crash_or_measure)
    monkeypatch.setattr(module, "_measure_all", _all_or_crash)
    monkeypatch.setattr(module, "_MIN_FILES_FOR_POOL", 2)
    monkeypatch.setattr(module, "_FILES_PER_TASK", 3)
    done: list[int] = []
    measured = measure_sounds([Path(name) for name in names], 2, done.append)
    assert [one.reason for one in measured if isinstance(one, Unreadable)] == [
        name if name != "crash.wav" else "makes its decoder crash" for name in names
    ]
    assert done[-1] == len(names)
    assert done == sorted(done)


def _all_or_crash(paths: list[Path]) -> list[Sound | Unreadable]:
    return [_crash_or_measure(path) for path in paths]
