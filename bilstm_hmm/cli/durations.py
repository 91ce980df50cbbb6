"""Durations as people say them."""


def hours_minutes(seconds: float) -> str:
    """Return a duration in the unit that suits it: ``8.4 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if seconds < 59.95:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min"


def pace(done: int, total: int, elapsed: float) -> str:
    """Return how many things are done a second, and the time that the others will take."""
    if not done or elapsed <= 0.0:
        return ""
    rate = done / elapsed
    return f"{rate:.3g}/s, {hours_minutes((total - done) / rate)} left"
