"""The one exception of this package: a sentence for the user."""


class DataError(ValueError):
    """Something about a corpus, its files or its split that the user can mend.

    The message is one sentence: which file, folder or key, what is wrong, what to do.
    """
