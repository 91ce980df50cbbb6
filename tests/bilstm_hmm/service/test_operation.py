"""What runs the service: batches, counters, the log, stopping."""

import asyncio
import json
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from bilstm_hmm.inference.model import Model, load
from bilstm_hmm.prediction import Result
from bilstm_hmm.service.batching import label_together
from bilstm_hmm.service.intake.recordings import SentRecording
from bilstm_hmm.service.logs import JsonFormatter, soften
from bilstm_hmm.service.models import load_models, model_name
from tests.bilstm_hmm.service.harness import Gated, Socket, in_loop, limited, problem, serving, wav
from tests.oracle import RATE, say, talk

CLIP = wav(say("sad"))


@in_loop
async def test_what_waits_is_labelled_together(model: Model) -> None:
    gated = Gated()
    async with serving(model, limited(concurrency=4), gated) as served:
        first = asyncio.create_task(served.post("/v1/predict", content=CLIP))
        await served.until(lambda: gated.batches == [1])
        sounds = [say("happy"), say("sad", 2), say("angry"), say("neutral"), say("fearful")]
        rest = [asyncio.create_task(served.post("/v1/predict", content=wav(s))) for s in sounds]
        await served.until(lambda: served.service.batcher.n_waiting == 5)
        gated.open.set()
        answers = [(await task).json()["emotion"] for task in (first, *rest)]
        assert gated.batches == [1, 4, 1]
        assert await served.counted("bilstm_hmm_batch_recordings_count") == 3
        assert await served.counted("bilstm_hmm_running") == 0
    assert answers == ["sad", "happy", "sad", "angry", "neutral", "fearful"]


@in_loop
async def test_a_long_recording_does_not_hold_up_short_ones(model: Model) -> None:
    gated = Gated()

    def label(model: Model, recordings: Sequence[SentRecording], curves: bool) -> Sequence[Result]:
        is_long = not recordings[0].is_short()
        return (gated if is_long else label_together)(model, recordings, curves)

    async with serving(model, limited(), label) as served:
        long = wav(talk(31.0, "sad"))
        waits = asyncio.create_task(served.post("/v1/predict", content=long))
        await served.until(lambda: gated.batches == [1])
        assert (await served.post("/v1/predict", content=CLIP)).status_code == 200
        gated.open.set()
        assert (await waits).json()["emotion"] == "sad"


@in_loop
async def test_one_that_breaks_a_batch_breaks_itself_alone(model: Model) -> None:
    gated = Gated()

    def label(model: Model, recordings: Sequence[SentRecording], curves: bool) -> Sequence[Result]:
        gated.open.wait(30.0)
        if any(recording.name == "bad.wav" for recording in recordings):
            raise RuntimeError("/secret/path")
        return label_together(model, recordings, curves)

    async with serving(model, limited(), label) as served:
        names = ["a.wav", "bad.wav", "c.wav"]
        tasks = [
            asyncio.create_task(served.post("/v1/predict", files={"file": (name, CLIP)}))
            for name in names
        ]
        await asyncio.sleep(0.1)
        gated.open.set()
        answers = [await task for task in tasks]
        fault = problem(answers[1], 500, "fault")
        assert "secret" not in fault["detail"]
    assert [answer.status_code for answer in answers] == [200, 500, 200]


@in_loop
async def test_stopping_finishes_what_runs_and_refuses_what_waits(model: Model) -> None:
    gated = Gated()
    async with serving(model, limited(concurrency=1), gated) as served:
        running = asyncio.create_task(served.post("/v1/predict", content=CLIP))
        await served.until(lambda: gated.batches == [1])
        waiting = asyncio.create_task(served.post("/v1/predict", content=CLIP))
        await served.until(lambda: served.service.batcher.n_waiting == 1)
        await served.service.stop()
        refused = await waiting
        assert "being stopped" in problem(refused, 503, "stopping")["detail"]
        assert refused.headers["retry-after"]
        problem(await served.post("/v1/predict", content=CLIP), 503, "stopping")
        problem(await served.get("/readyz"), 503, "stopping")
        assert (await served.get("/healthz")).status_code == 200
        gated.open.set()
        assert (await running).json()["emotion"] == "sad"


