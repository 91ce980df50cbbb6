"""The one exception of this package: a sentence for the user."""


class AudioError(ValueError):
    """An audio file or array that cannot be used.

    The message is one sentence: which file, what is wrong, what to do.
    """
