"""Measure the toolkit and its peers: ``python -m benchmarks --corpora DIR``."""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from bilstm_hmm.data.errors import DataError
from bilstm_hmm.features.errors import AudioError

from benchmarks.machine import machine_lines
from benchmarks.setting import REPOSITORY, Setting
from benchmarks.table import Section, document
from bilstm_hmm.atomic_files import atomic_write
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.inference.bundle_files import find_bundle, read_bundle

SCENARIOS = ("start", "warm", "folder", "stages", "long", "stream", "epoch", "agreement")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the scenarios, write their tables, and return the exit status."""
    options = _parser().parse_args(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        names = _scenarios(options.only)
        model = find_bundle(options.model).resolve()
        machine = [*machine_lines(), f"Model: {read_bundle(model).model_id}"]
        with tempfile.TemporaryDirectory(prefix="benchmarks-") as scratch:
            setting = Setting(
                corpora=options.corpora.resolve(),
                model=model,
                recipe=options.recipe,
                epoch_corpora=tuple(options.epoch_corpora.split(",")),
                clips=options.clips,
                slow_clips=options.slow_clips,
                repeats=options.repeats,
                seconds=options.seconds,
                epochs=options.epochs,
                seed=options.seed,
                scratch=Path(scratch),
            )
            sections = _run(names, setting)
        text = document(machine, sections)
        atomic_write(options.output, text)
    except (ToolkitError, DataError, AudioError) as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return 2
    print(text, end="")
    return 0


def _run(names: Sequence[str], setting: Setting) -> list[Section]:
    sections = []
    for name in names:
        print(f"{name} ...", file=sys.stderr)
        sections.append(import_module(f"benchmarks.{name}").run(setting))
    return sections


def _scenarios(only: str | None) -> list[str]:
    named = SCENARIOS if only is None else only.split(",")
    unknown = sorted(set(named) - set(SCENARIOS))
    if unknown:
        raise ToolkitError(
            f"--only: there is no {', '.join(unknown)}; choose from {','.join(SCENARIOS)}."
        )
    return [name for name in SCENARIOS if name in named]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = parser.add_argument
    add("--corpora", type=Path, required=True, help="folder with a folder a corpus")
    add("--model", type=Path, default=REPOSITORY / "models" / "default", help="a bundle")
    add("--recipe", default="config.yaml", help="whose epoch is measured [config.yaml]")
    add(
        "--epoch-corpora",
        default="ravdess,crema-d,emodb",
        help="on which, + pools them [%(default)s]",
    )
    add("--only", help=f"scenarios, some of {','.join(SCENARIOS)}")
    add("--clips", type=_count, default=1000, help="clips in the folder [1000]")
    add("--slow-clips", type=_count, default=200, help="how many of them the peers label [200]")
    add("--repeats", type=_count, default=5, help="turns of each comparison [5]")
    add("--seconds", type=_count, default=7200, help="of the long recording [7200]")
    add("--epochs", type=_count, default=5, help="of each training [5]")
    add("--seed", type=int, default=1, help="of the draw of clips [1]")
    add("--output", type=Path, default=REPOSITORY / "benchmarks" / "results.md", help="table")
    return parser


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
