"""Search for better values of a recipe: ``python tune.py --config config.yaml --trials 50``."""

from bilstm_hmm.cli.main import command, tune

if __name__ == "__main__":
    command(tune)()
