"""Label recordings: ``python predict.py --file x.wav`` or ``--folder DIR``."""

from bilstm_hmm.cli.main import command, predict

if __name__ == "__main__":
    command(predict)()
