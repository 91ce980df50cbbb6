"""``python -m bilstm_hmm``: the program ``bilstm-hmm`` where it is not installed."""

from bilstm_hmm.cli.main import program

if __name__ == "__main__":
    program()(prog_name="python -m bilstm_hmm")
