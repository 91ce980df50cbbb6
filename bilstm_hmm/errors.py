"""The one exception of this package: a sentence for the user."""


class ToolkitError(ValueError):
    """A configuration, bundle, training or prediction problem that the user can mend.

    The message is one sentence: which file or key, what is wrong, what to do.
    """
