"""Fetching one file over HTTP, going on where an earlier attempt was cut off."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ..errors import DataError

if TYPE_CHECKING:
    from requests import Response

_TIMEOUT = (10.0, 60.0)  # seconds to connect, and between two pieces
_ATTEMPTS = 3
_PIECE_BYTES = 1 << 14  # what is lost of a piece that is cut off


class Progress(Protocol):
    """Takes how many bytes are here, of how many (None where the server does not say)."""

    def __call__(self, done: int, total: int | None) -> None: ...


def fetch(
    url: str, path: Path, *, progress: Progress, timeout: tuple[float, float] = _TIMEOUT
) -> None:
    """Write what is at `url` to `path`.

    What has come so far lies in ``<path>.part``, and a later call goes on from there if the
    server can and its file is still the same.

    Raises
    ------
    DataError
        If the server cannot be reached, refuses, or stops sending more than twice in a row, or
        the file cannot be written.
    """
    import requests

    part = path.with_name(f"{path.name}.part")
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            _resume(url, part, progress, timeout)
        except requests.HTTPError as error:
            raise DataError(f"{url} cannot be fetched: the server answered {error}") from error
        except requests.RequestException as error:
            if attempt == _ATTEMPTS or not part.exists():
                raise DataError(
                    f"{url} cannot be fetched: {_reason(error)}; check the connection and run "
                    f"the same command again, it goes on where it stopped"
                ) from error
        except OSError as error:
            raise DataError(
                f"{part} cannot be written ({error.strerror or error}): "
                f"check the space left and the permissions"
            ) from error
        else:
            _tag_path(part).unlink(missing_ok=True)
            part.replace(path)
            return


def _resume(url: str, part: Path, progress: Progress, timeout: tuple[float, float]) -> None:
    """Append to `part` what it lacks; start over where the server cannot go on."""
    import requests

    done = part.stat().st_size if part.exists() else 0
    with _get(url, _range_headers(part, done), timeout) as response:
        if done and response.status_code == requests.codes.requested_range_not_satisfiable:
            if response.headers.get("Content-Range") != f"bytes */{done}":
                part.unlink()  # the server's file has become shorter
                _resume(url, part, progress, timeout)
            return
        if not response.ok:
            raise requests.HTTPError(f"{response.status_code} {response.reason}")
        if response.status_code != requests.codes.partial_content:
            done = 0
        length = response.headers.get("Content-Length", "")
        total = done + int(length) if length.isdecimal() else None
        _tag_path(part).write_text(_tag(response.headers), encoding="utf-8")
        with part.open("ab" if done else "wb") as file:
            for piece in response.iter_content(_PIECE_BYTES):
                file.write(piece)
                done += len(piece)
                progress(done, total)
        if total is not None and done < total:
            raise requests.ConnectionError("the connection was cut")


@contextmanager
def _get(
    url: str, headers: Mapping[str, str], timeout: tuple[float, float]
) -> Iterator["Response"]:
    import requests

    with (
        requests.Session() as session,
        session.get(url, headers=headers, stream=True, timeout=timeout) as response,
    ):
        yield response


def _range_headers(part: Path, done: int) -> dict[str, str]:
    # Compressed on the way, the bytes counted here would not be the bytes of the file.
    headers = {"Accept-Encoding": "identity"}
    if done:
        headers["Range"] = f"bytes={done}-"
        tag = _tag_path(part)
        version = tag.read_text(encoding="utf-8") if tag.exists() else ""
        if version:  # a file that has changed since is sent whole
            headers["If-Range"] = version
    return headers


def _tag(headers: Mapping[str, str]) -> str:
    """Return what the server identifies this version of its file by, "" where it does not.

    A weak ETag says nothing of the bytes (RFC 9110, 13.1.5).
    """
    tag = headers.get("ETag", "")
    return headers.get("Last-Modified", "") if not tag or tag.startswith("W/") else tag


def _tag_path(part: Path) -> Path:
    return part.with_name(f"{part.name}.tag")


def _reason(error: Exception) -> str:
    import requests

    if isinstance(error, requests.Timeout):
        return "the server did not answer in time"
    if isinstance(error, requests.exceptions.ChunkedEncodingError) or "cut" in str(error):
        return "the connection was cut"
    if isinstance(error, requests.ConnectionError):
        return "the server cannot be reached"
    return str(error)
