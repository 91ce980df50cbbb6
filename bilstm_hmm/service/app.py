"""The service as an ASGI application: its routes, what is loaded first and let go in the end."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated
from uuid import uuid4

from fastapi import FastAPI, Query, Request, WebSocket
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.websockets import WebSocketDisconnect

from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.features.errors import AudioError
from bilstm_hmm.service.answers import Labelling, answer
from bilstm_hmm.service.batching import Batcher, Label
from bilstm_hmm.service.description.operations import (
    BATCH,
    METRICS,
    MODELS,
    PREDICT,
    SUMMARY,
    VOICE,
    add_stream_schemas,
)
from bilstm_hmm.service.description.page import page
from bilstm_hmm.service.description.schemas import CardSchema, PredictQuery, VoiceQuery
from bilstm_hmm.service.guards.gate import Gate
from bilstm_hmm.service.guards.origins import check_origin
from bilstm_hmm.service.guards.rates import RateLimiter
from bilstm_hmm.service.guards.tokens import Tokens, read_tokens
from bilstm_hmm.service.intake.folders import own_folder
from bilstm_hmm.service.intake.uploads import Uploads
from bilstm_hmm.service.logs import configure_logs, log, log_exception
from bilstm_hmm.service.metrics import CONTENT_TYPE, Metrics
from bilstm_hmm.service.models import LoadedModels, load_models
from bilstm_hmm.service.page.serving import add_page
from bilstm_hmm.service.problems import Problem, first_fault, stopping
from bilstm_hmm.service.settings import ServiceSettings, from_environment
from bilstm_hmm.service.signals import signals_first
from bilstm_hmm.service.streams import Streams, refuse
from bilstm_hmm.service.voice.learning import VoiceLearning, learn

#: Seconds after which a thread that labels lets others run, such as the one that takes requests: it
#: waits for that each time it has read, written or accepted something, several times a request.
_SWITCH = 0.0005
#: Seconds in which streams are ended when the service is stopped.
_STREAMS_END = 2.0


class Service:
    """What a process of the service holds while it runs; made within its event loop."""

    def __init__(
        self,
        settings: ServiceSettings,
        folder: Path,
        metrics: Metrics,
        models: LoadedModels,
        label: Label | None,
    ) -> None:
        self.models = models
        self.batcher = Batcher(settings, metrics, label)
        self.streams = Streams(settings, models, metrics)
        uploads = Uploads(folder, settings.limits)
        self.labelling = Labelling(models, uploads, self.batcher, metrics, settings.limits)
        self.voices = VoiceLearning(settings.limits)
        self.stopping = False

    async def stop(self) -> None:
        """Finish what runs, refuse what waits and what comes."""
        self.stopping = True
        self.batcher.stop()
        await self.streams.stop(_STREAMS_END)


def create_app(
    settings: ServiceSettings, models: LoadedModels | None = None, label: Label | None = None
) -> FastAPI:
    """Return the service.

    Parameters
    ----------
    models
        Those that it labels with; None loads them when it is started.
    label
        Labels recordings together; None is the model.

    Raises
    ------
    ToolkitError
        The file of tokens cannot be used.
    """
    tokens, metrics = read_tokens(settings.token_file), Metrics()
    rates = RateLimiter(settings.limits.rate)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with own_folder("bilstm-hmm-serve-") as folder:
            loaded = models or load_models(settings.models)
            await asyncio.to_thread(loaded.warm_up)
            service = Service(settings, folder, metrics, loaded, label)
            app.state.service = service
            log("started", models=list(loaded.names), version=settings.version)
            with signals_first(service.stop):
                yield
            await service.stop()
            await service.batcher.close()
            await service.voices.close()
            await service.streams.close()
            metrics.close()
            log("stopped")

    app = FastAPI(
        title="Speech emotion recognition",
        version=settings.version,
        description=SUMMARY,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    _add_errors(app)
    _add_routes(app, metrics)
    add_page(app, settings)
    _add_stream(app, settings, tokens, rates)
    add_stream_schemas(app)
    routes = frozenset(getattr(route, "path", "") for route in app.routes)

    def check_room() -> None:
        app.state.service.batcher.check_room()

    app.add_middleware(
        Gate,
        tokens=tokens,
        rates=rates,
        metrics=metrics,
        routes=routes,
        check_room=check_room,
    )
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type"],
            expose_headers=["Retry-After", "X-Request-Id"],
        )
    return app


def create_from_environment() -> FastAPI:
    """Return the service with the settings of the environment; what uvicorn calls in a process."""
    configure_logs()
    sys.setswitchinterval(_SWITCH)
    return create_app(from_environment())


def _add_errors(app: FastAPI) -> None:
    """Make problem objects of everything that is raised on purpose."""

    async def handle(request: Request, error: Exception) -> Response:
        problem = _problem(error)
        request.state.problem = problem.name
        return problem.response(request.state.request_id)

    for kind in (Problem, ToolkitError, AudioError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, handle)


def _problem(error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, RequestValidationError):
        return Problem(422, "query", f"The query: {first_fault(error)}.")
    if isinstance(error, HTTPException):
        known = {404: "Nothing is at this address; see /docs.", 405: "Another method is needed."}
        sentence = known.get(error.status_code, "The request cannot be answered; see /docs.")
        return Problem(error.status_code, "http", sentence, error.headers)
    return Problem(422, "query", str(error))


def _add_routes(app: FastAPI, metrics: Metrics) -> None:
    def service(request: Request) -> Service:
        found: Service = request.app.state.service
        return found

    @app.post("/v1/predict", **PREDICT)
    async def predict(request: Request, query: Annotated[PredictQuery, Query()]) -> Response:
        return await answer(service(request).labelling, request, query, many=False)

    @app.post("/v1/predict/batch", **BATCH)
    async def predict_batch(request: Request, query: Annotated[PredictQuery, Query()]) -> Response:
        return await answer(service(request).labelling, request, query, many=True)

    @app.post("/v1/voice", **VOICE)
    async def voice(request: Request, query: Annotated[VoiceQuery, Query()]) -> Response:
        return await learn(service(request).labelling, service(request).voices, request, query)

    @app.get("/v1/models", response_model=list[CardSchema], **MODELS)
    async def models(request: Request) -> Response:
        return JSONResponse(service(request).models.cards)

    @app.get("/healthz", summary="Whether the process runs", tags=["operation"])
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz", summary="Whether it takes requests", tags=["operation"])
    async def ready(request: Request) -> dict[str, str]:
        if service(request).stopping:
            raise stopping()
        return {"status": "ready"}

    @app.get("/metrics", **METRICS)
    async def count() -> Response:
        return Response(metrics.text(), media_type=CONTENT_TYPE)

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(page(app.openapi()))


def _add_stream(
    app: FastAPI, settings: ServiceSettings, tokens: Tokens, rates: RateLimiter
) -> None:
    @app.websocket("/v1/stream")
    async def stream(socket: WebSocket) -> None:
        service: Service = socket.app.state.service
        request_id, problem = str(uuid4()), None
        header = socket.headers.get("authorization")
        seconds = 0.0

        def check(token: str | None) -> None:
            tokens.check(header if token is None else f"Bearer {token}")

        await socket.accept()
        try:
            check_origin(socket.headers.get("origin"), socket.headers.get("host"), settings.origins)
            rates.check(socket.client.host if socket.client else None)
            async with service.streams.place():
                seconds = await service.streams.follow(socket, check)
        except WebSocketDisconnect:
            pass
        except (Problem, ToolkitError, AudioError) as error:
            problem = _problem(error)
        except Exception as error:
            log_exception("error", error, id=request_id)
            problem = Problem(500, "fault", "The service has a fault; begin a new stream.")
        if problem is not None:
            service.labelling.metrics.refused.labels(problem.name).inc()
            await refuse(socket, problem, request_id)
        log(
            "stream",
            id=request_id,
            audio_seconds=round(seconds, 3),
            problem=problem and problem.name,
        )
