"""The recordings that are labelled: drawn from real corpora, the same ones for the same seed."""

from collections.abc import Iterable, Sequence
from itertools import cycle
from pathlib import Path

import numpy as np
import soundfile
from bilstm_hmm.data.clip import Clip
from bilstm_hmm.data.corpora.registry import CORPORA, scan_corpus
from bilstm_hmm.features.audio.reading import read_audio

from bilstm_hmm.errors import ToolkitError

RATE = 16000


def draw_clips(corpora: Path, seed: int) -> list[Clip]:
    """Return the clips of all corpora in a folder, shuffled.

    Raises
    ------
    ToolkitError
        The folder holds no corpus.
    """
    names = [name for name in CORPORA if (corpora / name).is_dir()]
    if not names:
        raise ToolkitError(
            f"--corpora {corpora}: no corpus in it; expected folders named {', '.join(CORPORA)}."
        )
    clips = [clip for name in names for clip in scan_corpus(name, corpora / name).clips]
    order = np.random.default_rng(seed).permutation(len(clips))
    return [clips[i] for i in order]


def link_clips(clips: Sequence[Clip], folder: Path) -> Path:
    """Fill `folder` with links to the clips, numbered in their order, and return it.

    Each file is read once, so that the disk is warm for whoever comes first.
    """
    folder.mkdir(parents=True)
    for index, clip in enumerate(clips):
        clip.path.read_bytes()
        (folder / f"{index:06d}{clip.path.suffix}").symlink_to(clip.path.resolve())
    return folder


def audio_seconds(clips: Iterable[Clip]) -> float:
    """Return how much audio the clips hold, in seconds."""
    return float(sum(soundfile.info(str(clip.path)).duration for clip in clips))


def write_short_recording(clips: Sequence[Clip], path: Path, seconds: float) -> Path:
    """Write the beginning of the first clip that is as long as `seconds`, as 16-bit wav.

    Where none is, the first one is repeated.
    """
    wanted = round(seconds * RATE)
    long_enough = (c for c in clips if soundfile.info(str(c.path)).duration >= seconds)
    samples = read_audio(next(long_enough, clips[0]).path, RATE).samples
    soundfile.write(path, np.resize(samples, wanted), RATE, subtype="PCM_16")
    return path


def write_long_recording(clips: Sequence[Clip], path: Path, seconds: float) -> Path:
    """Write clips one behind the other, over again where they do not suffice, as 16-bit wav."""
    left = round(seconds * RATE)
    with soundfile.SoundFile(path, "w", RATE, 1, subtype="PCM_16") as file:
        for clip in cycle(clips):
            samples = read_audio(clip.path, RATE).samples[:left]
            file.write(samples)
            left -= len(samples)
            if left <= 0:
                return path
    return path
