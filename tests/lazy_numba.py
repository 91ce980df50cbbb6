"""Functions that numba compiles as soon as librosa is imported, compiled when they are called.

In a fresh checkout they take 20 s of each test worker, and hardly any of them is called.
"""

from collections.abc import Callable
from functools import cache, wraps
from typing import Any

Decorator = Callable[..., Callable[[Callable[..., Any]], Callable[..., Any]]]


def compile_when_called() -> None:
    """Let numba, where it is installed, wait with what it would compile at once."""
    try:
        import numba
    except ImportError:
        return
    for name in ("vectorize", "guvectorize"):
        setattr(numba, name, _when_called(getattr(numba, name)))


def _when_called(decorator: Decorator) -> Decorator:
    def decorate(*arguments: Any, **options: Any) -> Callable[[Any], Callable[..., Any]]:
        def wrapper(function: Callable[..., Any]) -> Callable[..., Any]:
            @cache
            def compiled() -> Callable[..., Any]:
                return decorator(*arguments, **options)(function)

            @wraps(function)
            def call(*values: Any, **named: Any) -> Any:
                return compiled()(*values, **named)

            return call

        return wrapper

    return decorate
