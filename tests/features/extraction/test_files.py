import numpy as np
import pytest
import soundfile
from bilstm_hmm.features.errors import AudioError
from bilstm_hmm.features.extraction.cache import FrameCache
from bilstm_hmm.features.extraction.files import extract_file, extract_files
from bilstm_hmm.features.settings.extraction import FeatureSettings
from bilstm_hmm.features.spectral.filterbanks import build_filter_banks

SETTINGS = FeatureSettings(n_mfcc=13)
BANKS = build_filter_banks(SETTINGS)


@pytest.fixture
def paths(tmp_path, voice):
    folder = tmp_path / "clips"
    folder.mkdir()
    good = [folder / f"{k}.wav" for k in range(5)]
    for k, path in enumerate(good):
        soundfile.write(path, voice[k * 1000 :], 16000)
    (folder / "bad.wav").write_bytes(b"text")
    return [*good[:2], folder / "bad.wav", *good[2:], folder / "missing.wav"]


@pytest.mark.parametrize("jobs", [1, 3])
@pytest.mark.parametrize("cached", [False, True])
def test_frames_come_in_order_with_errors_in_their_places(paths, tmp_path, jobs, cached):
    cache = FrameCache(tmp_path / "cache") if cached else None
    seen: list[tuple[int, int]] = []
    results = list(
        extract_files(
            paths, SETTINGS, BANKS, cache, jobs=jobs, progress=lambda *counts: seen.append(counts)
        )
    )
    assert seen == [(k, 7) for k in range(1, 8)]
    for path, result in zip(paths, results, strict=True):
        if path.name in {"bad.wav", "missing.wav"}:
            assert isinstance(result, AudioError)
            assert str(path) in str(result)
        else:
            assert not isinstance(result, AudioError)
            np.testing.assert_array_equal(result.values, extract_file(path, SETTINGS, BANKS).values)
    assert isinstance(results[-1], AudioError)
    assert "does not exist" in str(results[-1])


def test_a_second_run_extracts_nothing(paths, tmp_path, monkeypatch):
    cache = FrameCache(tmp_path / "cache")
    first = list(extract_files(paths[:2], SETTINGS, BANKS, cache))

    def fail(*args):
        raise AssertionError("extracted again")

    monkeypatch.setattr("bilstm_hmm.features.extraction.files.extract_file", fail)
    second = list(extract_files(paths[:2], SETTINGS, BANKS, cache))
    for one, other in zip(first, second, strict=True):
        assert not isinstance(one, AudioError)
        assert not isinstance(other, AudioError)
        np.testing.assert_array_equal(one.values, other.values)
        assert (one.rate, one.start) == (other.rate, other.start)
    with pytest.raises(AssertionError, match="extracted again"):
        list(extract_files(paths[:2], SETTINGS.model_copy(update={"deltas": 0}), BANKS, cache))
