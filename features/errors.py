"""The exceptions of this package: a sentence for the user each."""


class AudioError(ValueError):
    """An audio file or array that cannot be used.

    The message is one sentence: which file, what is wrong, what to do.
    """


class EncoderError(RuntimeError):
    """A pre-trained encoder that is missing, of another version or not what it should be.

    No recording's fault, so that no recording is passed over for it.
    """
