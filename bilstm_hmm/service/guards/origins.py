"""From which web pages a browser may ask: its own and those that are named."""

from collections.abc import Sequence

from bilstm_hmm.service.problems import Problem


def check_origin(origin: str | None, host: str | None, allowed: Sequence[str]) -> None:
    """Refuse a stream that a page of another origin opens.

    Browsers ask nobody before they open one (RFC 6455, section 10.2), other than for requests,
    where the headers of CORS decide.

    Parameters
    ----------
    origin
        The header of that name, which browsers alone send.
    host
        The header of that name.
    allowed
        Origins; ``*`` is any.

    Raises
    ------
    Problem
        The page is none of these.
    """
    if origin is None or "*" in allowed or origin in allowed:
        return
    if host and origin.partition("://")[2] == host:
        return
    raise Problem(
        403,
        "origin",
        "Pages of this origin may not open a stream; name it with --origin where they should.",
    )
