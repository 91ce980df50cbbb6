import errno
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
from bilstm_hmm.features.extraction import cache as cache_module
from bilstm_hmm.features.extraction.cache import FrameCache, extraction_key, features_version
from bilstm_hmm.features.frames import Frames
from bilstm_hmm.features.settings.extraction import FeatureSettings
from bilstm_hmm.features.spectral.filterbanks import FilterBanks, build_filter_banks

FRAMES = Frames(np.arange(12, dtype=np.float32).reshape(4, 3), 100.0, 0.125)
KEY = "ab" + "0" * 62


def same(one, other):
    return (
        np.array_equal(one.values, other.values)
        and one.values.dtype == other.values.dtype
        and (one.rate, one.start) == (other.rate, other.start)
    )


def test_what_was_put_is_got_by_another_cache_of_the_folder(tmp_path):
    assert FrameCache(tmp_path / "x").get(KEY) is None
    FrameCache(tmp_path / "x").put(KEY, FRAMES)
    frames = FrameCache(tmp_path / "x").get(KEY)
    assert frames is not None
    assert same(frames, FRAMES)
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


def test_the_key_is_of_the_content_and_of_all_that_frames_depend_on(tmp_path, monkeypatch):
    one, copy, other = tmp_path / "1", tmp_path / "2", tmp_path / "3"
    one.write_bytes(b"x" * 3_000_000)
    copy.write_bytes(b"x" * 3_000_000)
    other.write_bytes(b"x" * 2_999_999 + b"y")
    cache = FrameCache(tmp_path)
    assert cache.key(one, "e") == cache.key(copy, "e")
    assert len({cache.key(one, "e"), cache.key(other, "e"), cache.key(one, "f")}) == 3

    settings = FeatureSettings()
    banks = build_filter_banks(settings)
    plain = extraction_key(settings, banks)
    assert plain == extraction_key(FeatureSettings(normalisation="clip"), banks)
    assert plain != extraction_key(FeatureSettings(deltas=2), banks)
    assert plain != extraction_key(settings, FilterBanks(mel=banks.mel * 2, mel_dct=banks.mel_dct))
    monkeypatch.setattr(cache_module, "features_version", lambda: "other code")
    assert plain != extraction_key(settings, banks)


def test_a_change_of_any_module_but_those_without_a_say_makes_entries_stale(tmp_path, monkeypatch):
    folder = tmp_path / "features"
    shutil.copytree(Path(cache_module.__file__).parents[1], folder)
    monkeypatch.setattr(cache_module, "__file__", str(folder / "extraction" / "cache.py"))

    def version() -> str:
        features_version.cache_clear()
        return features_version()

    before = features_version()
    assert version() == before
    for path in sorted(folder.rglob("*.py")):
        source = path.read_bytes()
        path.write_bytes(source.replace(b"\n", b"\r\n"))
        assert version() == before
        path.write_bytes(source + b"\nMORE = 1\n")
        without_say = path.name == "__main__.py" or path.parent.name in {
            "augmentation",
            "degradation",
        }
        assert (version() == before) is without_say, path
        path.write_bytes(source)
    features_version.cache_clear()


@pytest.mark.parametrize("damage", ["empty", "text", "half", "flipped", "other", "double"])
def test_an_entry_that_cannot_be_read_is_missing_and_is_written_again(tmp_path, damage):
    cache = FrameCache(tmp_path)
    cache.put(KEY, FRAMES)
    (entry,) = tmp_path.rglob("*.npz")
    data = entry.read_bytes()
    if damage == "empty":
        entry.write_bytes(b"")
    elif damage == "text":
        entry.write_bytes(b"no numbers here")
    elif damage == "half":
        entry.write_bytes(data[: len(data) // 2])
    elif damage == "flipped":
        offset = data.index(FRAMES.values.tobytes())
        entry.write_bytes(data[:offset] + b"\xff" + data[offset + 1 :])
    elif damage == "other":
        np.savez(entry, something=np.ones(3))
    else:
        np.savez(entry, values=np.ones((3, 2)), timing=np.array([100.0, 0.0]))
    assert cache.get(KEY) is None
    cache.put(KEY, FRAMES)
    frames = cache.get(KEY)
    assert frames is not None
    assert same(frames, FRAMES)


def test_a_full_disk_is_noted_once_and_nothing_more_is_written(tmp_path, monkeypatch, caplog):
    calls = []

    def full(path, **arrays):
        calls.append(path)
        path.write_bytes(b"half an entry")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    cache = FrameCache(tmp_path)
    cache.put(KEY, FRAMES)
    cache.put(KEY, FRAMES)
    assert len(calls) == 1
    assert cache.note is not None
    assert "No space left on device" in cache.note
    assert [record.getMessage() for record in caplog.records] == [cache.note]
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]
    assert cache.get(KEY) is None


def test_a_folder_that_cannot_be_made_is_noted(tmp_path):
    (tmp_path / "x").write_bytes(b"a file")
    cache = FrameCache(tmp_path / "x")
    assert cache.get(KEY) is None
    cache.put(KEY, FRAMES)
    assert cache.note is not None


def test_many_writers_of_one_entry_leave_a_whole_one(tmp_path):
    def work():
        cache = FrameCache(tmp_path)
        for _ in range(20):
            cache.put(KEY, FRAMES)
            frames = cache.get(KEY)
            results.append(frames is not None and same(frames, FRAMES))

    results: list[bool] = []
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 80
    assert all(results)
    assert [p.suffix for p in tmp_path.rglob("*") if p.is_file()] == [".npz"]
