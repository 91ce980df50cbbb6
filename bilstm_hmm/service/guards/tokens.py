"""Who may ask: bearer tokens (RFC 6750) out of a file, compared in constant time."""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.service.problems import Problem

#: Fewer letters are guessed.
_MIN_LETTERS = 16


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens that are taken, as digests; none where anybody may ask."""

    digests: tuple[bytes, ...] = ()

    def check(self, authorization: str | None) -> None:
        """Refuse what does not come with one of the tokens.

        Parameters
        ----------
        authorization
            The header of that name.

        Raises
        ------
        Problem
            There is no token in it, or an unknown one.
        """
        if not self.digests:
            return
        scheme, _, token = (authorization or "").partition(" ")
        given = _digest(token.strip())
        # All of them, so that the time says nothing about which.
        known = [hmac.compare_digest(given, digest) for digest in self.digests]
        if scheme.lower() != "bearer" or not any(known):
            raise Problem(
                401,
                "token",
                "The request has no valid token; send the header Authorization: Bearer TOKEN.",
                {"WWW-Authenticate": 'Bearer realm="bilstm-hmm"'},
                close=True,
            )


def read_tokens(path: str | None) -> Tokens:
    """Return the tokens of a file, one a line; of no file, none.

    Raises
    ------
    ToolkitError
        The file cannot be read, or has no token in it or one that is too short.
    """
    if path is None:
        return Tokens()
    try:
        lines = Path(path).read_text("utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise ToolkitError(
            f"--token-file {path} cannot be read ({reason}); name a file with a token a line."
        ) from None
    if not lines or min(map(len, lines)) < _MIN_LETTERS:
        raise ToolkitError(
            f"--token-file {path}: give a token of at least {_MIN_LETTERS} letters a line, such as "
            "`openssl rand -hex 32` makes."
        )
    return Tokens(_digests(lines))


def _digests(tokens: Iterable[str]) -> tuple[bytes, ...]:
    return tuple(map(_digest, tokens))


def _digest(token: str) -> bytes:
    # Of one length, so that a comparison says nothing of the token's.
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
