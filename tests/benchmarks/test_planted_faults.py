"""One fault of each sort, planted in synthetic clips: a check names them all."""

from collections import Counter
from pathlib import Path

import numpy as np
from bilstm_hmm.data.corpora.registry import scan_corpus

from benchmarks.corpus_check import _checked, _count, _plant_folders
from benchmarks.label_issues import flip, measure
from benchmarks.planted_faults import PLANTERS, clean_bed, manifest_lines, plant


def test_one_fault_of_each_sort_is_found(synthetic: Path, tmp_path: Path) -> None:
    clips = scan_corpus("folders", synthetic).clips
    bed = clean_bed(clips, np.random.default_rng(1))
    plant(bed, dict.fromkeys(PLANTERS, 1), first=0)
    for item in bed.items:
        item.write(tmp_path)
    (tmp_path / "manifest.csv").write_text("\n".join(manifest_lines(bed)), encoding="utf-8")
    found: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    _count(bed.planted, _checked(tmp_path, 1), found, missed)
    assert (sum(found.values()), dict(missed)) == (len(PLANTERS), {})


def test_folders_out_of_place_are_found(synthetic: Path, tmp_path: Path) -> None:
    clips = scan_corpus("folders", synthetic).clips
    planted = _plant_folders(tmp_path, [clips[i] for i in range(0, len(clips), 2)], 5)
    found: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    _count(planted, _checked(tmp_path, 1), found, missed)
    assert (sum(found.values()), dict(missed)) == (5, {})


def test_the_measure_of_a_page_counts_what_was_flipped() -> None:
    labels = np.arange(100) % 4
    flipped = flip(labels, 4, 0.1, seed=0)
    is_flipped = flipped != labels
    assert is_flipped.sum() == 10
    # Who knows the true labels finds all of the flipped ones, and nothing else.
    knows = 0.97 * np.eye(4)[labels] + 0.01
    assert measure(knows, flipped, is_flipped) == (100.0, 100.0, 100.0, 100.0)
