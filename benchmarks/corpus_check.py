"""What ``corpora check`` finds: ``python -m benchmarks.corpus_check --corpora DIR``.

Faults of every kind are planted in copies of real clips, of which none was in any fault before; how
many of them a finding of the right kind names is the first figure. The second is how many clips of
the corpora themselves, as they are published, a fault names.
"""

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import soundfile
from bilstm_hmm.data.checking.check import Report, check
from bilstm_hmm.data.checking.collection import read_collection
from bilstm_hmm.data.checking.finding import KINDS
from bilstm_hmm.data.clip import Clip
from bilstm_hmm.data.corpora.registry import CORPORA, scan_corpus
from bilstm_hmm.features.audio.reading import read_audio
from numpy.random import Generator

from benchmarks.planted_faults import (
    PLANTERS,
    RATE,
    Planted,
    clean_bed,
    manifest_lines,
    plant,
)
from bilstm_hmm.experiments.corpus_check.sounds import measure_sounds

_TREE = 25
_PER_SPEAKER, _N_SPEAKERS = 20, 12


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--corpora", type=Path, required=True, help="folder of corpora")
    parser.add_argument("--faults", type=int, default=200, help="planted faults [200]")
    parser.add_argument("--seed", type=int, default=1, help="of what is planted where [1]")
    parser.add_argument("--jobs", type=int, help="processes (default: all cores)")
    options = parser.parse_args(arguments)
    rng = np.random.default_rng(options.seed)
    planted, wrong, clean = _plant_all(options.corpora, options.faults, rng, options.jobs)
    print(f"planted: {sum(planted.values())} of {options.faults} found")
    for what, found in sorted(wrong.items()):
        print(f"    {what}: {found}")
    print(f"clean clips among them that a fault names: {clean}")
    _check_corpora(options.corpora, options.jobs)


def _plant_all(
    corpora: Path, count: int, rng: Generator, jobs: int | None
) -> tuple[Counter[str], Counter[str], str]:
    """Plant faults in manifests and folders; return how many were found, and which were not."""
    found: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    n_alarms = n_clean = 0
    names = [name for name in CORPORA if (corpora / name).is_dir()]
    # Each corpus is a collection, and each has its share of every kind.
    kinds = [what for turn in range(count) for what in PLANTERS][: count - _TREE]
    for number, name in enumerate(names):
        clips = _draw(scan_corpus(name, corpora / name).clips, rng)
        share = Counter(kinds[number :: len(names)])
        with tempfile.TemporaryDirectory(prefix="check-") as folder:
            root = Path(folder)
            if number == 0:
                faults = _plant_folders(root / "tree", clips[:80], _TREE)
                _count(faults, _checked(root / "tree", jobs), found, missed)
            bed = clean_bed(clips, rng)
            plant(bed, dict(share), first=2 * number)
            for item in bed.items:
                item.write(root / "list")
            lines = "\n".join(manifest_lines(bed)) + "\n"
            (root / "list" / "manifest.csv").write_text(lines, encoding="utf-8")
            report = _checked(root / "list", jobs)
            _count(bed.planted, report, found, missed)
            untouched = {item.name for item in bed.items[: bed.n_clean]} - bed.used
            n_clean += len(untouched)
            leaking = {name for f in report.faults if f.kind == "speaker-leak" for name in f.clips}
            n_alarms += len(untouched & report.faulty_clips - leaking)
    return found, missed, f"{n_alarms} of {n_clean}"


def _draw(clips: Sequence[Clip], rng: Generator) -> list[Clip]:
    """Return some clips of some speakers, shuffled."""
    speakers = sorted({clip.speaker for clip in clips})[:_N_SPEAKERS]
    each = max(_PER_SPEAKER, 150 // len(speakers))
    drawn = []
    for speaker in speakers:
        theirs = [clip for clip in clips if clip.speaker == speaker]
        drawn += [theirs[int(i)] for i in rng.permutation(len(theirs))[:each]]
    return [drawn[int(i)] for i in rng.permutation(len(drawn))]


def _plant_folders(root: Path, clips: Sequence[Clip], count: int) -> list[Planted]:
    """Write a tree of folders an emotion and speaker, with folders and files that are out of place.

    They are named like speakers, have speakers' names, or files named by emotion; the files have
    no label, or are of a format that no training reads.
    """
    planted = []
    for number, clip in enumerate(clips):
        samples = read_audio(clip.path, RATE).samples
        if number < len(clips) - count:
            name = f"{clip.emotion}/{clip.speaker}/{number}.wav"
        else:
            turn = number % 5
            folder = f"{('speaker_', 'Actor ', 'S')[number % 3]}{number}"
            places = (
                (f"{folder}/{number}.wav", "speaker-folder", folder),
                (f"ann{number}/{clip.emotion}_1.wav", "speaker-folder", f"ann{number}"),
                (f"{clips[number % 20].speaker}/{number}.wav", "", clips[number % 20].speaker),
                (f"loose{number}.wav", "unlabelled", f"loose{number}.wav"),
                (f"{clip.emotion}/{number}.m4a", "format", f"{clip.emotion}/{number}.m4a"),
            )
            name, kind, named = places[turn]
            planted.append(Planted("folders and files", (kind or "speaker-folder",), named))
            if turn == 1:
                other = next(c.emotion for c in clips if c.emotion != clip.emotion)
                _write(root / f"ann{number}/{other}_2.wav", samples[::-1])
            if turn == 4:
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_bytes(b"\0\0\0\x20ftypM4A " + bytes(100))
                continue
        _write(root / name, samples)
    return planted


def _write(path: Path, samples: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, RATE)


def _checked(root: Path, jobs: int | None) -> Report:
    collection = read_collection(root)
    return check(collection, measure_sounds([e.clip.path for e in collection.entries], jobs))


def _count(
    planted: Iterable[Planted], report: Report, found: Counter[str], missed: Counter[str]
) -> None:
    for fault in planted:
        named = any(
            finding.kind in fault.kinds and fault.name in (finding.subject, *finding.clips)
            for finding in report.findings
        )
        (found if named else missed)[f"{fault.what} ({fault.name})" if not named else "all"] += 1


def _check_corpora(corpora: Path, jobs: int | None) -> None:
    n_faulty = n_clips = 0
    for name in (name for name in CORPORA if (corpora / name).is_dir()):
        started = time.perf_counter()
        report = _checked(corpora / name, jobs)
        seconds = time.perf_counter() - started
        by_kind = Counter(fault.kind for fault in report.faults)
        said = ", ".join(f"{KINDS[kind].title.lower()} {n}" for kind, n in by_kind.items())
        print(
            f"{name}: {report.n_clips} clips in {seconds:.0f} s, faults in "
            f"{len(report.faulty_clips)} ({said or 'none'})"
        )
        for fault in report.faults:
            if fault.kind != "clipped":
                print(f"    {fault.kind}: {fault.subject} ({fault.message})")
        n_faulty += len(report.faulty_clips)
        n_clips += report.n_clips
    print(f"all: {n_faulty} of {n_clips} clips, {100 * n_faulty / n_clips:.2f} %")


if __name__ == "__main__":
    main()
