"""The log: a line of JSON for each event, which says nothing of what was said or by whom.

Neither names of files, labels nor addresses of clients are ever handed to it.
"""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any

LOGGER = logging.getLogger("bilstm_hmm.service")


class JsonFormatter(logging.Formatter):
    """Writes a record as a line of JSON, of an exception only where it was raised."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        entry: dict[str, Any] = {
            "time": when,
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "members", {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            entry.update(describe_exception(record.exc_info[1]))
        return json.dumps(entry, ensure_ascii=True, default=str)


def describe_exception(error: BaseException) -> dict[str, Any]:
    """Return what an exception is and where it was raised.

    Not its message, which may name a file.
    """
    frames = traceback.extract_tb(error.__traceback__)
    return {
        "exception": type(error).__name__,
        "at": [f"{frame.name}:{frame.lineno}" for frame in frames[-8:]],
    }


def log(event: str, **members: object) -> None:
    """Write an event with what belongs to it, where that is known."""
    known = {key: value for key, value in members.items() if value is not None}
    LOGGER.info(event, extra={"members": known})


def log_exception(event: str, error: BaseException, **members: object) -> None:
    """Write that something went wrong which should not, and where."""
    LOGGER.error(event, extra={"members": {**members, **describe_exception(error)}})


#: What uvicorn says of text on a stream that is none, which is the client's fault.
_NO_TEXT = "Invalid UTF-8 sequence received from client."


def soften(record: logging.LogRecord) -> bool:
    """Make no error of what a client did wrong; it is answered, with 1007."""
    if record.msg == _NO_TEXT:
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        record.exc_info = None
    return True


def configure_logs() -> None:
    """Write to standard error: the service's events, and of the server what goes wrong."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    handler.addFilter(soften)
    for name, level in (("bilstm_hmm.service", logging.INFO), ("uvicorn", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)
    # Of forms that cannot be read, which are answered with what is wrong.
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
