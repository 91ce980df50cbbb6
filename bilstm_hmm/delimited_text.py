"""Comma- and tab-separated text that a spreadsheet shows and never runs."""

import csv
import io
import re
from collections.abc import Iterable, Sequence

# What a spreadsheet takes for the start of a formula, behind any apostrophes of ours; a dash and
# nothing else, which is standard input, it takes for a dash.
_FORMULA = re.compile(r"(?!'*-\Z)'*[=+\-@＝＋－＠\t\r\n]")
# A file name that is not UTF-8 reaches Python with lone surrogates, which no file can hold.
_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPED = re.compile(r"\\u(d[89a-f][0-9a-f]{2})")


def escape_formula(cell: str) -> str:
    """Return `cell` fit for a table: no formula (an apostrophe goes before it), valid UTF-8."""
    cell = _SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", cell)
    return f"'{cell}" if _FORMULA.match(cell) else cell


def unescape_formula(cell: str) -> str:
    """Return what `escape_formula` was given."""
    if cell.startswith("'") and _FORMULA.match(cell):
        cell = cell[1:]
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), cell)


def table_text(rows: Iterable[Sequence[str]], delimiter: str = ",") -> str:
    """Return `rows` as text with ``\\n`` line ends, guarded, quoted as RFC 4180 has it."""
    return "".join(
        delimiter.join(_quoted(escape_formula(cell), delimiter) for cell in row) + "\n"
        for row in rows
    )


def table_rows(text: str, delimiter: str = ",") -> list[list[str]]:
    """Return the rows of `table_text`, as they were given."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    return [[unescape_formula(cell) for cell in row] for row in reader]


def _quoted(cell: str, delimiter: str) -> str:
    # The csv module leaves a lone carriage return bare when lines end in \n, then trips over it.
    if any(character in cell for character in f'"\r\n{delimiter}'):
        return '"' + cell.replace('"', '""') + '"'
    return cell
