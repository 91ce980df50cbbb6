"""``python -m features``: the commands of ``bilstm-hmm encoders`` in a checkout."""

from bilstm_hmm.cli.main import ENCODERS, ENCODERS_HELP, group

if __name__ == "__main__":
    group(ENCODERS, ENCODERS_HELP)(prog_name="python -m features")
