"""The page for people at ``/``: files that are read once and asked for by name, all from here."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.responses import Response

from bilstm_hmm.output.formats import FORMATS
from bilstm_hmm.service.settings import ServiceSettings

_FOLDER = Path(__file__).parent
_INDEX = "index.html"
_SETTINGS = "/page/settings.json"
_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_FILES = {
    f"/page/{path.relative_to(_FOLDER).as_posix()}": path
    for path in sorted(_FOLDER.rglob("*"))
    if path.suffix in _MEDIA_TYPES
}
#: All that the page is made of.
PATHS = frozenset(("/", _SETTINGS, *_FILES))


def add_page(app: FastAPI, settings: ServiceSettings) -> None:
    """Let a service have the page."""
    policy = {
        "Content-Security-Policy": content_policy(settings.origins),
        "Referrer-Policy": "no-referrer",
    }
    for address, path in {"/": _FOLDER / _INDEX, **_FILES}.items():
        media_type = _MEDIA_TYPES.get(path.suffix, "text/html; charset=utf-8")
        response = _answer(path.read_bytes(), media_type, policy)
        app.add_api_route(address, response, methods=["GET"], include_in_schema=False)

    @app.get(_SETTINGS, include_in_schema=False)
    async def known() -> dict[str, Any]:
        return page_settings(settings)


def _answer(content: bytes, media_type: str, headers: dict[str, str]) -> Any:
    async def file() -> Response:
        return Response(content, headers=headers, media_type=media_type)

    return file


def content_policy(origins: Sequence[str]) -> str:
    """Return what a browser may do for the page (Content Security Policy, level 3).

    It asks this service alone, runs no script and heeds no rule that stands in its markup, and
    stands in a frame of pages that may call the service anyway and of no other.
    """
    frames = " ".join(("'self'", *origins))
    return (
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; "
        f"frame-ancestors {frames}"
    )


def page_settings(settings: ServiceSettings) -> dict[str, Any]:
    """Return what the page has to know of the service: formats, limits and the version."""
    limits = settings.limits
    return {
        "version": settings.version,
        "max_bytes": limits.max_bytes,
        "max_seconds": limits.max_seconds,
        "max_files": limits.max_files,
        "formats": [
            {"name": name, "suffix": format.suffix, "per_file": format.per_file}
            for name, format in FORMATS.items()
            if not format.binary or find_spec("matplotlib") is not None
        ],
    }
