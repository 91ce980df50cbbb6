"""Sound that comes over a WebSocket, and what is known of it while it comes.

The first message says how the samples come; frames of samples follow, and each update goes back as
``predict --live --format jsonl`` writes it. ``{"end": true}`` ends the stream: the last update is
sent, and it is closed. A refusal is a problem object in a message, before the stream is closed.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

from pydantic import ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from bilstm_hmm.features.audio.wav_stream import CUT_WITHIN_SAMPLE, SampleFormat
from bilstm_hmm.features.errors import AudioError
from bilstm_hmm.inference.model import Model
from bilstm_hmm.inference.stream import EmotionStream, Update
from bilstm_hmm.inference.voice.profile import VoiceProfile
from bilstm_hmm.output.formats import json_line
from bilstm_hmm.service.description.schemas import StreamSchema
from bilstm_hmm.service.metrics import Metrics
from bilstm_hmm.service.models import LoadedModels
from bilstm_hmm.service.problems import Problem, busy, first_fault, stopping
from bilstm_hmm.service.settings import ServiceSettings

#: Bytes of a message at most: 16 s of 32 kHz.
MAX_MESSAGE = 1 << 20
_DTYPES = {"pcm16": "<i2", "float32": "<f4"}
#: Updates that a thread makes before another stream has its turn.
_BLOCKS_AT_ONCE = 8
#: Codes of RFC 6455 for the statuses of HTTP; 1008 for any other.
_CLOSE_CODES = {413: 1009, 500: 1011, 503: 1013}
_NORMAL, _POLICY, _RESTART = 1000, 1008, 1012

T = TypeVar("T")


class Streams:
    """The streams of a process, and the threads that follow them."""

    def __init__(self, settings: ServiceSettings, models: LoadedModels, metrics: Metrics) -> None:
        self._limits, self._models, self._metrics = settings.limits, models, metrics
        self._pool = ThreadPoolExecutor(settings.threads, "stream")
        self._stop = asyncio.Event()
        self._n_open = 0
        self._none_open = asyncio.Event()
        self._none_open.set()

    async def stop(self, seconds: float) -> None:
        """End all streams, each with its last update, within so many seconds."""
        self._stop.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._none_open.wait()

    async def close(self) -> None:
        """Let the threads go."""
        await asyncio.to_thread(self._pool.shutdown)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Hold the place of a stream.

        Raises
        ------
        Problem
            There is none, or the service is being stopped.
        """
        if self._stop.is_set():
            raise stopping()
        if self._n_open >= self._limits.streams:
            raise busy(f"{self._n_open} streams are open")
        self._n_open += 1
        self._none_open.clear()
        self._metrics.streams.set(self._n_open)
        try:
            yield
        finally:
            self._n_open -= 1
            self._metrics.streams.set(self._n_open)
            if not self._n_open:
                self._none_open.set()

    async def follow(self, socket: WebSocket, check_token: Callable[[str | None], None]) -> float:
        """Follow a stream to its end; return how many seconds of sound came.

        Parameters
        ----------
        check_token
            Refuses the token of the first message, which may be none.

        Raises
        ------
        Problem
            The stream is refused, or ended before its time.
        """
        first = _first_message(await self._first(socket))
        check_token(first.token)
        name = self._models.named(first.model)
        model = await asyncio.to_thread(self._models.get, name, _names(first.emotions))
        voice = None if first.voice is None else VoiceProfile.parse(first.voice.encode())
        line = _Line(socket, first, model, voice, self._in_thread, self._limits.stream_idle)
        try:
            code = await self._until_end(socket, line)
        except (AudioError, Problem) as error:
            await line.end()
            if isinstance(error, Problem):
                raise
            raise Problem(422, "samples", str(error)) from None
        finally:
            self._metrics.audio.labels("stream").inc(line.seconds)
        note = await line.end()
        await socket.close(code, note)
        return line.seconds

    async def _first(self, socket: WebSocket) -> str | bytes | None:
        try:
            async with asyncio.timeout(self._limits.stream_idle):
                return await _message(socket)
        except TimeoutError:
            raise self._idle() from None

    def _idle(self) -> Problem:
        seconds = self._limits.stream_idle
        return Problem(408, "stream-idle", f"Nothing came for {seconds:g} s; begin a new stream.")

    async def _until_end(self, socket: WebSocket, line: "_Line") -> int:
        """Take messages until the client or the service ends the stream; return the code."""
        until = time.monotonic() + self._limits.stream_seconds
        stopped = asyncio.create_task(self._stop.wait())
        coming = asyncio.create_task(_message(socket))
        try:
            while True:
                left = until - time.monotonic()
                done, _ = await asyncio.wait(
                    {stopped, coming},
                    timeout=max(0.0, min(left, self._limits.stream_idle)),
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if stopped in done:
                    return _RESTART
                if time.monotonic() >= until:
                    seconds = self._limits.stream_seconds
                    sentence = f"The stream was open for {seconds:g} s; begin a new one."
                    raise Problem(408, "stream-time", sentence)
                if coming not in done:
                    raise self._idle()
                message = coming.result()
                if not isinstance(message, bytes):
                    _check_end(message)
                    return _NORMAL
                await line.push(message)
                coming = asyncio.create_task(_message(socket))
        finally:
            for task in (stopped, coming):
                task.cancel()
            await asyncio.gather(stopped, coming, return_exceptions=True)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)


