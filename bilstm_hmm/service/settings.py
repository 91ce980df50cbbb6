"""What a service is started with: its models, and how much of everything it takes on.

A process gets its settings from the environment, since the processes of a server are started anew.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields

from bilstm_hmm.errors import ToolkitError

#: The variable of the environment that holds the settings as JSON.
VARIABLE = "BILSTM_HMM_SERVICE"

#: Limits of which 0 means something.
_MAY_BE_NONE = ("queue", "wait", "rate")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a process of the service takes on at most; each is an option of ``serve``.

    Attributes
    ----------
    max_bytes
        Of the body of a request.
    max_seconds
        Of a recording.
    max_files
        In a request to ``/v1/predict/batch``.
    concurrency
        Recordings that are labelled at the same time.
    queue
        Recordings that wait for that.
    wait
        Seconds that an answer should take where more is asked for than can be answered; what would
        take longer is refused. 0 is no limit but the queue.
    uploads
        Bodies that are read at the same time.
    timeout
        Seconds from the first byte of a request to its answer.
    rate
        Requests a second of a client; 0 is no limit. Twice as many may come at once.
    streams
        Streams that are open at the same time.
    stream_idle
        Seconds in which nothing comes over a stream.
    stream_seconds
        Seconds that a stream is open.
    """

    max_bytes: int = 32 * 1024 * 1024
    max_seconds: float = 600.0
    max_files: int = 64
    concurrency: int = 16
    queue: int = 64
    wait: float = 0.03
    uploads: int = 128
    timeout: float = 30.0
    rate: float = 100.0
    streams: int = 32
    stream_idle: float = 30.0
    stream_seconds: float = 3600.0


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """What a process of the service is started with.

    Attributes
    ----------
    models
        Names or folders of models, the first of which labels where a request names none.
    limits
        What it takes on at most.
    threads
        Batches that are labelled at the same time.
    token_file
        Holds the tokens of which one has to come with each request; None asks for none.
    origins
        Web pages' origins that may call it from a browser, besides its own; ``*`` is any.
    version
        Of the toolkit, for those who ask.
    """

    models: tuple[str, ...] = ("default",)
    limits: Limits = field(default_factory=Limits)
    threads: int = 1
    token_file: str | None = None
    origins: tuple[str, ...] = ()
    version: str = "unknown"

    @property
    def batch(self) -> int:
        """Recordings that are labelled together at most."""
        return max(1, self.limits.concurrency // self.threads)


def validate_settings(settings: ServiceSettings) -> ServiceSettings:
    """Return the settings if they make sense.

    Raises
    ------
    ToolkitError
        One of them makes none.
    """
    for is_wrong, sentence in _problems(settings):
        if is_wrong:
            raise ToolkitError(sentence)
    return settings


def _problems(settings: ServiceSettings) -> Iterator[tuple[bool, str]]:
    """Yield what might be wrong: whether it is, and the sentence for it."""
    for entry in fields(Limits):
        option = f"--{entry.name.replace('_', '-')}"
        value, may_be_none = getattr(settings.limits, entry.name), entry.name in _MAY_BE_NONE
        yield (
            not 0 <= value < float("inf"),
            f"{option} {value}: give a number that is not negative.",
        )
        yield value == 0 and not may_be_none, f"{option} 0: give a number above 0."
    yield settings.threads < 1, f"--threads {settings.threads}: give a number from 1."
    yield not settings.models, "--model: name at least one model."
    for origin in settings.origins:
        scheme, separator, rest = origin.partition("://")
        is_origin = scheme in ("http", "https") and separator and rest and "/" not in rest
        yield (
            origin != "*" and not is_origin,
            f"--origin {origin}: give scheme, host and port alone, as in https://example.org:8443.",
        )


def to_environment(settings: ServiceSettings) -> None:
    """Leave the settings for the processes that this one starts."""
    os.environ[VARIABLE] = json.dumps(asdict(settings))


def from_environment() -> ServiceSettings:
    """Return the settings that were left; the defaults where there are none.

    Raises
    ------
    ToolkitError
        The variable holds no settings.
    """
    text = os.environ.get(VARIABLE, "{}")
    try:
        tree = json.loads(text)
        for name in ("models", "origins"):
            if name in tree:
                tree[name] = tuple(tree[name])
        settings = ServiceSettings(**{**tree, "limits": Limits(**tree.get("limits", {}))})
    except (AttributeError, TypeError, ValueError):
        raise ToolkitError(
            f"The variable {VARIABLE} holds no settings; unset it, or start the service with "
            "`bilstm-hmm serve`."
        ) from None
    return validate_settings(settings)
