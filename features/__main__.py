"""The commands of ``bilstm-hmm encoders``.

``python -m features`` in a checkout, ``python -m bilstm_hmm.features`` there and once installed.
"""

from bilstm_hmm.cli.main import ENCODERS, ENCODERS_HELP, group

if __name__ == "__main__":
    group(ENCODERS, ENCODERS_HELP)()
