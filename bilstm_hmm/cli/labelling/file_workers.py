"""Labelling many files on all cores: processes, a batch of files at a time, results in order."""

import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from itertools import chain, islice
from multiprocessing import get_context
from pathlib import Path
from threading import Lock

from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.features.audio.voices import EVERYTHING, Voice
from bilstm_hmm.inference.bundle import Bundle
from bilstm_hmm.inference.model import Model
from bilstm_hmm.ordered_map import ordered_map
from bilstm_hmm.prediction import Result

#: Files that are labelled together, and the bytes after which a batch is closed all the same.
FILES_PER_BATCH = 16
BYTES_PER_BATCH = 8_000_000
#: Batches from which on processes are worth their start, about half a second.
MIN_BATCHES_FOR_POOL = 4
#: Batches a process that may wait for an earlier one, which is slow.
MAX_BATCHES_AHEAD = 8

# What a worker process labels with; set once, when it starts.
_worker_model: list[Model] = []


def predict_files(
    model: Model,
    files: Sequence[Path],
    jobs: int,
    curves: bool = False,
    voices: Sequence[Voice] | None = None,
) -> Iterator[Result]:
    """Yield the result of each file, in the order of the files.

    Memory does not grow with their number: a few batches are under way at a time.

    Parameters
    ----------
    jobs
        Processes; a few files, and a single job, are labelled in this one.
    curves
        Whether the predictions have the probabilities over time.
    voices
        What of each file is listened to; None is all of it.

    Raises
    ------
    ToolkitError
        Where a process was killed.
    """
    batches = _batches(files, voices or [EVERYTHING] * len(files))
    first = list(islice(batches, MIN_BATCHES_FOR_POOL))
    if jobs == 1 or len(first) < MIN_BATCHES_FOR_POOL:
        for batch in chain(first, batches):
            yield from batch.predict(model, jobs, curves)
        return
    # A fresh interpreter each: forks of one with threads can hang.
    pool = ProcessPoolExecutor(jobs - 1, get_context("spawn"), _start, (model.bundle,))
    this_process = Lock()

    def predict_batch(batch: _Batch) -> tuple[Result, ...]:
        # This process labels as well, and first of all, while the others start.
        if this_process.acquire(blocking=False):
            try:
                return batch.predict(model, 1, curves)
            finally:
                this_process.release()
        return pool.submit(_predict_batch, batch, curves).result()

    # Threads that wait for two batches of each process: one under way and the next at hand.
    n_threads = 1 + 2 * (jobs - 1)
    try:
        for results in ordered_map(
            predict_batch, chain(first, batches), n_threads, MAX_BATCHES_AHEAD * jobs
        ):
            yield from results
    except BrokenProcessPool:
        raise ToolkitError(
            "A process that labels files was killed, perhaps for want of memory; try --jobs 1, "
            "and --resume to go on."
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


@dataclass(frozen=True, slots=True)
class _Batch:
    """Files that are labelled together, and what of each is listened to."""

    files: list[Path] = field(default_factory=list)
    voices: list[Voice] = field(default_factory=list)

    def predict(self, model: Model, jobs: int, curves: bool) -> tuple[Result, ...]:
        return model.predict_many(self.files, jobs, curves, self.voices)


def _batches(files: Sequence[Path], voices: Sequence[Voice]) -> Iterator[_Batch]:
    batch, size = _Batch(), 0
    for path, voice in zip(files, voices, strict=True):
        batch.files.append(path)
        batch.voices.append(voice)
        size += _bytes(path)
        if len(batch.files) == FILES_PER_BATCH or size >= BYTES_PER_BATCH:
            yield batch
            batch, size = _Batch(), 0
    if batch.files:
        yield batch


def _bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except (OSError, ValueError):
        return 0


def _start(bundle: Bundle) -> None:
    _worker_model.append(Model(bundle))
    # The interruption is the parent's to handle.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _predict_batch(batch: _Batch, curves: bool) -> tuple[Result, ...]:
    return batch.predict(_worker_model[0], 1, curves)
