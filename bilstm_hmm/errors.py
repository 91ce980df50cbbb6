"""The one exception of this package: a sentence for the user, and what it may quote."""


class ToolkitError(ValueError):
    """A configuration, bundle, training or prediction problem that the user can mend.

    The message is one sentence: which file or key, what is wrong, what to do.
    """


def brief(text: str, limit: int = 80) -> str:
    """Return the beginning of a text as a sentence may quote it: one line that moves no cursor."""
    shown = text if len(text) <= limit else f"{text[:limit]}..."
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in shown)
