"""Refusals as problem objects (RFC 9457): what is wrong, in the sentence that a command prints."""

import json
import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"
_PREFIX = "urn:bilstm-hmm:problem:"
#: Seconds after which to try again at the earliest where the service is busy.
RETRY_AFTER = 1


class Problem(Exception):  # noqa: N818
    """What a request is refused with.

    Parameters
    ----------
    status
        Of HTTP.
    name
        The last part of the problem's type, which programs go by.
    detail
        A sentence: what is wrong, and what to do.
    headers
        That go with it.
    close
        Whether the connection is to be closed, because not all of the request was read.
    """

    def __init__(
        self,
        status: int,
        name: str,
        detail: str,
        headers: Mapping[str, str] | None = None,
        *,
        close: bool = False,
    ) -> None:
        super().__init__(detail)
        self.status, self.name = status, name
        self.detail = " ".join(detail.split())
        self.headers = {**(headers or {}), **({"Connection": "close"} if close else {})}

    def to_dict(self, request_id: str | None = None) -> dict[str, Any]:
        """Return the members of the object.

        Parameters
        ----------
        request_id
            By which the request is found in the log.
        """
        return {
            "type": _PREFIX + self.name,
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            **({} if request_id is None else {"instance": f"urn:uuid:{request_id}"}),
        }

    def response(self, request_id: str | None = None) -> Response:
        """Return it as the answer to a request."""
        content = json.dumps(self.to_dict(request_id), ensure_ascii=False).encode(
            "utf-8", "replace"
        )
        return Response(content, self.status, self.headers, MEDIA_TYPE)


def busy(what: str, seconds: float = 0.0) -> Problem:
    """Return the problem of a service that has enough to do.

    Parameters
    ----------
    what
        It has too many of.
    seconds
        In which it will have done that.
    """
    later = max(RETRY_AFTER, math.ceil(seconds))
    when = "a second" if later == 1 else f"{later} s"
    return Problem(
        503,
        "busy",
        f"The service is busy: {what}; try again in {when}.",
        {"Retry-After": str(later)},
        close=True,
    )


def stopping() -> Problem:
    """Return the problem of a service that is about to stop."""
    return Problem(
        503,
        "stopping",
        "The service is being stopped; try again in some seconds.",
        {"Retry-After": "5"},
        close=True,
    )


def too_slow(seconds: float) -> Problem:
    """Return the problem of a request that is not answered in time."""
    return Problem(
        504,
        "timeout",
        f"The recording was not labelled within {seconds:g} s; send a shorter one, or try again.",
    )


def body_too_slow(seconds: float) -> Problem:
    """Return the problem of a body that does not come."""
    return Problem(
        408,
        "body-timeout",
        f"The request did not come whole within {seconds:g} s; send it faster.",
        close=True,
    )


def body_too_large(limit: int) -> Problem:
    """Return the problem of a body of too many bytes."""
    return Problem(
        413,
        "body-too-large",
        f"The request is larger than {limit} bytes; send a shorter recording, or as FLAC or Opus.",
        close=True,
    )


def recording_too_long(name: str, seconds: float) -> Problem:
    """Return the problem of a recording that lasts too long."""
    return Problem(
        413,
        "recording-too-long",
        f"{name} is longer than {seconds:g} s; cut it into parts, or label it with the command.",
    )


def first_fault(error: Any) -> str:
    """Return what is wrong with the first key that is, of an error of pydantic's or FastAPI's."""
    fault = error.errors()[0]
    where = [str(part) for part in fault["loc"] if part not in ("query", "body")]
    # What was given is not repeated, it may be anything.
    return f"{'.'.join(where) or 'JSON'}: {fault['msg'][:200]}"
