"""Recordings that wait are labelled together, by one model in memory, in a few threads.

Short recordings go in batches, as those of a folder do; a long one goes alone in a thread of its
own, so that the short ones need not wait for it.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from bilstm_hmm.inference.model import Model
from bilstm_hmm.inference.voice.recordings import LabelInput
from bilstm_hmm.prediction import Failure, Result
from bilstm_hmm.service.intake.recordings import SentRecording
from bilstm_hmm.service.logs import log_exception
from bilstm_hmm.service.metrics import Metrics
from bilstm_hmm.service.problems import busy, stopping
from bilstm_hmm.service.settings import ServiceSettings

#: Labels recordings together: of a model, the recordings, and whether curves are asked for.
Label = Callable[[Model, Sequence[SentRecording], bool], Sequence[Result]]


@dataclass(eq=False, slots=True)
class _Waiting:
    """A recording that waits, and the future of its result."""

    recording: SentRecording
    model: Model
    curves: bool
    future: "asyncio.Future[Result]"
    since: float = field(default_factory=time.monotonic)

    def goes_with(self, other: "_Waiting") -> bool:
        """Whether both can be labelled together."""
        return self.model is other.model and self.curves == other.curves


class Batcher:
    """What waits to be labelled, and the threads that label.

    To be made and used within a running event loop.
    """

    def __init__(
        self, settings: ServiceSettings, metrics: Metrics, label: Label | None = None
    ) -> None:
        self._limit, self._concurrency = settings.limits.queue, settings.limits.concurrency
        self._threads = settings.threads
        self._metrics, self._label = metrics, label or label_together
        self._short: deque[_Waiting] = deque()
        self._long: deque[_Waiting] = deque()
        self._running = 0
        self._stopped = False
        self._pool = ThreadPoolExecutor(settings.threads + 1, "label")
        self._changed = asyncio.Condition()
        lanes = [(self._short, settings.batch)] * settings.threads + [(self._long, 1)]
        self._lanes = [asyncio.create_task(self._run(*lane)) for lane in lanes]

    @property
    def n_waiting(self) -> int:
        """Recordings that wait."""
        return len(self._short) + len(self._long)

    def check_room(self, n_recordings: int = 1) -> None:
        """Refuse what could not wait.

        Raises
        ------
        Problem
            The queue is full, or the service is being stopped.
        """
        if self._stopped:
            raise stopping()
        # What need not wait, or not for others, is no matter of the queue.
        is_next = self.n_waiting == 0 and (self._running < self._concurrency or self._limit > 0)
        if self.n_waiting + n_recordings > self._limit and not is_next:
            raise busy(f"{self.n_waiting} recordings are waiting")

    async def label(
        self, recordings: Sequence[SentRecording], model: Model, curves: bool
    ) -> list[Result]:
        """Return what each recording is labelled as.

        Where it is cancelled, recordings that wait leave the queue, and those that are read are
        read no further.

        Raises
        ------
        Problem
            As for `check_room`, also of what waits when the service is stopped.
        """
        shorts = await asyncio.to_thread(lambda: [one.is_short() for one in recordings])
        self.check_room(len(recordings))
        loop = asyncio.get_running_loop()
        waiting = [
            _Waiting(recording, model, curves, loop.create_future()) for recording in recordings
        ]
        for one, is_short in zip(waiting, shorts, strict=True):
            (self._short if is_short else self._long).append(one)
        self._observe()
        await self._wake()
        try:
            return list(await asyncio.gather(*(one.future for one in waiting)))
        finally:
            for one in waiting:
                self._leave(one)

    def stop(self) -> None:
        """Refuse what waits and what comes; what is being labelled is finished."""
        self._stopped = True
        for lane in (self._short, self._long):
            while lane:
                one = lane.popleft()
                if not one.future.done():
                    one.future.set_exception(stopping())
        self._observe()

    async def close(self) -> None:
        """Stop, and wait for what is being labelled."""
        self.stop()
        for lane in self._lanes:
            lane.cancel()
        await asyncio.gather(*self._lanes, return_exceptions=True)
        await asyncio.to_thread(self._pool.shutdown)

    def _leave(self, one: _Waiting) -> None:
        if one.future.done() and not one.future.cancelled():
            # Its exception, if there is one, is that of all.
            one.future.exception()
            return
        one.recording.given_up = True
        for lane in (self._short, self._long):
            if one in lane:
                lane.remove(one)
        self._observe()

    async def _wake(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _run(self, lane: "deque[_Waiting]", most: int) -> None:
        """Label what waits in a lane, batch after batch."""
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: len(lane) > 0)
            # A fair share, so that no thread is idle.
            batch = self._take(lane, min(most, -(-len(lane) // self._threads)))
            if lane:
                await self._wake()
            if batch:
                await self._label_batch(batch)

    def _take(self, lane: "deque[_Waiting]", most: int) -> list[_Waiting]:
        """Take the first that waits, and others that it can be labelled with."""
        batch: list[_Waiting] = []
        passed: list[_Waiting] = []
        while lane and len(batch) < most:
            one = lane.popleft()
            if one.future.done():
                continue
            (batch if not batch or one.goes_with(batch[0]) else passed).append(one)
        lane.extendleft(reversed(passed))
        return batch

    async def _label_batch(self, batch: Sequence[_Waiting]) -> None:
        now = time.monotonic()
        for one in batch:
            self._metrics.waiting_seconds.observe(now - one.since)
        self._metrics.batches.observe(len(batch))
        self._running += len(batch)
        self._observe()
        try:
            results = await self._in_thread(batch)
        except Exception as error:
            await self._label_apart(batch, error)
        else:
            for one, result in zip(batch, results, strict=True):
                if not one.future.done():
                    one.future.set_result(result)
        finally:
            self._running -= len(batch)
            self._observe()

    async def _label_apart(self, batch: Sequence[_Waiting], error: Exception) -> None:
        """Label those of a batch one by one that went wrong as a whole: one alone is at fault."""
        log_exception("batch", error, recordings=len(batch))
        for one in batch:
            try:
                if len(batch) == 1:
                    raise error
                (result,) = await self._in_thread([one])
            except Exception as its_own:
                if not one.future.done():
                    one.future.set_exception(its_own)
            else:
                if not one.future.done():
                    one.future.set_result(result)

    async def _in_thread(self, batch: Sequence[_Waiting]) -> Sequence[Result]:
        first, recordings = batch[0], [one.recording for one in batch]
        return await asyncio.get_running_loop().run_in_executor(
            self._pool, self._label, first.model, recordings, first.curves
        )

    def _observe(self) -> None:
        self._metrics.waiting.set(self.n_waiting)
        self._metrics.running.set(self._running)


def label_together(
    model: Model, recordings: Sequence[SentRecording], curves: bool
) -> Sequence[Result]:
    """Label recordings as those of a folder are; the task of a thread.

    Nobody waits for the answers to those that are given up, and they are not read.
    """
    rate = model.bundle.recipe.features.rate
    results = model.label([LabelInput(one.input(rate), one.known) for one in recordings], 1, curves)
    return [
        Failure(result.file, one.sentence(result.error)) if isinstance(result, Failure) else result
        for one, result in zip(recordings, results, strict=True)
    ]
