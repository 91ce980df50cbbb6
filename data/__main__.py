"""``python -m data``: the commands of ``bilstm-hmm corpora`` in a checkout."""

from bilstm_hmm.cli.main import CORPORA, CORPORA_HELP, group

if __name__ == "__main__":
    group(CORPORA, CORPORA_HELP)(prog_name="python -m data")
