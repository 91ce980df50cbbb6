"""The description of the service as a page for people, which loads nothing from anywhere."""

import json
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
       color: #1b1b1b; background: #fff; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem; }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0;
         border-bottom: 1px solid #ccc; }
code, pre { font-family: ui-monospace, monospace; font-size: .9em; }
pre { background: #f3f3f3; padding: .75rem; overflow-x: auto; }
h2 { margin-top: 2.5rem; }
@media (prefers-color-scheme: dark) {
  body { color: #e8e8e8; background: #161616; } pre { background: #262626; }
  th, td { border-color: #555; } a { color: #9ecbff; } }
"""


def page(description: Mapping[str, Any]) -> str:
    """Return OpenAPI's description as HTML."""
    info = description["info"]
    title = escape(info["title"])
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body><main><h1>{title} {escape(info['version'])}</h1>"
        f"<p>{_code(info['description'])}</p>"
        '<p>For programs: <a href="openapi.json">openapi.json</a></p>'
        + "".join(_operations(description["paths"]))
        + "<h2>What goes in and out</h2>"
        + "".join(_schemas(description["components"]["schemas"]))
        + "</main></body></html>"
    )


def _operations(paths: Mapping[str, Any]) -> Iterator[str]:
    for path, methods in paths.items():
        for method, operation in methods.items():
            yield f"<h2><code>{method.upper()} {escape(path)}</code></h2>"
            yield f"<p>{escape(operation.get('summary', ''))}. "
            yield f"{_code(operation.get('description', ''))}</p>"
            asked = operation.get("parameters", [])
            rows = [(one["name"], _kind(one["schema"]), one.get("description")) for one in asked]
            yield _table(("query", "type", "meaning"), rows)
            body = operation.get("requestBody", {}).get("content", {})
            if body:
                yield f"<p>Body: {', '.join(f'<code>{escape(kind)}</code>' for kind in body)}</p>"
            answers = operation.get("responses", {}).items()
            yield _table(
                ("status", "", "meaning"),
                [(status, None, one.get("description")) for status, one in answers],
            )


def _schemas(schemas: Mapping[str, Any]) -> Iterator[str]:
    for name, schema in sorted(schemas.items()):
        if name in ("HTTPValidationError", "ValidationError"):
            continue
        yield f'<h3 id="{escape(name)}">{escape(name)}</h3><p>'
        yield f"{_code(schema.get('description', ''))}</p>"
        rows = [
            (key, _kind(one), one.get("description"))
            for key, one in schema.get("properties", {}).items()
        ]
        yield _table(("key", "type", "meaning"), rows)
        for example in schema.get("examples", ()):
            yield f"<pre>{escape(json.dumps(example, indent=2, ensure_ascii=False))}</pre>"


def _kind(schema: Mapping[str, Any]) -> str:
    """Return the type of a value in words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(map(_kind, schema["anyOf"]))
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return str(schema.get("type", "anything"))


def _table(head: tuple[str, str, str], rows: Sequence[tuple[str, str | None, str | None]]) -> str:
    if not rows:
        return ""
    titles = "".join(f"<th>{escape(title)}</th>" for title in head)
    lines = (
        f"<tr><td><code>{escape(name)}</code></td><td>{escape(kind or '')}</td>"
        f"<td>{_code(meaning or '')}</td></tr>"
        for name, kind, meaning in rows
    )
    return f"<table><tr>{titles}</tr>{''.join(lines)}</table>"


def _code(text: str) -> str:
    """Return text as HTML, with what stands in backquotes as code."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if n % 2 else part for n, part in enumerate(parts))
