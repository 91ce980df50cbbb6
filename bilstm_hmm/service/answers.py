"""From a request's recordings and query to the text that the command ``predict`` writes."""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from bilstm_hmm.confidence.abstention import abstain
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.extras import require_extra
from bilstm_hmm.features.errors import AudioError
from bilstm_hmm.output.formats import format_named, json_line, render
from bilstm_hmm.prediction import Failure, Prediction, Result
from bilstm_hmm.service.batching import Batcher
from bilstm_hmm.service.description.schemas import PredictQuery
from bilstm_hmm.service.intake.recordings import SentRecording
from bilstm_hmm.service.intake.uploads import Uploads, until_gone
from bilstm_hmm.service.metrics import Metrics
from bilstm_hmm.service.models import LoadedModels
from bilstm_hmm.service.page.curves import with_curves
from bilstm_hmm.service.problems import Problem, recording_too_long, too_slow
from bilstm_hmm.service.settings import Limits
from bilstm_hmm.service.voice.known import use_voice

MEDIA_TYPES = {
    "json": "application/json",
    "jsonl": "application/x-ndjson",
    "csv": "text/csv; charset=utf-8",
    "tsv": "text/tab-separated-values; charset=utf-8",
    "srt": "application/x-subrip; charset=utf-8",
    "png": "image/png",
}
_TEXT = "text/plain; charset=utf-8"
# Matplotlib draws one picture at a time.
_DRAWING = Lock()

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Labelling:
    """What answers requests: see the parts."""

    models: LoadedModels
    uploads: Uploads
    batcher: Batcher
    metrics: Metrics
    limits: Limits


async def answer(
    parts: Labelling, request: Request, query: PredictQuery, *, many: bool
) -> Response:
    """Return the answer to a request: what the command writes for its recordings.

    Parameters
    ----------
    many
        Whether there may be several, which are answered as a folder is.

    Raises
    ------
    Problem
        The request is refused, or one recording alone and cannot be labelled.
    ToolkitError
        The query asks for what there is not.
    ClientDisconnect
        Nobody waits for the answer any more.
    """
    name = parts.models.named(query.model)
    model = parts.models.get(name)
    if query.emotions is not None:
        emotions = tuple(part.strip() for part in query.emotions.split(","))
        model = await asyncio.to_thread(parts.models.get, name, emotions)
    threshold = model.threshold(query.abstain, query.at_least)
    format = format_named(query.format)
    if format.binary:
        require_extra("plot", f"format {query.format}")
    if many and format.per_file:
        raise ToolkitError(
            f"the {query.format} format holds one recording; ask /v1/predict for each."
        )
    if query.curves and (many or query.format != "json"):
        raise ToolkitError("curves go with the json format and one recording; leave them out.")
    most = parts.limits.max_files if many else 1
    async with parts.uploads.received(request, most) as received:
        recordings = received.recordings
        if received.voices:
            await asyncio.to_thread(use_voice, received, model)
        results = await in_time(
            request,
            parts.batcher.label(recordings, model, format.needs_curves or query.curves),
            parts.limits.timeout,
            recordings,
        )
        if not many:
            results = [_labelled(results[0], recordings[0])]
        _count(parts.metrics, results)
        results = [
            _named(abstain(result, threshold), recording)
            for result, recording in zip(results, recordings, strict=True)
        ]
        request.state.audio_seconds = sum(
            result.duration for result in results if isinstance(result, Prediction)
        )
        content = await _render(results, query, many, model.classes)
    return Response(content, media_type=MEDIA_TYPES.get(query.format, _TEXT))


async def in_time(
    request: Request,
    work: Coroutine[Any, Any, T],
    seconds: float,
    recordings: Sequence[SentRecording],
) -> T:
    """Wait for what is made of recordings, unless it takes too long or nobody waits any more.

    Raises
    ------
    Problem
        It takes longer than so many seconds.
    ClientDisconnect
        The client has hung up.
    """
    waiting, is_gone = _this_task(), False

    def leave(watched: "asyncio.Task[None]") -> None:
        nonlocal is_gone
        is_gone = not watched.cancelled()
        if is_gone:
            waiting.cancel()

    # Not the work but the watch is a task of its own, which is the quicker way to an answer.
    watch = asyncio.create_task(until_gone(request))
    watch.add_done_callback(leave)
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError:
        raise too_slow(seconds) from None
    except asyncio.CancelledError:
        if not is_gone:
            raise
        waiting.uncancel()
        raise ClientDisconnect from None
    finally:
        for recording in recordings:
            recording.given_up = True
        watch.remove_done_callback(leave)
        watch.cancel()


def _this_task() -> "asyncio.Task[Any]":
    task = asyncio.current_task()
    assert task is not None
    return task


def _labelled(result: Result, recording: SentRecording) -> Prediction:
    """Return the result of one recording.

    Raises
    ------
    Problem
        It could not be labelled.
    """
    if isinstance(result, Prediction):
        return result
    if recording.too_long:
        name = recording.sentence(str(recording.path))
        raise recording_too_long(name, recording.max_seconds)
    raise Problem(422, "recording", recording.sentence(result.error))


def _named(result: Result, recording: SentRecording) -> Result:
    """Let a result know where its samples lie, for pictures."""
    if isinstance(result, Failure):
        return result
    return replace(result, path=str(recording.path))


def _count(metrics: Metrics, results: Sequence[Result]) -> None:
    for result in results:
        if isinstance(result, Prediction):
            metrics.audio.labels("recording").inc(result.duration)


async def _render(
    results: Sequence[Result], query: PredictQuery, many: bool, classes: Sequence[str]
) -> bytes:
    def write() -> bytes:
        if query.curves:
            return json_line(with_curves(results[0])).encode("utf-8")
        text = render(
            results,
            query.format,
            many=many,
            timeline=query.timeline,
            classes=classes if many else None,
            top=query.top,
        )
        return text if isinstance(text, bytes) else text.encode("utf-8")

    def draw() -> bytes:
        with _DRAWING:
            try:
                return write()
            except AudioError as error:
                raise Problem(422, "recording", str(error)) from None

    # Text takes no time worth a thread.
    return await asyncio.to_thread(draw) if format_named(query.format).binary else write()
