"""How often the speech detector finds speech in other sound, and none where somebody speaks."""

import hashlib
import io
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from time import process_time
from typing import Any
from zipfile import BadZipFile

import numpy as np

from bilstm_hmm.arrays import FloatArray
from bilstm_hmm.data.synthesis.sounds import SOUNDS, make_sound
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.experiments.vad.detectors import Finds, finds_by_silero, finds_segments
from bilstm_hmm.experiments.vad.material import (
    RATE,
    mark_speech,
    read_noise,
    read_test_clips,
)
from bilstm_hmm.experiments.vad.scenes import at_snr
from bilstm_hmm.features.vad.network import VadNetwork, build_network

#: Decibels of the speech above recorded noise.
SNRS = (20, 10, 5, 0)
#: Seconds of a made sound.
SOUND_SECONDS = 5
# No training draws from the same generators.
_SEED = 77


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is measured: clips of each corpus, sounds of each kind, and folds of ESC-10."""

    clips: int = 400
    sounds: int = 60
    folds: Collection[int] = (4,)


@dataclass(slots=True)
class _Meter:
    """Asks the detectors, and adds up the time that each takes."""

    detectors: Mapping[str, Finds]
    seconds: dict[str, float] = field(default_factory=dict)
    sound: float = 0.0

    def count(self, recordings: Iterator[FloatArray]) -> dict[str, Any]:
        """Return the number of recordings, and in how many each detector finds speech."""
        total, found = 0, dict.fromkeys(self.detectors, 0)
        for samples in recordings:
            total += 1
            self.sound += len(samples) / RATE
            for name, finds in self.detectors.items():
                begin = process_time()
                found[name] += finds(samples)
                self.seconds[name] = self.seconds.get(name, 0.0) + process_time() - begin
        return {"recordings": total, "found": found}


def measure(
    corpora: Path,
    noise: Path,
    extent: Extent,
    unfamiliar: Path | None = None,
    silero: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Return in how many recordings of each kind each detector finds speech.

    Parameters
    ----------
    corpora, noise
        Folders with a corpus each, and of ESC-10.
    unfamiliar
        Weights of a network that did not learn from the folds of ESC-10, measured as well.
    silero
        Whether Silero VAD is measured as well.
    say
        Called with each part that is done.

    Returns
    -------
    dict
        ``noise``, ``sounds`` and ``speech``, each with recordings and findings by kind; ``time``,
        seconds of processor time for a second of sound; ``weights``, the SHA-256 of each network.
    """
    detectors = {"network": finds_segments()}
    weights = {"network": hashlib.sha256(_shipped().read_bytes()).hexdigest()}
    if unfamiliar is not None:
        content, network = read_weights(unfamiliar)
        detectors["unfamiliar"] = finds_segments(network)
        weights["unfamiliar"] = hashlib.sha256(content).hexdigest()
    detectors["level"] = finds_segments(by_level=True)
    if silero:
        detectors["silero"] = finds_by_silero()
    noises = read_noise(noise, extent.folds)
    meter = _Meter(detectors)
    document: dict[str, Any] = {"folds": sorted(extent.folds), "weights": weights}
    document["noise"] = {kind: meter.count(iter(found)) for kind, found in noises.items()}
    say("noise: done")
    document["sounds"] = {
        kind: meter.count(_sounds(kind, extent.sounds)) for kind in ("digital silence", *SOUNDS)
    }
    say("made sounds: done")
    document["speech"] = {}
    every = [one for found in noises.values() for one in found]
    for corpus, clips in read_test_clips(corpora, extent.clips, _SEED).items():
        document["speech"][corpus] = {
            "clean": meter.count(iter(clips)),
            **{f"{snr} dB": meter.count(_noisy(clips, every, snr)) for snr in SNRS},
        }
        say(f"{corpus}: done")
    document["time"] = {name: spent / meter.sound for name, spent in meter.seconds.items()}
    return document


def read_weights(path: Path) -> tuple[bytes, VadNetwork]:
    """Return a file of weights and its network; raises `ToolkitError` where it is no such file."""
    try:
        content = path.read_bytes()
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return content, build_network(dict(arrays))
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise ToolkitError(
            f"{path} holds no weights of a speech detector; give what the command train wrote."
        ) from error


def _shipped() -> Any:
    return files("bilstm_hmm.features.vad") / "weights.npz"


def _sounds(kind: str, count: int) -> Iterator[FloatArray]:
    """Made sounds of 5 s; silence of a converter is noise of the last bit."""
    n_samples = SOUND_SECONDS * RATE
    if kind == "digital silence":
        yield np.zeros(n_samples, np.float32)
        return
    for number in range(count):
        rng = np.random.default_rng([_SEED, number])
        if kind == "silence":
            yield (rng.integers(-1, 2, n_samples) / 32768.0).astype(np.float32)
        else:
            yield make_sound(kind, rng, n_samples, RATE)


def _noisy(clips: list[FloatArray], noises: list[FloatArray], snr: float) -> Iterator[FloatArray]:
    """The clips with noise from somewhere in a recording, the same at each ratio."""
    for number, clip in enumerate(clips):
        rng = np.random.default_rng([_SEED, number])
        noise = noises[rng.integers(len(noises))]
        offset = int(rng.integers(len(noise)))
        noise = np.resize(np.roll(noise, -offset), len(clip))
        yield (clip + at_snr(noise, clip, mark_speech(clip), snr)).astype(np.float32)
