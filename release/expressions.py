"""Licence expressions of SPDX: whether one is satisfied by licences that are allowed.

Of SPDX 2.3, annex D: ``AND`` binds more closely than ``OR``, and ``WITH`` more than both.
"""

import re
from collections.abc import Collection

_TOKEN = re.compile(r"\(|\)|[A-Za-z0-9.+-]+")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*\+?")
_OPERATORS = ("AND", "OR", "WITH", "(", ")")


def is_expression(text: str) -> bool:
    """Say whether a text is an expression: identifiers, joined. ``BSD License`` is none."""
    try:
        _satisfied(text, ())
    except ValueError:
        return False
    return True


def is_allowed(expression: str, allow: Collection[str]) -> bool:
    """Say whether a licence, or one of those that may be chosen, is allowed.

    What is no expression is allowed where it stands in `allow` as it is. What follows ``WITH``
    only adds to what a licence permits.
    """
    try:
        return expression in allow or _satisfied(expression, allow)
    except ValueError:
        return False


def _satisfied(text: str, allow: Collection[str]) -> bool:
    tokens = _TOKEN.findall(text)
    if "".join(tokens) != re.sub(r"\s", "", text):
        raise ValueError(text)
    tokens.reverse()
    satisfied = _either(tokens, allow)
    if tokens:
        raise ValueError(text)
    return satisfied


def _either(tokens: list[str], allow: Collection[str]) -> bool:
    satisfied = _both(tokens, allow)
    while _take(tokens, "OR"):
        # Both sides are read, whatever the first says.
        satisfied |= _both(tokens, allow)
    return satisfied


def _both(tokens: list[str], allow: Collection[str]) -> bool:
    satisfied = _one(tokens, allow)
    while _take(tokens, "AND"):
        satisfied &= _one(tokens, allow)
    return satisfied


def _one(tokens: list[str], allow: Collection[str]) -> bool:
    if _take(tokens, "("):
        satisfied = _either(tokens, allow)
        if not _take(tokens, ")"):
            raise ValueError("a bracket is open")
        return satisfied
    licence = _identifier(tokens)
    if _take(tokens, "WITH"):
        _identifier(tokens)
    return licence in allow


def _identifier(tokens: list[str]) -> str:
    if not tokens or tokens[-1] in _OPERATORS or not _ID.fullmatch(tokens[-1]):
        raise ValueError("a licence is missing")
    return tokens.pop()


def _take(tokens: list[str], word: str) -> bool:
    if tokens and tokens[-1] == word:
        tokens.pop()
        return True
    return False
