"""Train a recogniser: ``python train.py --config config.yaml --set data.root=DIR``."""

from bilstm_hmm.cli.main import command, train

if __name__ == "__main__":
    command(train)()
