"""Decoding the clips of a collection to measure them, on all cores."""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from hashlib import blake2b
from pathlib import Path

import numpy as np

from bilstm_hmm.blas_threads import one_blas_thread
from bilstm_hmm.data.checking.sound import Sound, Unreadable
from bilstm_hmm.features.audio.channels import mixing_weights
from bilstm_hmm.features.audio.decoding.files import file_source
from bilstm_hmm.features.audio.fingerprint import RATE as FINGERPRINT_RATE
from bilstm_hmm.features.audio.fingerprint import fingerprint
from bilstm_hmm.features.audio.reading import resampler
from bilstm_hmm.features.audio.sources import unusable
from bilstm_hmm.features.errors import AudioError
from bilstm_hmm.features.frames import FloatArray
from bilstm_hmm.features.quality.clipping import count_clipped
from bilstm_hmm.features.quality.measures import measure_quality
from bilstm_hmm.features.quality.meter import QualityMeter
from bilstm_hmm.features.quality.warnings import is_clipped
from bilstm_hmm.features.vad.detector import SpeechDetector
from bilstm_hmm.features.vad.energy import FRAME_SECONDS
from bilstm_hmm.features.worker_processes import process_pool

_RATE = 16000
#: Of a recording that is too long to be a clip, so much is measured.
_MAX_SECONDS = 600.0
#: Decibels below the peak that speech may lie: as a timeline has it by default.
_MAX_BELOW_PEAK_DB = 35.0
_FILES_PER_TASK = 32
#: Files from which on processes are worth their start.
_MIN_FILES_FOR_POOL = 128

Measured = Sound | Unreadable
OnClip = Callable[[int], None]


def measure_sounds(
    paths: Sequence[Path], jobs: int | None = None, on_clip: OnClip = lambda _done: None
) -> list[Measured]:
    """Return what is measured of each file, in their order; a file that crashes is unreadable.

    Parameters
    ----------
    jobs
        Processes; all cores by default.
    on_clip
        Called with the number of files that are done.
    """
    n_jobs = jobs or os.cpu_count() or 1
    if n_jobs == 1 or len(paths) < _MIN_FILES_FOR_POOL:
        measured = []
        for path in paths:
            measured.append(measure_sound(path))
            on_clip(len(measured))
        return measured
    parts = [paths[i : i + _FILES_PER_TASK] for i in range(0, len(paths), _FILES_PER_TASK)]
    measured = []
    for part in _in_processes(parts, n_jobs):
        measured += part
        on_clip(len(measured))
    return measured


def measure_sound(path: Path) -> Measured:
    """Decode a file and measure it; whatever is wrong with it is in what is returned."""
    try:
        return _measure(path)
    except AudioError as error:
        return Unreadable(str(error).removeprefix(f"{path} "))
    except (OSError, ValueError, MemoryError, ArithmeticError) as error:
        return Unreadable(f"cannot be decoded ({error})")


def _measure(path: Path) -> Measured:
    source = file_source(path)
    rate = round(source.rate)
    digest = blake2b(digest_size=16)
    digest.update(f"{rate} {source.n_channels}".encode())
    blocks: list[FloatArray] = []
    n_read, peak, n_clipped, damage = 0, 0.0, 0, None
    stream = source.blocks()
    while True:
        try:
            block = next(stream)
        except StopIteration as end:
            damage = end.value[0] if end.value else None
            break
        fault = unusable(block)
        if fault is not None:
            return Unreadable(f"holds {fault}")
        digest.update(np.ascontiguousarray(block).data)
        peak = max(peak, float(np.abs(block).max(initial=0.0)))
        n_clipped += count_clipped(block)
        if n_read < _MAX_SECONDS * rate:
            blocks.append(block)
        n_read += len(block)
    if n_read == 0:
        return Unreadable("holds no samples" + (" that can be decoded" if damage else ""))
    mono = _mono(blocks, source.n_channels)
    meter = QualityMeter(_RATE)
    samples = _resampled(mono, rate, _RATE)
    meter.add(samples)
    quality = measure_quality(meter, n_clipped * _RATE / rate)
    return Sound(
        seconds=n_read / rate,
        rate=rate,
        n_channels=source.n_channels,
        peak=peak,
        speech_seconds=_speech_seconds(samples),
        is_clipped=is_clipped(quality),
        damage=damage,
        digest=digest.hexdigest(),
        fingerprint=fingerprint(_resampled(mono, rate, FINGERPRINT_RATE)),
    )


def _mono(blocks: Sequence[FloatArray], n_channels: int) -> FloatArray:
    if n_channels == 1:
        return np.concatenate([block[:, 0] for block in blocks])
    weights, _ = mixing_weights(blocks, n_channels)
    return np.concatenate([block @ weights for block in blocks])


def _resampled(samples: FloatArray, native_rate: int, rate: int) -> FloatArray:
    return resampler(native_rate, rate)(samples, True)


def _speech_seconds(samples: FloatArray) -> float:
    detector = SpeechDetector(_RATE, _MAX_BELOW_PEAK_DB)
    frames = [detector.push(samples), detector.flush()]
    return FRAME_SECONDS * float(sum(int(part.is_speech.sum()) for part in frames))


def _in_processes(parts: Sequence[Sequence[Path]], jobs: int) -> Iterator[list[Measured]]:
    """Yield what is measured of each part; where a process dies, its files are tried one by one."""
    first = 0
    while first < len(parts):
        pool = process_pool(jobs, _start)
        waiting: list[Future[list[Measured]]] = []
        try:
            waiting = [pool.submit(_measure_all, part) for part in parts[first:]]
            for future in waiting:
                yield future.result()
                first += 1
        except BrokenProcessPool:
            # Some part killed its process, perhaps a later one: this one is safe once it is over.
            yield [_measure_alone(path) for path in parts[first]]
            first += 1
        finally:
            pool.shutdown(cancel_futures=True)


def _start() -> None:
    # The interruption is the parent's to handle.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _measure_all(paths: Sequence[Path]) -> list[Measured]:
    with one_blas_thread():
        return [measure_sound(path) for path in paths]


def _measure_alone(path: Path) -> Measured:
    """Measure a file in a process of its own."""
    with process_pool(1) as pool:
        try:
            return pool.submit(measure_sound, path).result()
        except BrokenProcessPool:
            return Unreadable("makes its decoder crash")
