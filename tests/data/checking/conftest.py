"""Collections written by hand, and sounds as they would be measured."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bilstm_hmm.data.checking.collection import Collection, read_collection
from bilstm_hmm.data.checking.sound import Sound

GOOD = Sound(
    seconds=2.0,
    rate=16000,
    n_channels=1,
    peak=0.5,
    speech_seconds=1.5,
    is_clipped=False,
    damage=None,
    digest="",
    fingerprint=np.zeros(0, np.uint32),
)


def good_sounds(count: int) -> list[Sound]:
    """Return sounds without a fault, each a recording of its own."""
    rng = np.random.default_rng(0)
    prints = rng.integers(1, 2**32, size=(count, 80), dtype=np.uint32)
    return [replace(GOOD, digest=str(number), fingerprint=one) for number, one in enumerate(prints)]


@pytest.fixture
def tree(tmp_path: Path) -> Callable[[Sequence[str]], Collection]:
    """Return a function that makes a tree of empty files, by their names, and reads it."""

    def make(names: Sequence[str]) -> Collection:
        for name in names:
            path = tmp_path / "clips" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"")
        return read_collection(tmp_path / "clips")

    return make


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., Collection]:
    """Return a function that writes a manifest of lines and reads it; the files are made."""

    def make(*lines: str, header: str = "path,emotion,speaker,split", **options: Any) -> Collection:
        for line in lines:
            name = line.partition(",")[0]
            if not name.startswith("missing"):
                (tmp_path / name).write_bytes(b"")
        manifest = tmp_path / "manifest.csv"
        manifest.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
        return read_collection(manifest, **options)

    return make