class _Line:
    """One stream: samples in, updates out."""

    def __init__(
        self,
        socket: WebSocket,
        first: StreamSchema,
        model: Model,
        voice: VoiceProfile | None,
        in_thread: Callable[[Callable[[], list[Update]]], Awaitable[list[Update]]],
        patience: float,
    ) -> None:
        self._socket, self._in_thread, self._patience = socket, in_thread, patience
        self._format = SampleFormat(first.rate, first.channels, _DTYPES[first.format])
        self._stream = EmotionStream(
            model,
            first.rate,
            interval=first.interval,
            lookahead=first.lookahead,
            abstain=first.abstain,
            voice=voice,
        )
        self._block = max(1, round(first.interval * first.rate))
        self._held = bytearray()
        self._n_pushed = 0
        self._ended = False

    @property
    def seconds(self) -> float:
        """Of sound that was taken."""
        return self._n_pushed / self._format.rate

    async def push(self, data: bytes) -> None:
        """Take bytes, which may be cut anywhere, and send the updates that are due.

        Raises
        ------
        AudioError
            A sample is not finite; all before the message was taken.
        """
        self._held += data
        # In the thread once an update is due, which does not depend on how the samples are cut.
        while len(self._held) // self._format.frame_bytes >= self._until_update():
            await self._take(self._until_update() + (_BLOCKS_AT_ONCE - 1) * self._block)

    async def end(self) -> str:
        """Take what is left and send the last update; return what is to be noted."""
        if self._ended:
            return ""
        self._ended = True
        with suppress(AudioError):
            await self._take(len(self._held))
        updates = await self._in_thread(lambda: [self._stream.close()])
        await self._send([update for update in updates if update.received])
        return CUT_WITHIN_SAMPLE if self._held else ""

    def _until_update(self) -> int:
        return self._block - self._n_pushed % self._block

    async def _take(self, n_frames: int) -> None:
        size = self._format.frame_bytes
        n_bytes = min(n_frames, len(self._held) // size) * size
        data = bytes(self._held[:n_bytes])
        del self._held[:n_bytes]
        if data:
            await self._send(await self._in_thread(lambda: self._updates(data)))

    def _updates(self, data: bytes) -> list[Update]:
        samples = self._format.samples(data)
        updates = self._stream.push(samples)
        self._n_pushed += len(samples)
        return updates

    async def _send(self, updates: list[Update]) -> None:
        for update in updates:
            try:
                # A client that takes nothing does not keep its place.
                async with asyncio.timeout(self._patience):
                    await self._socket.send_text(json_line(update.to_dict()).rstrip("\n"))
            except TimeoutError:
                raise WebSocketDisconnect(1006) from None


async def refuse(socket: WebSocket, problem: Problem, request_id: str) -> None:
    """Send a problem and close the stream."""
    text = json.dumps(problem.to_dict(request_id), ensure_ascii=False)
    with suppress(WebSocketDisconnect, RuntimeError, TimeoutError):
        async with asyncio.timeout(5.0):
            await socket.send_text(text)
            await socket.close(_CLOSE_CODES.get(problem.status, _POLICY), problem.name)


async def _message(socket: WebSocket) -> str | bytes | None:
    """Return the next message; raise `WebSocketDisconnect` where the client has gone."""
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code") or 1006)
    data: bytes | None = message.get("bytes")
    text: str | None = message.get("text")
    content = text if data is None else data
    if content is not None and len(content) > MAX_MESSAGE:
        raise Problem(413, "message", f"A message is larger than {MAX_MESSAGE} bytes; send less.")
    return content


def _first_message(message: str | bytes | None) -> StreamSchema:
    if not isinstance(message, str):
        raise Problem(
            422,
            "first-message",
            'The first message has to say how the samples come, as in {"rate": 16000, "format": '
            '"pcm16"}.',
        )
    try:
        return StreamSchema.model_validate_json(message)
    except ValidationError as error:
        raise Problem(422, "first-message", f"The first message: {first_fault(error)}.") from None


def _names(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(name.strip() for name in text.split(","))


def _check_end(message: str | None) -> None:
    try:
        is_end = json.loads(message or "") == {"end": True}
    except (ValueError, RecursionError):
        is_end = False
    if not is_end:
        raise Problem(
            422, "message", 'After the first message come samples, and {"end": true} at the end.'
        )
