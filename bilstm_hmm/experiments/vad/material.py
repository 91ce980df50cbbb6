"""Recorded speech and noise that the speech detector learns from and is measured on.

It learns from corpora alone whose licences allow any use, and not from the speakers in `HELD_OUT`.
Noise is ESC-10 (K. J. Piczak, "ESC: Dataset for Environmental Sound Classification", 2015): a
folder a kind, and the first digit of a file's name is its fold.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bilstm_hmm.arrays import FloatArray, Mask
from bilstm_hmm.data.audio_files import audio_files
from bilstm_hmm.data.clip import Clip
from bilstm_hmm.data.corpora.registry import CORPORA, scan_corpus
from bilstm_hmm.data.synthesis.corpus import SYNTHETIC_EMOTIONS, synthesise
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.features.audio.reading import read_audio

RATE = 16000
#: Corpora of the training, and how many clips of each at most.
TRAINING_CORPORA: Mapping[str, int] = {"crema-d": 1300, "emodb": 1000}
#: Speakers who take no part in the training.
HELD_OUT = frozenset(
    [f"crema-d-{n}" for n in (*range(1001, 1047, 5), 1052, 1057, 1062, 1067, 1075)]
    + ["emodb-03", "emodb-16"]
)
N_MADE_VOICES = 80
_PEAK = 0.5

# Of the marks of speech: samples of a frame, decibels below the peak and above the quietest frames,
# and frames of the longest pause within speech and of the shortest speech.
_FRAME = RATE // 100
_BELOW_PEAK_DB, _ABOVE_QUIET_DB, _LEAST_BELOW_PEAK_DB = 38.0, 8.0, 15.0
_QUIET_PERCENTILE, _SILENT_DB = 8.0, 60.0
_MAX_PAUSE, _MIN_SPEECH = 15, 5


@dataclass(frozen=True, slots=True, eq=False)
class Speech:
    """A clip with its peak at 0.5, float32 ``[n]``, and where somebody speaks, bool ``[n]``."""

    samples: FloatArray
    is_speech: Mask


def mark_speech(samples: FloatArray) -> Mask:
    """Return where in a clip of clean speech somebody speaks, bool ``[n]``.

    By level, with all of the clip known: louder than its quietest parts, and within a range below
    its peak. Short pauses between words are speech, clicks are none.
    """
    count = len(samples) // _FRAME
    is_speech = np.zeros(len(samples), np.bool_)
    if count == 0:
        return is_speech
    power = (samples[: count * _FRAME].reshape(-1, _FRAME) ** 2).mean(axis=1)
    levels = np.pad(10.0 * np.log10(np.maximum(power, 1e-12)), 1, mode="edge")
    levels = np.convolve(levels, np.full(3, 1 / 3), "valid")
    peak, quiet = float(levels.max()), float(np.percentile(levels, _QUIET_PERCENTILE))
    threshold = peak - _BELOW_PEAK_DB
    if quiet > peak - _SILENT_DB:
        threshold = max(threshold, quiet + _ABOVE_QUIET_DB)
    frames = levels > min(threshold, peak - _LEAST_BELOW_PEAK_DB)
    frames = _without_short(_without_short(frames, False, _MAX_PAUSE), True, _MIN_SPEECH - 1)
    is_speech[: count * _FRAME] = np.repeat(frames, _FRAME)
    return is_speech


def _without_short(frames: Mask, value: bool, longest: int) -> Mask:
    """Turn runs of `value` of at most so many frames into the other one.

    Pauses at the beginning and the end stay.
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], frames == value, [False]])))
    result = frames.copy()
    for start, stop in edges.reshape(-1, 2):
        inside = value or (start > 0 and stop < len(frames))
        if inside and stop - start <= longest:
            result[start:stop] = not value
    return result


def read_training_speech(corpora: Path, seed: int) -> list[Speech]:
    """Return clips of the training's speakers below `corpora`, and made voices.

    Raises
    ------
    DataError
        A folder of `TRAINING_CORPORA` is missing or holds another corpus.
    """
    speech = []
    for index, (name, most) in enumerate(TRAINING_CORPORA.items()):
        clips = [clip for clip in _clips(corpora, name) if clip.speaker not in HELD_OUT]
        order = np.random.default_rng([seed, index]).permutation(len(clips))[:most]
        speech += [to_speech(read_audio(clips[i].path, RATE).samples) for i in order]
    return speech + made_voices(N_MADE_VOICES)


def made_voices(count: int) -> list[Speech]:
    """Return utterances of the synthesiser, each emotion and voice in turn."""
    return [
        to_speech(
            synthesise(
                SYNTHETIC_EMOTIONS[i % len(SYNTHETIC_EMOTIONS)], i // len(SYNTHETIC_EMOTIONS), i
            )
        )
        for i in range(count)
    ]


def to_speech(samples: FloatArray) -> Speech:
    """Return a clip with its peak at 0.5, and with marks."""
    scaled = _scaled(samples)
    return Speech(scaled, mark_speech(scaled))


def read_test_clips(corpora: Path, count: int, seed: int) -> dict[str, list[FloatArray]]:
    """Return at most `count` clips of each corpus below `corpora`, by the name of its folder.

    Of the training's corpora those of `HELD_OUT` alone. A folder with the name of no corpus that
    the toolkit knows is taken as it is.

    Raises
    ------
    ToolkitError
        There is no folder.
    """
    folders = sorted(p for p in corpora.glob("*") if p.is_dir() and not p.name.startswith("."))
    if not folders:
        raise ToolkitError(f"{corpora} has no corpora; give the folder that holds one for each.")
    found = {}
    for index, folder in enumerate(folders):
        if folder.name in CORPORA:
            clips = _clips(corpora, folder.name)
            known = folder.name in TRAINING_CORPORA
            paths = [clip.path for clip in clips if not known or clip.speaker in HELD_OUT]
        else:
            paths = [file.path for file in audio_files(folder)]
        order = np.random.default_rng([seed, index]).permutation(len(paths))[:count]
        found[folder.name] = [read_audio(paths[i], RATE).samples for i in order]
    return found


def read_noise(folder: Path, folds: Collection[int]) -> dict[str, list[FloatArray]]:
    """Return the recordings of some folds, by kind, with their peaks at 0.5.

    Raises
    ------
    ToolkitError
        There is none.
    """
    found: dict[str, list[FloatArray]] = {}
    for file in audio_files(folder):
        kind, _, name = file.name.rpartition("/")
        if kind and name[0] in {str(fold) for fold in folds}:
            found.setdefault(kind, []).append(_scaled(read_audio(file.path, RATE).samples))
    if not found:
        numbers = ", ".join(map(str, sorted(folds)))
        raise ToolkitError(
            f"{folder} has no recordings of fold {numbers}; give the folder of ESC-10, which has "
            "one for each kind of sound, with files such as 4-182395-A.ogg."
        )
    return found


def _clips(corpora: Path, name: str) -> tuple[Clip, ...]:
    return scan_corpus(name, corpora / name).clips


def _scaled(samples: FloatArray) -> FloatArray:
    return samples * np.float32(_PEAK / max(float(np.abs(samples).max(initial=0.0)), 1e-6))
