from pathlib import Path

import numpy as np
import pytest
import soundfile
from bilstm_hmm.data.corpora.registry import get_corpus, scan_corpus
from bilstm_hmm.data.corpora.summary import summarise


@pytest.fixture
def tess(tmp_path: Path) -> Path:
    for stem, rate, channels in (
        ("OAF_back_sad", 24414, 1),
        ("OA_bite_neutral", 24414, 1),
        ("YAF_bar_ps", 96000, 2),
    ):
        soundfile.write(tmp_path / f"{stem}.wav", np.zeros((rate // 2, channels)), rate)
    (tmp_path / "YAF_back_sad.wav").write_bytes(b"RIFF broken")
    (tmp_path / "YAF_bath_sad.wav").write_bytes(b"")
    (tmp_path / "other.wav").write_bytes(b"")
    return tmp_path


def test_counts_and_headers(tess: Path) -> None:
    summary = summarise(get_corpus("tess"), scan_corpus("tess", tess))
    assert summary.corpus == "tess"
    assert summary.n_clips == 5
    assert summary.emotions == {"neutral": 1, "sad": 3, "surprised": 1}
    assert summary.speakers == {"tess-OAF": 2, "tess-YAF": 3}
    assert summary.hours == pytest.approx(1.5 / 3600)
    assert summary.rates == {24414: 2, 96000: 1}
    assert summary.channels == {1: 2, 2: 1}
    assert [fault.key for fault in summary.faults] == ["OA_bite_neutral"]
    assert summary.ignored == 1
    assert [item.name for item in summary.unreadable] == ["YAF_back_sad.wav", "YAF_bath_sad.wav"]
    assert all(item.reason for item in summary.unreadable)


def test_a_file_that_is_gone_is_unreadable(tess: Path) -> None:
    scanned = scan_corpus("tess", tess)
    (tess / "OAF_back_sad.wav").unlink()
    assert "OAF_back_sad.wav" in [
        item.name for item in summarise(get_corpus("tess"), scanned).unreadable
    ]
