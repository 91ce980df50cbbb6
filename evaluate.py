"""Evaluate a recipe by a protocol: ``python evaluate.py --protocol ravdess-emobox``."""

from bilstm_hmm.cli.main import command, evaluate

if __name__ == "__main__":
    command(evaluate)()
