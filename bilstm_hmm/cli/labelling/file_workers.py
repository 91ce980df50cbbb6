"""Work on many files on all cores: processes, a batch of files at a time, results in order."""

import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from itertools import chain, islice
from pathlib import Path
from threading import Lock
from typing import TypeVar

from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.features.audio.inputs import file_input
from bilstm_hmm.features.audio.voices import EVERYTHING, Voice
from bilstm_hmm.features.worker_processes import process_pool
from bilstm_hmm.inference.bundle import Bundle
from bilstm_hmm.inference.model import Model
from bilstm_hmm.inference.voice.profile import VoiceProfile, known_voice
from bilstm_hmm.inference.voice.recordings import LabelInput
from bilstm_hmm.ordered_map import ordered_map
from bilstm_hmm.prediction import Result

#: Files that are labelled together, and the bytes after which a batch is closed all the same.
FILES_PER_BATCH = 16
BYTES_PER_BATCH = 8_000_000
#: Batches from which on processes are worth their start, about half a second.
MIN_BATCHES_FOR_POOL = 4
#: Batches a process that may wait for an earlier one, which is slow.
MAX_BATCHES_AHEAD = 8

Answer = TypeVar("Answer")
#: What is done with a batch: of a model, the batch, and the threads for a long recording in it, to
#: something for each of the batch. It goes to other processes.
Task = Callable[[Model, Sequence[LabelInput], int], Sequence[Answer]]

# What a worker process labels with; set once, when it starts.
_worker_model: list[Model] = []


class FileWorkers:
    """This process and others that a model works in; those are started once they are worth it."""

    def __init__(self, model: Model, jobs: int) -> None:
        self._model = model
        self._jobs = jobs
        self._pool: ProcessPoolExecutor | None = None

    def map(self, task: Task[Answer], files: Iterable[LabelInput]) -> Iterator[Answer]:
        """Yield what `task` makes of each file, in the order of the files.

        Memory does not grow with their number: a few batches are under way at a time.

        Raises
        ------
        ToolkitError
            Where a process was killed.
        """
        batches = _batches(files)
        first = list(islice(batches, MIN_BATCHES_FOR_POOL))
        few = len(first) < MIN_BATCHES_FOR_POOL and self._pool is None
        if self._jobs == 1 or few:
            for batch in chain(first, batches):
                yield from task(self._model, batch, self._jobs)
            return
        pool, this_process = self._started_pool(), Lock()

        def work(batch: Sequence[LabelInput]) -> Sequence[Answer]:
            # This process works as well, and first of all, while the others start.
            if this_process.acquire(blocking=False):
                try:
                    return task(self._model, batch, 1)
                finally:
                    this_process.release()
            return pool.submit(_work, task, batch).result()

        # Threads that wait for two batches of each process: one under way and the next at hand.
        n_threads = 1 + 2 * (self._jobs - 1)
        try:
            for results in ordered_map(
                work, chain(first, batches), n_threads, MAX_BATCHES_AHEAD * self._jobs
            ):
                yield from results
        except BrokenProcessPool:
            raise ToolkitError(
                "A process that labels files was killed, perhaps for want of memory; try --jobs "
                "1, and --resume to go on."
            ) from None

    def close(self) -> None:
        """Let the processes go."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def _started_pool(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = process_pool(self._jobs - 1, _start, (self._model.bundle,))
        return self._pool


@contextmanager
def file_workers(model: Model, jobs: int) -> Iterator[FileWorkers]:
    """Give what works on files in `jobs` processes, as long as the block runs."""
    workers = FileWorkers(model, jobs)
    try:
        yield workers
    finally:
        workers.close()


def predict_files(
    model: Model,
    files: Sequence[Path],
    jobs: int,
    curves: bool = False,
    voices: Sequence[Voice] | None = None,
    voice: VoiceProfile | None = None,
) -> Iterator[Result]:
    """Yield the result of each file, in the order of the files.

    Parameters
    ----------
    jobs
        Processes; a few files, and a single job, are labelled in this one.
    curves
        Whether the predictions have the probabilities over time.
    voices
        What of each file is listened to; None is all of it.
    voice
        What is known of who speaks in all of them.

    Raises
    ------
    ToolkitError
        Where a process was killed, or the voice does not go with the model.
    """
    rate, known = model.bundle.recipe.features.rate, known_voice(model.bundle, voice)
    inputs = (
        LabelInput(file_input(file, rate, each), known)
        for file, each in zip(files, voices or [EVERYTHING] * len(files), strict=True)
    )
    with file_workers(model, jobs) as workers:
        yield from workers.map(partial(label_batch, curves=curves), inputs)


def label_batch(
    model: Model, batch: Sequence[LabelInput], jobs: int, curves: bool
) -> Sequence[Result]:
    """Label files together; the task of `predict_files`."""
    return model.label(batch, jobs, curves)


def _batches(files: Iterable[LabelInput]) -> Iterator[list[LabelInput]]:
    batch: list[LabelInput] = []
    size = 0
    for given in files:
        batch.append(given)
        size += _bytes(given.source.file)
        if len(batch) == FILES_PER_BATCH or size >= BYTES_PER_BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _bytes(file: str) -> int:
    try:
        return Path(file).stat().st_size
    except (OSError, ValueError):
        return 0


def _start(bundle: Bundle) -> None:
    _worker_model.append(Model(bundle))
    # The interruption is the parent's to handle.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _work(task: Task[Answer], batch: Sequence[LabelInput]) -> Sequence[Answer]:
    return task(_worker_model[0], batch, 1)
