"""The official releases, where they are at hand: EMOTION_CORPORA is the folder that has them."""

import os
from collections import Counter
from pathlib import Path

import pytest
from bilstm_hmm.data.corpora.registry import CORPORA, get_corpus, scan_corpus
from bilstm_hmm.data.corpora.summary import summarise
from bilstm_hmm.data.splits.folds import protocol_folds
from bilstm_hmm.data.splits.inner_folds import inner_folds
from bilstm_hmm.data.splits.protocols import default_protocol

CORPORA_FOLDER = os.environ.get("EMOTION_CORPORA", "")
pytestmark = pytest.mark.skipif(not CORPORA_FOLDER, reason="EMOTION_CORPORA is not set")

# Files of the official release (CREMA-D may be there in part), and how many are faulty.
RELEASES = {
    "ravdess": (1440, 1),
    "emodb": (535, 0),
    "tess": (2800, 0),
    "crema-d": (7442, 7),
    "nemo": (4481, 0),
}


@pytest.fixture(params=RELEASES)
def name(request: pytest.FixtureRequest) -> str:
    if not (Path(CORPORA_FOLDER) / request.param).is_dir():
        pytest.skip(f"no folder {request.param} in EMOTION_CORPORA")
    return str(request.param)


def test_counts(name: str) -> None:
    scan = scan_corpus(name, Path(CORPORA_FOLDER) / name)
    n_files, n_faulty = RELEASES[name]
    assert scan.ignored == 0
    assert len(scan.dropped) <= n_faulty
    if name == "crema-d":
        assert 0 < len(scan.clips) + len(scan.dropped) <= n_files
    else:
        assert len(scan.clips) + len(scan.dropped) == n_files
        assert len(scan.dropped) == n_faulty
    files = (p for p in (Path(CORPORA_FOLDER) / name).rglob("*") if p.is_file())
    on_disk = [p for p in files if p.name != "data.tsv"]  # nEMO's table
    assert len(scan.clips) + len(scan.dropped) == len(on_disk)
    assert {clip.emotion for clip in scan.clips} == set(get_corpus(name).labels.values())
    assert None not in {clip.sex for clip in scan.clips}
    if name == "nemo":
        sexes = {clip.speaker: clip.sex for clip in scan.clips}.values()
        assert Counter(sexes) == {"female": 4, "male": 5}


def test_each_is_found_among_the_others(name: str) -> None:
    alone = scan_corpus(name, Path(CORPORA_FOLDER) / name)
    among = scan_corpus(name, Path(CORPORA_FOLDER))
    assert [clip.path for clip in among.clips] == [clip.path for clip in alone.clips]
    assert among.ignored > 0


def test_no_file_is_of_two_corpora() -> None:
    named = [n for n in CORPORA if n not in ("folders", "manifest")]
    clips = [c for n in named if n in RELEASES for c in scan_corpus(n, Path(CORPORA_FOLDER)).clips]
    assert max(Counter(clip.path for clip in clips).values()) == 1


def test_default_protocol(name: str) -> None:
    clips = scan_corpus(name, Path(CORPORA_FOLDER) / name).clips
    protocol = default_protocol(name)
    folds = protocol_folds(protocol.name, clips, seed=0)
    assert Counter(i for fold in folds for i in fold.test) == Counter(range(len(clips)))
    assert protocol.classes is not None
    for fold in folds:
        train, test = ({clips[i].speaker for i in side} for side in (fold.train, fold.test))
        assert not train & test
        assert {clips[i].emotion for i in fold.train} == set(protocol.classes)
    inner = inner_folds(clips, folds[0].train, 5, 0)
    assert inner.grouped_by == ("sentences" if name == "tess" else "speakers")
    sizes = [len(held_out) for _, held_out in inner.folds]
    assert max(sizes) < (2.1 if name == "nemo" else 1.7) * min(sizes)  # nEMO: eight in five


def test_headers(name: str) -> None:
    summary = summarise(get_corpus(name), scan_corpus(name, Path(CORPORA_FOLDER) / name))
    assert not summary.unreadable
    assert sum(summary.rates.values()) == summary.n_clips
    assert 0.1 < summary.hours < 10
