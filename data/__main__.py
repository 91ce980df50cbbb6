"""The commands of ``bilstm-hmm corpora``.

``python -m data`` in a checkout, ``python -m bilstm_hmm.data`` there and once installed.
"""

from bilstm_hmm.cli.main import CORPORA, CORPORA_HELP, group

if __name__ == "__main__":
    group(CORPORA, CORPORA_HELP)()
