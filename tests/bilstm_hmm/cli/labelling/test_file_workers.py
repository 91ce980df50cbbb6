"""Many files on several cores: what one core says, in the same order."""

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing import active_children
from pathlib import Path

import numpy as np
import pytest
import soundfile
from bilstm_hmm.features.audio.inputs import file_input

from bilstm_hmm.cli.labelling import file_workers as workers
from bilstm_hmm.cli.labelling.file_workers import predict_files
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.inference.model import Model
from bilstm_hmm.inference.voice.recordings import LabelInput
from bilstm_hmm.prediction import Failure


@pytest.fixture
def files(synthetic: Path, tmp_path: Path) -> list[Path]:
    """Clips with a file in the middle that is none."""
    junk = tmp_path / "junk.wav"
    junk.write_bytes(b"not a recording")
    clips = sorted(synthetic.rglob("*.wav"))
    return [*clips[:37], junk, *clips[37:80]]


def test_processes_say_what_one_says(
    model: Model, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "FILES_PER_BATCH", 7)
    alone = list(predict_files(model, files, 1, curves=True))
    together = list(predict_files(model, files, 2, curves=True))
    # Not to the last bit: where an array lies in memory decides how its sums are rounded.
    for one, other in zip(together, alone, strict=True):
        if isinstance(one, Failure) or isinstance(other, Failure):
            assert one == other
            continue
        assert (one.file, one.emotion) == (other.file, other.emotion)
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-5)
        for mine, theirs in zip(one.segments, other.segments, strict=True):
            assert replace(mine, confidence=0.0) == replace(theirs, confidence=0.0)
            assert mine.confidence == pytest.approx(theirs.confidence, abs=1e-5)
        assert one.curves is not None
        assert other.curves is not None
        np.testing.assert_allclose(one.curves.probabilities, other.curves.probabilities, atol=1e-5)
        np.testing.assert_array_equal(one.curves.times, other.curves.times)
    assert [result.file for result in together] == [str(path) for path in files]
    assert [isinstance(result, Failure) for result in together].index(True) == 37


def test_results_come_before_all_files_are_read(
    model: Model, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []

    class Listing(list[Path]):
        def __iter__(self) -> Iterator[Path]:
            for path in super().__iter__():
                read.append(path)
                yield path

    monkeypatch.setattr(workers, "FILES_PER_BATCH", 2)
    for jobs in (1, 2):
        read.clear()
        results = predict_files(model, Listing(files), jobs)
        next(results)
        assert 2 <= len(read) <= 36
        results.close()


def test_large_files_are_batches_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "BYTES_PER_BATCH", 30_000)
    files = []
    for number, seconds in enumerate([1.0, 0.1, 0.1, 0.1, 0.1, 2.0, 0.1]):
        path = tmp_path / f"{number}.wav"
        soundfile.write(path, np.zeros(round(seconds * 16000)), 16000)
        files.append(path)
    files.append(tmp_path / "gone.wav")
    batches = workers._batches(LabelInput(file_input(file, 16000)) for file in files)
    stems = [[Path(given.source.file).stem for given in batch] for batch in batches]
    chunks = [[int(stem) if stem != "gone" else -1 for stem in of_batch] for of_batch in stems]
    assert chunks == [[0], [1, 2, 3, 4, 5], [6, -1]]


def test_a_process_that_is_killed_is_told_of(
    model: Model, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "FILES_PER_BATCH", 2)
    results = predict_files(model, files, 2)
    next(results)
    until = time.monotonic() + 60.0
    while not active_children():
        assert time.monotonic() < until
        time.sleep(0.01)
    for child in active_children():
        os.kill(child.pid or 0, signal.SIGKILL)
    with pytest.raises(ToolkitError, match="was killed, perhaps for want of memory"):
        list(results)
