"""Labelling keeps BLAS to one thread, and leaves it as it was."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest
from bilstm_hmm.data.synthesis.corpus import synthesise
from threadpoolctl import threadpool_info, threadpool_limits

from bilstm_hmm import blas_threads as blas
from bilstm_hmm.blas_threads import one_blas_thread
from bilstm_hmm.inference import online_timeline
from bilstm_hmm.inference.model import Model
from bilstm_hmm.inference.stream import EmotionStream
from bilstm_hmm.timeline.segment_hmm import posteriors


def threads() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


@pytest.fixture(autouse=True)
def several() -> Iterator[None]:
    """BLAS with two threads, on whatever machine, whatever has loaded one since the last test."""
    blas._controller.cache_clear()
    with threadpool_limits(2, user_api="blas"):
        assert threads() == {2}
        yield
        assert threads() == {2}


def test_one_thread_inside_and_as_before_outside() -> None:
    with one_blas_thread():
        assert threads() == {1}
        with one_blas_thread():
            assert threads() == {1}
        assert threads() == {1}
    assert threads() == {2}


def test_an_error_leaves_it_as_it_was() -> None:
    with pytest.raises(ValueError, match="on purpose"), one_blas_thread():
        raise ValueError("on purpose")
    assert threads() == {2}


def test_it_holds_until_the_last_is_out_whoever_came_first() -> None:
    first, second = ExitStack(), ExitStack()
    first.enter_context(one_blas_thread())
    second.enter_context(one_blas_thread())
    first.close()
    assert threads() == {1}
    second.close()
    assert threads() == {2}


class Watched:
    """An ONNX Runtime session that notes how many threads BLAS has when it is asked."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self.seen: set[int] = set()

    def run(self, *arguments: Any) -> Any:
        self.seen |= threads()
        return self._session.run(*arguments)


def test_every_way_to_label_has_one_thread(model: Model) -> None:
    samples = synthesise("angry", 0, 0)
    ways: dict[str, Callable[[Model], object]] = {
        "predict": lambda own: own.predict(samples, 16000),
        "a long recording": lambda own: own.predict(np.tile(samples, 60), 16000, jobs=2),
        "score": lambda own: own.score(samples),
        "score_speech": lambda own: own.score_speech(samples),
    }
    for name, label in ways.items():
        own = Model(model.bundle)
        watched = Watched(own.scorer.session)
        own.scorer._opened = watched
        label(own)
        assert watched.seen == {1}, name
        assert threads() == {2}, name


def test_a_stream_has_one_thread_to_its_end(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[set[int]] = []

    def watched(*arguments: Any, **named: Any) -> Any:
        seen.append(threads())
        return posteriors(*arguments, **named)

    monkeypatch.setattr(online_timeline, "posteriors", watched)
    stream = EmotionStream(model, 16000)
    stream.push(synthesise("angry", 0, 0))
    pushed = len(seen)
    stream.close()
    assert 0 < pushed < len(seen)
    assert seen == [{1}] * len(seen)
    assert threads() == {2}
