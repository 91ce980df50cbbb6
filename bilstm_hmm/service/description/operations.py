"""The words and examples of the description of the service (OpenAPI), an operation each."""

from typing import Any

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

from bilstm_hmm.service.description.schemas import (
    FailureSchema,
    PredictionSchema,
    ProblemSchema,
    StreamSchema,
    UpdateSchema,
)

SUMMARY = """\
Recordings in, emotions out: the answers are those of the command `bilstm-hmm predict`. Sound
that is still coming goes over a WebSocket, `/v1/stream`: the first message is a `StreamSchema`,
then come binary messages of samples and, in the end, `{"end": true}`; each update that comes back
is an `UpdateSchema`, and a refusal a `ProblemSchema`. Nothing that is sent is kept.
"""
_AUDIO = {"schema": {"type": "string", "format": "binary"}}
_REFUSALS = {
    400: "The form cannot be read.",
    401: "A token is missing or unknown.",
    404: "No such model is loaded.",
    408: "The request did not come whole in time.",
    413: "The body is too large, or the recording too long.",
    422: "The recording cannot be used, or the query asks for what there is not.",
    429: "The client asks too often; see Retry-After.",
    503: "The service is busy or stopping; see Retry-After.",
    504: "Labelling takes too long.",
}


def _refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    reference = {"schema": {"$ref": "#/components/schemas/ProblemSchema"}}
    return {
        status: {
            "description": _REFUSALS[status],
            "content": {"application/problem+json": reference},
        }
        for status in statuses
    }


_FILE = {"type": "string", "format": "binary"}
_FILES = {"type": "array", "items": _FILE}
_VOICE = {**_FILE, "description": "A voice profile, as /v1/voice gives it."}


def _form(field: str, schema: dict[str, Any], **others: dict[str, Any]) -> dict[str, Any]:
    properties = {"type": "object", "properties": {field: schema, **others}, "required": [field]}
    return {"multipart/form-data": {"schema": properties}}


PREDICT: dict[str, Any] = {
    "summary": "Label a recording",
    "description": "The recording is the body itself, or the one file of a form.",
    "tags": ["recordings"],
    "response_model": PredictionSchema,
    "response_description": "As the command writes it; other formats are text or a picture.",
    "responses": _refusals(*_REFUSALS),
    "openapi_extra": {
        "requestBody": {
            "required": True,
            "content": {
                "application/octet-stream": _AUDIO,
                **_form("file", _FILE, voice=_VOICE),
            },
        }
    },
}
BATCH: dict[str, Any] = {
    "summary": "Label several recordings",
    "description": "The files of a form, answered as a folder is: one that cannot be labelled has "
    "its error in the place of an answer.",
    "tags": ["recordings"],
    "response_model": list[PredictionSchema | FailureSchema],
    "responses": _refusals(*_REFUSALS),
    "openapi_extra": {
        "requestBody": {
            "required": True,
            "content": _form("file", _FILES, voice=_VOICE),
        }
    },
}
VOICE: dict[str, Any] = {
    "summary": "Learn a voice from recordings of it",
    "description": "The files of a form, without labels. The answer is the voice's profile, which "
    "goes with a recording as the part `voice` of its form; only models whose card says `voices` "
    "take one.",
    "tags": ["recordings"],
    "response_description": "As the command `voice learn` writes it.",
    "responses": _refusals(*_REFUSALS),
    "openapi_extra": {"requestBody": {"required": True, "content": _form("file", _FILES)}},
}
MODELS: dict[str, Any] = {
    "summary": "The models that are loaded, and the figures of their cards",
    "tags": ["models"],
    "responses": _refusals(401, 429),
}
METRICS: dict[str, Any] = {
    "summary": "What was counted, for Prometheus",
    "tags": ["operation"],
    "response_class": PlainTextResponse,
    "responses": _refusals(401, 429),
}


def add_stream_schemas(app: FastAPI) -> None:
    """Let the description have the messages of streams, for which OpenAPI has no place."""
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            described = describe()
            schemas = described.setdefault("components", {}).setdefault("schemas", {})
            for model in (ProblemSchema, StreamSchema, UpdateSchema):
                whole = model.model_json_schema(ref_template="#/components/schemas/{model}")
                schemas.update(whole.pop("$defs", {}))
                schemas[model.__name__] = whole
            app.openapi_schema = described
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