@in_loop
async def test_the_network_is_open_before_the_first_request(oracle: Path) -> None:
    fresh = load(oracle)
    assert fresh.scorer._opened is None
    async with serving(fresh):
        assert fresh.scorer._opened is not None


@in_loop
async def test_what_was_done_is_counted(model: Model) -> None:
    async with serving(model) as served:
        await served.post("/v1/predict", content=wav(say("sad")[:RATE]))
        await served.post("/v1/predict?format=nix", content=CLIP)
        await served.get("/nowhere/at/all")
        text = (await served.get("/metrics")).text
    for line in (
        'bilstm_hmm_requests_total{route="/v1/predict",status="200"} 1.0',
        'bilstm_hmm_requests_total{route="/v1/predict",status="422"} 1.0',
        'bilstm_hmm_requests_total{route="other",status="404"} 1.0',
        'bilstm_hmm_refused_total{reason="query"} 1.0',
        'bilstm_hmm_audio_seconds_total{kind="recording"} 1.0',
        'bilstm_hmm_request_seconds_count{route="/v1/predict"} 2.0',
        "bilstm_hmm_queue_length 0.0",
    ):
        assert line in text, line


@pytest.fixture
def log_lines() -> Iterator[list[str]]:
    """The lines that the service writes meanwhile."""
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(JsonFormatter().format(record))

    logger, handler = logging.getLogger("bilstm_hmm.service"), Keep()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield lines
    logger.removeHandler(handler)
    logger.setLevel(level)


@in_loop
async def test_the_log_says_nothing_of_who_said_what(model: Model, log_lines: list[str]) -> None:
    async with serving(model) as served:
        response = await served.post("/v1/predict", files={"file": ("anna.wav", CLIP)})
        await served.post("/v1/predict", files={"file": ("anna.wav", b"none")})
        await served.post("/v1/predict?model=anna", content=CLIP)
        await served.get("/anna")
        await served.get("/healthz")
        socket = Socket(served.app)
        socket.send({"rate": RATE})
        socket.send({"end": True})
        await socket.rest()
    events = [json.loads(line) for line in log_lines]
    requests = [event for event in events if event["event"] == "request"]
    assert [event["status"] for event in requests] == [200, 422, 404, 404]
    assert requests[0]["id"] == response.headers["x-request-id"]
    assert requests[0]["audio_seconds"] > 1.0
    assert requests[1]["problem"] == "recording"
    assert {"started", "request", "stream", "stopped"} == {event["event"] for event in events}
    for secret in ("anna", "sad", "127.0.0.1"):
        assert not any(secret in line for line in log_lines), secret


def test_an_exception_is_logged_without_its_message() -> None:
    try:
        raise OSError("anna.wav")
    except OSError as error:
        record = logging.LogRecord(
            "uvicorn", logging.ERROR, "", 1, "x", (), (OSError, error, error.__traceback__)
        )
    line = JsonFormatter().format(record)
    assert "anna" not in line
    assert json.loads(line)["exception"] == "OSError"


def test_what_a_client_did_wrong_is_no_error_of_the_log() -> None:
    def record(message: str) -> logging.LogRecord:
        return logging.LogRecord("uvicorn.error", logging.ERROR, "", 1, message, (), None)

    theirs, ours = record("Invalid UTF-8 sequence received from client."), record("A fault")
    assert soften(theirs)
    assert soften(ours)
    assert json.loads(JsonFormatter().format(theirs))["level"] == "warning"
    assert json.loads(JsonFormatter().format(ours))["level"] == "error"


def test_models_are_called_by_their_folder(oracle: Path) -> None:
    loaded = load_models([str(oracle)])
    name = oracle.parent.name
    assert loaded.names == (name,) == (model_name(str(oracle.parent)),)
    (card,) = loaded.cards
    assert card["name"] == name
    assert "folder" not in card
    assert str(oracle) not in json.dumps(card)
    with pytest.raises(ValueError, match="another model is called"):
        load_models([str(oracle), str(oracle.parent)])
