"""What a training says, as lines of standard output."""

from bilstm_hmm.progress import SilentProgress


class PrintedMessages(SilentProgress):
    """Prints sentences, and shows no bar."""

    def message(self, text: str) -> None:
        """Print a sentence."""
        print(text)
