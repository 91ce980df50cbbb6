"""How long an answer takes by how many wait for one, and whether that is too long for another.

A queue that is allowed to be long makes a service that is asked too much late for everybody, for as
long as that lasts. So what waits is counted in seconds, and only a moment's rush may wait longer
than that (Nichols and Jacobson, Controlling queue delay, 2012).
"""

import math
import time
from collections.abc import Callable

#: Seconds of too long a wait up to which it is taken for a rush, which may use the whole queue.
RUSH = 0.1
#: Seconds without a refusal after which the next long wait is taken for a rush again.
CALM = 1.0
#: Of the wait, that a batch may take.
_SHARE = 0.5
#: Weight of the newest batch in the mean of what a recording takes, where it took more and less:
#: to learn late that the cores have other work makes many wait.
_SLOWER, _QUICKER = 0.5, 0.2


class Pace:
    """What a recording takes to be labelled, as it lately did, and how long waits have been.

    Parameters
    ----------
    wait
        Seconds that an answer should take at most where more is asked for than can be answered,
        or as long as a recording takes, if that is longer; 0 is no limit.
    threads
        Batches that are labelled at the same time.
    clock
        Seconds, of any beginning.
    """

    def __init__(
        self, wait: float, threads: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.wait, self._threads, self._clock = wait, threads, clock
        self._each = 0.0
        self._long_since: float | None = None
        self._refused_at = float("-inf")

    def took(self, seconds: float, n_recordings: int) -> None:
        """Take note of what a batch took."""
        each = seconds / n_recordings
        newest = _SLOWER if each > self._each else _QUICKER
        self._each += newest * (each - self._each) if self._each else each

    def expected(self, n_recordings: int) -> float:
        """Return seconds until so many are labelled, 0 as long as nobody knows."""
        return n_recordings * self._each / self._threads

    def most(self) -> float:
        """Return the seconds that an answer should take at most, of a limited wait."""
        return max(self.wait, self._each)

    def most_together(self) -> float:
        """Return the recordings that may go together, so that the next need not wait as long."""
        return max(1.0, _SHARE * self.wait / self._each) if self.wait and self._each else math.inf

    def is_too_long(self, seconds: float) -> bool:
        """Say whether another would wait too long for its answer, and this is not just a rush."""
        if not self.wait:
            return False
        now = self._clock()
        is_overload = now - self._refused_at < CALM
        if seconds <= self.most():
            self._long_since = None
            return False
        if self._long_since is None:
            self._long_since = now
        if not is_overload and now - self._long_since < RUSH:
            return False
        self._refused_at = now
        return True
