"""Tables for notebooks."""

from collections.abc import Iterable, Sequence


def html_table(rows: Iterable[Sequence[str]], header: Sequence[str] = (), caption: str = "") -> str:
    """Return a table in HTML; every text is escaped.

    Parameters
    ----------
    rows
        The first cell of each names it.
    header
        The names of the columns; none without.
    caption
        What stands above; nothing if empty.
    """
    from html import escape

    parts = [f"<caption>{escape(caption)}</caption>"] if caption else []
    if header:
        parts.append(f"<thead><tr>{_cells(header, 'th')}</tr></thead>")
    lines = "".join(f"<tr>{_cells(row[:1], 'th')}{_cells(row[1:], 'td')}</tr>" for row in rows)
    return f"<table>{''.join(parts)}<tbody>{lines}</tbody></table>"


def _cells(texts: Sequence[str], tag: str) -> str:
    from html import escape

    return "".join(f"<{tag}>{escape(text)}</{tag}>" for text in texts)
