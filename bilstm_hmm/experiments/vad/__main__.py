"""Train and measure the speech detector: ``python -m bilstm_hmm.experiments.vad --help``."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from bilstm_hmm.atomic_files import atomic_write
from bilstm_hmm.data.errors import DataError
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.extras import require_extra
from bilstm_hmm.features.errors import AudioError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command, and return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        if options.output.exists() and not options.overwrite:
            raise ToolkitError(
                f"{options.output} exists; name another file, or add --overwrite to replace it."
            )
        (_train if options.command == "train" else _measure)(options)
    except (ToolkitError, DataError, AudioError) as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return 2
    print(options.output)
    return 0


def _train(options: argparse.Namespace) -> None:
    from bilstm_hmm.experiments.vad import train
    from bilstm_hmm.experiments.vad.material import read_noise, read_training_speech

    require_extra("train", "Training", ("keras", "tensorflow"))
    noises = [x for kind in read_noise(options.noise, options.folds).values() for x in kind]
    speech = read_training_speech(options.corpora, options.seed)
    _say(f"{options.scenes} scenes of {len(speech)} clips and {len(noises)} recordings of noise")
    examples = train.make_examples(speech, noises, options.scenes, options.seed, options.jobs)
    train.write_weights(
        options.output, train.train_network(examples, options.epochs, options.seed, _say)
    )


def _measure(options: argparse.Namespace) -> None:
    from bilstm_hmm.experiments.vad.measure import Extent, measure

    extent = Extent(options.clips, options.sounds, options.folds)
    document = measure(
        options.corpora, options.noise, extent, options.unfamiliar, options.silero, _say
    )
    atomic_write(options.output, json.dumps(document, indent=1) + "\n")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bilstm_hmm.experiments.vad",
        description="Train and measure the speech detector.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser("train", help="train the network, and write its weights")
    measure = commands.add_parser("measure", help="count false alarms and misses")
    for command, folds in ((train, "1,2,3,4"), (measure, "4")):
        command.formatter_class = argparse.ArgumentDefaultsHelpFormatter
        add = command.add_argument
        add("--corpora", type=Path, required=True, help="folder with a folder a corpus")
        add("--noise", type=Path, required=True, help="folder of ESC-10, with a folder a kind")
        add("--folds", type=_folds, default=folds, help="folds of ESC-10")
        add("--output", type=Path, required=True, help="file to write")
        add("--overwrite", action="store_true", help="replace the file")
    train.add_argument("--scenes", type=_count, default=12600, help="of 8 s each")
    train.add_argument("--epochs", type=_count, default=22, help="passes over them")
    train.add_argument("--seed", type=int, default=1, help="of the scenes and the network")
    train.add_argument("--jobs", type=_count, default=1, help="processes that make scenes")
    measure.add_argument("--clips", type=_count, default=400, help="of each corpus, at most")
    measure.add_argument("--sounds", type=_count, default=60, help="made ones of each kind")
    measure.add_argument(
        "--unfamiliar", type=Path, help="weights of a network trained without these folds"
    )
    measure.add_argument("--silero", action="store_true", help="measure Silero VAD as well")
    return parser


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def _folds(text: str) -> tuple[int, ...]:
    return tuple(int(fold) for fold in text.split(","))


if __name__ == "__main__":
    sys.exit(main())
