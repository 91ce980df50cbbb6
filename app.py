"""The service and its page, as people start a Space: ``python app.py``, with options of serve."""

import sys

from bilstm_hmm.cli.main import command, serve

#: Where a Space is listened to, and whose pages show it in a frame.
SPACE = ("--host", "0.0.0.0", "--port", "7860", "--origin", "https://huggingface.co")

if __name__ == "__main__":
    command(serve)([*SPACE, *sys.argv[1:]])
