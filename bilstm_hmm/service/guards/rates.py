"""How often a client may ask: a bucket of tokens each, which fills at the rate."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address

from bilstm_hmm.service.problems import Problem

#: Clients that are remembered; of more, those that have asked longest ago are forgotten.
_MAX_CLIENTS = 10_000
#: Seconds at the rate that may come at once.
_BURST = 2.0


class RateLimiter:
    """Counts the requests of each client.

    Parameters
    ----------
    rate
        Requests a second; 0 is no limit.
    clock
        Seconds, of any beginning.
    """

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._clock = rate, clock
        self._full = max(1.0, _BURST * rate)
        # Requests that are left, and when that was so.
        self._clients: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def check(self, address: str | None) -> None:
        """Count a request.

        Parameters
        ----------
        address
            Where it comes from, None where nobody knows.

        Raises
        ------
        Problem
            The client asks more often than it may.
        """
        if not self._rate:
            return
        client, now = _client(address), self._clock()
        left, then = self._clients.pop(client, (self._full, now))
        left = min(self._full, left + (now - then) * self._rate)
        allowed = left >= 1.0
        self._clients[client] = (left - 1.0 if allowed else left, now)
        while len(self._clients) > _MAX_CLIENTS:
            self._clients.popitem(last=False)
        if not allowed:
            seconds = math.ceil((1.0 - left) / self._rate)
            raise Problem(
                429,
                "rate",
                f"This client asks more than {self._rate:g} times a second; try again in "
                f"{seconds} s.",
                {"Retry-After": str(seconds)},
                close=True,
            )


def _client(address: str | None) -> str:
    """Return whose address it is: of IPv6 the network, all of which is one customer's."""
    try:
        parsed = ip_address(address or "")
    except ValueError:
        return address or ""
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(IPv6Address(int(parsed) >> 64 << 64))
    return str(parsed)
