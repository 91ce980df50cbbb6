"""Where more is asked for than can be answered, those that are accepted do not wait for long."""

import asyncio
import math
from collections.abc import Sequence

import pytest

from bilstm_hmm.inference.model import Model
from bilstm_hmm.prediction import Result
from bilstm_hmm.service.batching import label_together
from bilstm_hmm.service.guards import pace
from bilstm_hmm.service.guards.pace import CALM, RUSH, Pace
from bilstm_hmm.service.intake.recordings import SentRecording
from tests.bilstm_hmm.service.harness import Gated, in_loop, limited, problem, serving, wav
from tests.oracle import say

CLIP = wav(say("sad"))


class Clock:
    """Seconds that pass as a test says."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_wait_is_known_by_what_recordings_lately_took() -> None:
    measured = Pace(wait=1.0, threads=2)
    assert measured.expected(10) == 0.0
    assert measured.most_together() == math.inf
    measured.took(0.4, 4)
    assert measured.expected(10) == pytest.approx(0.5)
    assert measured.most_together() == pytest.approx(5.0)
    for _ in range(50):
        measured.took(2.0, 1)
    # It is known sooner that they take longer than that they do not.
    known = measured.expected(1)
    measured.took(4.0, 1)
    slower = measured.expected(1)
    measured.took(2.0, 1)
    assert slower - known > slower - measured.expected(1)
    for _ in range(50):
        measured.took(2.0, 1)
    assert measured.expected(1) == pytest.approx(1.0, rel=1e-3)
    # One goes in any case.
    assert measured.most_together() == 1.0


def test_a_rush_may_wait_and_what_comes_after_it_may_not() -> None:
    clock = Clock()
    measured = Pace(wait=0.1, threads=1, clock=clock)

    def refused(seconds: float, later: float) -> bool:
        clock.now += later
        return measured.is_too_long(seconds)

    assert not refused(0.2, 0.0)
    assert not refused(0.3, RUSH / 2)
    assert refused(0.3, RUSH)
    # It does not become a rush again by that those who were let in were answered.
    assert not refused(0.1, 0.01)
    assert refused(0.2, 0.01)
    # That nobody was refused for a while makes the next one a rush.
    assert not refused(0.1, 2 * CALM)
    assert not refused(0.2, 0.0)
    # Neither is it one that began long ago and was over since.
    assert not refused(0.0, RUSH / 2)
    assert not refused(0.2, RUSH)


def test_one_of_each_thread_is_never_too_many_however_slow_the_model_is() -> None:
    clock = Clock()
    measured = Pace(wait=0.1, threads=2, clock=clock)
    measured.took(1.0, 1)
    for _ in range(5):
        clock.now += 1.0
        assert not measured.is_too_long(measured.expected(2))
    assert not measured.is_too_long(measured.expected(3))  # a rush
    clock.now += 2 * RUSH
    assert measured.is_too_long(measured.expected(3))


def test_without_a_wait_nothing_is_too_long() -> None:
    clock = Clock()
    measured = Pace(wait=0.0, threads=1, clock=clock)
    measured.took(60.0, 1)
    for _ in range(5):
        clock.now += 1.0
        assert not measured.is_too_long(measured.expected(10))
    assert measured.most_together() == math.inf


@in_loop
async def test_what_would_wait_too_long_is_refused_with_when_to_try_again(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "RUSH", 0.0)
    gated = Gated()
    async with serving(model, limited(wait=5.0, concurrency=1), gated) as served:
        served.service.batcher._pace.took(2.5, 1)
        first = asyncio.create_task(served.post("/v1/predict", content=CLIP))
        await served.until(lambda: gated.batches == [1])
        second = asyncio.create_task(served.post("/v1/predict", content=CLIP))
        await served.until(lambda: served.service.batcher.n_waiting == 1)
        refused = await served.post("/v1/predict", content=CLIP)
        assert problem(refused, 503, "busy")["detail"].endswith("try again in 8 s.")
        assert refused.headers["retry-after"] == "8"
        gated.open.set()
        assert [(await task).status_code for task in (first, second)] == [200, 200]
        assert (await served.post("/v1/predict", content=CLIP)).status_code == 200


@in_loop
async def test_what_waits_too_long_already_goes_when_more_comes(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    gated = Gated()
    async with serving(model, limited(wait=0.05, concurrency=1), gated) as served:
        served.service.batcher._pace.took(0.04, 1)
        first = asyncio.create_task(served.post("/v1/predict", content=CLIP))
        await served.until(lambda: gated.batches == [1])
        rush = [asyncio.create_task(served.post("/v1/predict", content=CLIP)) for _ in range(3)]
        await served.until(lambda: served.service.batcher.n_waiting == 3)
        monkeypatch.setattr(pace, "RUSH", 0.0)
        await asyncio.sleep(0.1)
        problem(await served.post("/v1/predict", content=CLIP), 503, "busy")
        for task in rush:
            problem(await task, 503, "busy")
        gated.open.set()
        assert (await first).status_code == 200


@in_loop
async def test_a_rush_alone_is_answered_whole(model: Model) -> None:
    gated = Gated()
    async with serving(model, limited(wait=0.05, concurrency=1), gated) as served:
        served.service.batcher._pace.took(0.04, 1)
        rush = [asyncio.create_task(served.post("/v1/predict", content=CLIP)) for _ in range(4)]
        await served.until(lambda: served.service.batcher.n_waiting == 3)
        await asyncio.sleep(0.1)
        gated.open.set()
        assert [(await task).status_code for task in rush] == [200] * 4


@in_loop
async def test_who_sends_one_does_not_wait_for_who_sends_a_folder(model: Model) -> None:
    gated = Gated()
    batches: list[list[str]] = []

    def label(model: Model, recordings: Sequence[SentRecording], curves: bool) -> Sequence[Result]:
        batches.append([recording.name for recording in recordings])
        gated.open.wait(60.0)
        return label_together(model, recordings, curves)

    async with serving(model, limited(concurrency=2), label) as served:

        def send(path: str, *names: str) -> "asyncio.Task[object]":
            files = [("file", (name, CLIP)) for name in names]
            return asyncio.create_task(served.post(path, files=files))

        sent = [send("/v1/predict", "first")]
        await served.until(lambda: batches == [["first"]])
        sent.append(send("/v1/predict/batch", "a", "b", "c"))
        await served.until(lambda: served.service.batcher.n_waiting == 3)
        sent += [send("/v1/predict", name) for name in ("one", "other")]
        await served.until(lambda: served.service.batcher.n_waiting == 5)
        gated.open.set()
        await asyncio.gather(*sent)
    assert [len(batch) for batch in batches] == [1, 2, 2, 1]
    singles = {name for batch in batches[1:3] for name in batch} - {"a", "b", "c"}
    # And the folder gets on as well.
    assert singles == {"one", "other"}
    assert [name for batch in batches[1:] for name in batch if len(name) == 1] == ["a", "b", "c"]
