"""Recordings that wait are labelled together, by one model in memory, in a few threads.

Short recordings go in batches, as those of a folder do; a long one goes alone in a thread of its
own, so that the short ones need not wait for it. Those that came together give way to those that
came alone, so that who sends one need not wait for who sends a folder.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from bilstm_hmm.inference.model import Model
from bilstm_hmm.inference.voice.recordings import LabelInput
from bilstm_hmm.prediction import Failure, Result
from bilstm_hmm.service.guards.pace import Pace
from bilstm_hmm.service.intake.recordings import SentRecording
from bilstm_hmm.service.logs import log_exception
from bilstm_hmm.service.metrics import Metrics
from bilstm_hmm.service.problems import Problem, busy, stopping
from bilstm_hmm.service.settings import ServiceSettings

#: Labels recordings together: of a model, the recordings, and whether curves are asked for.
Label = Callable[[Model, Sequence[SentRecording], bool], Sequence[Result]]

#: Bytes of a recording of which it takes no time to see how long it is.
_SMALL = 1 << 18


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


@dataclass(eq=False, slots=True)
class _Lane:
    """Queues that the same threads label, the first of them first; `most` recordings at a time."""

    queues: tuple[deque[_Waiting], ...]
    most: int
    n_idle: int


class Batcher:
    """What waits to be labelled, and the threads that label.

    To be made and used within a running event loop.
    """

    def __init__(
        self, settings: ServiceSettings, metrics: Metrics, label: Label | None = None
    ) -> None:
        self._limit, self._concurrency = settings.limits.queue, settings.limits.concurrency
        self._metrics, self._label = metrics, label or label_together
        self._alone: deque[_Waiting] = deque()
        self._together: deque[_Waiting] = deque()
        self._long: deque[_Waiting] = deque()
        self._queues = (self._alone, self._together, self._long)
        self._short_lane = _Lane((self._alone, self._together), settings.batch, settings.threads)
        self._long_lane = _Lane((self._long,), 1, 1)
        self._running = self._running_short = 0
        self._pace = Pace(settings.limits.wait, settings.threads)
        self._stopped = False
        self._pool = ThreadPoolExecutor(settings.threads + 1, "label")
        self._loop = asyncio.get_running_loop()

    @property
    def n_waiting(self) -> int:
        """Recordings that wait."""
        return sum(map(len, self._queues))

    def check_room(self, n_recordings: int = 1) -> None:
        """Refuse what could not wait.

        Raises
        ------
        Problem
            The queue is full, or the answer would take too long, or the service is being stopped.
        """
        if self._stopped:
            raise stopping()
        # What need not wait, or not for others, is no matter of the queue.
        is_next = self.n_waiting == 0 and (self._running < self._concurrency or self._limit > 0)
        seconds = self._pace.expected(len(self._alone) + self._running_short + 1)
        is_too_long = self._pace.is_too_long(0.0 if is_next else seconds)
        if is_too_long:
            self._refuse_late()
        if is_too_long or (self.n_waiting + n_recordings > self._limit and not is_next):
            raise self._busy(seconds)

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
        if len(recordings) == 1 and recordings[0].size() <= _SMALL:
            # A thread takes longer than to look into it.
            shorts = [recordings[0].is_short()]
        else:
            shorts = await asyncio.to_thread(lambda: [one.is_short() for one in recordings])
        self.check_room(len(recordings))
        waiting = [
            _Waiting(recording, model, curves, self._loop.create_future())
            for recording in recordings
        ]
        short = self._alone if len(waiting) == 1 else self._together
        for one, is_short in zip(waiting, shorts, strict=True):
            (short if is_short else self._long).append(one)
        try:
            self._begin()
            # One after the other: each turn of the loop takes its time where many are refused.
            return [await one.future for one in waiting]
        finally:
            for one in waiting:
                self._leave(one)

    def stop(self) -> None:
        """Refuse what waits and what comes; what is being labelled is finished."""
        self._stopped = True
        for queue in self._queues:
            while queue:
                one = queue.popleft()
                if not one.future.done():
                    one.future.set_exception(stopping())
        self._observe()

    async def close(self) -> None:
        """Stop, and wait for what is being labelled."""
        self.stop()
        await asyncio.to_thread(self._pool.shutdown)

    def _leave(self, one: _Waiting) -> None:
        if one.future.done() and not one.future.cancelled():
            # Its exception, if there is one, is that of all.
            one.future.exception()
            return
        one.recording.given_up = True
        for queue in self._queues:
            if one in queue:
                queue.remove(one)
        self._observe()

    def _busy(self, seconds: float) -> Problem:
        return busy(f"{self.n_waiting} recordings are waiting", seconds)

    def _refuse_late(self) -> None:
        """Refuse what came alone and waits too long already: others would wait as long for it."""
        latest = time.monotonic() - self._pace.most()
        while self._alone and self._alone[0].since < latest:
            one = self._alone.popleft()
            if not one.future.done():
                one.future.set_exception(self._busy(0.0))

    def _begin(self) -> None:
        """Give what waits to the threads that are idle."""
        for lane in (self._short_lane, self._long_lane):
            while lane.n_idle and any(lane.queues):
                # A fair share, so that no thread is idle.
                share = -(-sum(map(len, lane.queues)) // lane.n_idle)
                batch = self._take(lane, int(min(lane.most, share, self._pace.most_together())))
                if batch:
                    self._label_batch(lane, batch)
        self._observe()

    def _take(self, lane: _Lane, most: int) -> list[_Waiting]:
        """Take the first that waits, and others that it can be labelled with.

        One at least of each queue, else the last might wait for ever.
        """
        batch: list[_Waiting] = []
        waiting = [queue for queue in lane.queues if queue]
        most = max(most, len(waiting))
        for place, queue in enumerate(waiting, 1):
            passed: list[_Waiting] = []
            while queue and len(batch) < most - (len(waiting) - place):
                one = queue.popleft()
                if one.future.done():
                    continue
                (batch if not batch or one.goes_with(batch[0]) else passed).append(one)
            queue.extendleft(reversed(passed))
        return batch

    def _label_batch(self, lane: _Lane, batch: Sequence[_Waiting]) -> None:
        began = time.monotonic()
        for one in batch:
            self._metrics.waiting_seconds.observe(began - one.since)
        self._metrics.batches.observe(len(batch))
        lane.n_idle -= 1
        self._count(lane, len(batch))

        def end(done: "Future[list[Result | Exception]]") -> None:
            self._loop.call_soon_threadsafe(self._end_batch, lane, batch, began, done.result())

        self._pool.submit(self._in_thread, batch).add_done_callback(end)

    def _end_batch(
        self,
        lane: _Lane,
        batch: Sequence[_Waiting],
        began: float,
        outcomes: Sequence[Result | Exception],
    ) -> None:
        lane.n_idle += 1
        self._count(lane, -len(batch))
        if lane is self._short_lane:
            self._pace.took(time.monotonic() - began, len(batch))
        for one, outcome in zip(batch, outcomes, strict=True):
            if one.future.done():
                continue
            if isinstance(outcome, Exception):
                one.future.set_exception(outcome)
            else:
                one.future.set_result(outcome)
        self._begin()

    def _in_thread(self, batch: Sequence[_Waiting]) -> list[Result | Exception]:
        """Label a batch, or its recordings one by one where it goes wrong as a whole."""
        first, recordings = batch[0], [one.recording for one in batch]
        try:
            return list(self._label(first.model, recordings, first.curves))
        except Exception as error:
            log_exception("batch", error, recordings=len(batch))
            if len(batch) == 1:
                return [error]
            return [outcome for one in batch for outcome in self._in_thread([one])]

    def _count(self, lane: _Lane, n_more: int) -> None:
        self._running += n_more
        if lane is self._short_lane:
            self._running_short += n_more

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
