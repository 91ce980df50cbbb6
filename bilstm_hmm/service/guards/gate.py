"""What every request goes through: a number of its own, who may ask and how often, and the log.

Whatever goes wrong behind it becomes a problem object.
"""

import time
from collections.abc import Callable
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bilstm_hmm.service.guards.rates import RateLimiter
from bilstm_hmm.service.guards.tokens import Tokens
from bilstm_hmm.service.logs import log, log_exception
from bilstm_hmm.service.metrics import Metrics
from bilstm_hmm.service.page.serving import PATHS
from bilstm_hmm.service.problems import Problem

#: What anybody may ask for.
OPEN = frozenset(("/healthz", "/readyz", "/docs", "/openapi.json")) | PATHS
#: What is asked for all the time by other machines, and is no event.
_SILENT = frozenset(("/healthz", "/readyz", "/metrics"))
#: Where recordings are labelled, for which there has to be room.
_LABELLING = frozenset(("/v1/predict", "/v1/predict/batch"))
_GONE = 499


class Gate:
    """An ASGI middleware around the routes."""

    def __init__(
        self,
        app: ASGIApp,
        tokens: Tokens,
        rates: RateLimiter,
        metrics: Metrics,
        routes: frozenset[str],
        check_room: Callable[[], None],
    ) -> None:
        self._app, self._tokens, self._rates, self._metrics = app, tokens, rates, metrics
        self._routes, self._check_room = routes, check_room

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request; streams guard themselves."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id, started, status = str(uuid4()), time.monotonic(), 0
        state = scope.setdefault("state", {})
        state["request_id"] = request_id

        is_whole = scope["method"] != "POST"

        async def received() -> Message:
            nonlocal is_whole
            message = await receive()
            is_whole = is_whole or not message.get("more_body", False)
            return message

        async def numbered(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                headers["Cache-Control"] = "no-store"
                headers["X-Content-Type-Options"] = "nosniff"
                if not is_whole:
                    # What is still coming would be taken for the next request.
                    headers["Connection"] = "close"
            await send(message)

        try:
            self._check(scope)
            await self._app(scope, received, numbered)
        except Problem as problem:
            await self._refuse(problem, scope, receive, numbered)
        except ClientDisconnect:
            status = _GONE
        except Exception as error:
            log_exception("error", error, id=request_id)
            sentence = "The service has a fault; it is in its log under the number of the request."
            if not status:
                fault = Problem(500, "fault", sentence, close=True)
                await self._refuse(fault, scope, receive, numbered)
        seconds = time.monotonic() - started
        self._note(scope, status, seconds, request_id)

    def _check(self, scope: Scope) -> None:
        path = scope["path"]
        if path in _SILENT and path in OPEN:
            return
        client = scope.get("client")
        self._rates.check(client[0] if client else None)
        if path not in OPEN:
            self._tokens.check(Headers(scope=scope).get("authorization"))
        if path in _LABELLING and scope["method"] == "POST":
            # Before the query and the recording are read: refusing many has to cost little, or
            # those who are accepted wait for it.
            self._check_room()

    async def _refuse(self, problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"]["problem"] = problem.name
        await problem.response(scope["state"]["request_id"])(scope, receive, send)

    def _note(self, scope: Scope, status: int, seconds: float, request_id: str) -> None:
        path, state = scope["path"], scope["state"]
        route = path if path in self._routes else "other"
        self._metrics.requests.labels(route, str(status)).inc()
        self._metrics.seconds.labels(route).observe(seconds)
        problem = state.get("problem")
        if problem is not None:
            self._metrics.refused.labels(problem).inc()
        if route in _SILENT | PATHS and status < 400:
            return
        log(
            "request",
            id=request_id,
            method=scope["method"],
            route=route,
            status=status,
            seconds=round(seconds, 4),
            audio_seconds=state.get("audio_seconds"),
            problem=problem,
        )
