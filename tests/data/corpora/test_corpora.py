"""One contract, held by every corpus in the registry."""

import shutil
from pathlib import Path, PurePosixPath

import pytest
from bilstm_hmm.data.clip import EMOTIONS
from bilstm_hmm.data.corpora.corpus import Corpus, scan
from bilstm_hmm.data.corpora.registry import CORPORA, get_corpus, scan_corpus
from bilstm_hmm.data.errors import DataError

by_corpus = pytest.mark.parametrize("name", CORPORA)
NAMED = tuple(name for name in CORPORA if name not in ("folders", "manifest"))
by_named_corpus = pytest.mark.parametrize("name", NAMED)

# What a layout of `conftest` loses to known faults, and how many files it has.
DROPPED = {"ravdess": 1, "crema-d": 7}
N_FILES = {
    "ravdess": 3 * 60,
    "ravdess-song": 3 * (5 * 2 + 1) * 4,
    "crema-d": 8 * 4 * 6 + 2,
    "emodb": 10 * 2 * 7,
    "savee": 4 * 7 * 2,
    "tess": 2 * 2 * 7,
    "nemo": 3 * 6 * 2,
    "emovo": 6 * 7 * 2,
    "folders": 4 * 2 * 2,
    "manifest": 4 * 2 * 2,
}


@by_corpus
def test_says_what_it_is(name: str) -> None:
    described = get_corpus(name)
    assert described.name == name
    assert described.title
    assert described.licence
    assert described.instructions
    assert described.language is None or len(described.language) == 2
    if name in NAMED:
        assert described.citation
        assert described.url.startswith("http")
    for known_hash in filter(None, (archive.known_hash for archive in described.archives)):
        algorithm, _, digest = known_hash.partition(":")
        assert len(bytes.fromhex(digest)) == {"md5": 16, "sha256": 32}[algorithm]


@by_corpus
def test_labels_are_canonical(name: str) -> None:
    assert set(get_corpus(name).labels.values()) <= set(EMOTIONS)


@by_corpus
def test_reads_its_own_layout(name: str, build_tree) -> None:
    described, root = get_corpus(name), build_tree(name)
    scan = scan_corpus(name, root)
    assert len(scan.clips) == N_FILES[name] - DROPPED.get(name, 0)
    assert len(scan.dropped) == DROPPED.get(name, 0)
    assert scan.ignored == 0
    assert [clip.name for clip in scan.clips] == sorted(clip.name for clip in scan.clips)
    for clip in scan.clips:
        assert clip.path.is_file()
        assert clip.emotion in described.labels.values()
        assert clip.speaker.startswith(f"{described.speaker_prefix or name}-")
        assert clip.corpus == name
        assert clip.language == described.language
    assert scan.clips == described.clips(root)


@by_named_corpus
def test_every_label_is_read(name: str, build_tree) -> None:
    scan = scan_corpus(name, build_tree(name))
    assert {clip.emotion for clip in scan.clips} == set(get_corpus(name).labels.values())


@by_corpus
def test_depth_and_extension_do_not_matter(name: str, build_tree) -> None:
    root = build_tree(name)
    plain = scan_corpus(name, root)
    shutil.rmtree(root)
    deep = scan_corpus(name, build_tree(name, below="a b/c/", extension=".FLAC"))
    assert [(c.emotion, c.speaker, c.sex, c.sentence) for c in deep.clips] == [
        (c.emotion, c.speaker, c.sex, c.sentence) for c in plain.clips
    ]


@by_named_corpus
def test_junk_is_ignored(name: str, build_tree) -> None:
    root = build_tree(name)
    clean = scan_corpus(name, root)
    (root / "notes.txt").write_text("no audio")
    (root / "README.wav").write_bytes(b"")
    (root / ".hidden").mkdir()
    for clip in clean.clips[:3]:
        (clip.path.parent / f"._{clip.path.name}").write_bytes(b"")
        (root / ".hidden" / clip.path.name).write_bytes(b"")
    (root / "loop").symlink_to(root, target_is_directory=True)
    (root / "self.wav").symlink_to(root / "self.wav")
    (root / "gone.wav").symlink_to(root / "nowhere.wav")
    dirty = scan_corpus(name, root)
    assert dirty.clips == clean.clips
    assert dirty.ignored == 1


@by_named_corpus
def test_second_copies_are_dropped(name: str, build_tree) -> None:
    root = build_tree(name)
    clean = scan_corpus(name, root)
    build_tree(name, below="zz_copy/", extension=".flac")
    doubled = scan_corpus(name, root)
    assert doubled.clips == clean.clips
    assert sum("a copy of" in item.reason for item in doubled.dropped) == len(clean.clips)


@by_named_corpus
def test_faults_are_known_by_name(name: str, build_tree) -> None:
    scan = scan_corpus(name, build_tree(name))
    dropped = {f.key for f in get_corpus(name).faults if f.treatment == "dropped"}
    assert {Path(item.name).stem for item in scan.dropped} == dropped
    assert not dropped & {clip.path.stem for clip in scan.clips}
    for fault in get_corpus(name).faults:
        if fault.treatment == "corrected":
            assert fault.key in {clip.path.stem for clip in scan.clips}


@by_named_corpus
def test_other_names_are_not_of_the_corpus(name: str) -> None:
    parse = get_corpus(name).parse
    for path in (
        "a.wav",
        "DC/b01.wav",
        "Actor_01/03-01-09-01-01-01-01.wav",
        "happy/1.wav",
        "OA_book_sad.wav",
        "EB0_calm_1.wav",
        "EB0_anger.wav",
        "rab-f4-b1.wav",
        "rab-f1.wav",
    ):
        assert parse(PurePosixPath(path)) is None


@pytest.mark.parametrize(
    ("actual", "name"),
    [(actual, name) for actual in NAMED for name in (*NAMED, "folders") if name != actual],
)
def test_another_corpus_is_recognised(actual: str, name: str, build_tree) -> None:
    root = build_tree(actual)
    with pytest.raises(DataError) as error:
        scan_corpus(name, root)
    assert get_corpus(actual).title in str(error.value)
    assert str(root) in str(error.value)
    assert "\n" not in str(error.value)


def test_unrecognisable_names(tmp_path: Path) -> None:
    (tmp_path / "x.wav").write_bytes(b"")
    with pytest.raises(DataError, match="none as in RAVDESS"):
        scan_corpus("ravdess", tmp_path)


@by_corpus
def test_missing_empty_and_wrong_roots(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        scan_corpus(name, tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"no audio files|does not exist"):
        scan_corpus(name, tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError):
        scan_corpus(name, tmp_path / "file")


def test_only_faulty_files(tmp_path: Path) -> None:
    (tmp_path / "1076_MTI_SAD_XX.wav").write_bytes(b"")
    with pytest.raises(DataError, match="known to be faulty"):
        scan_corpus("crema-d", tmp_path)


def test_unknown_corpus_names_those_there_are() -> None:
    with pytest.raises(DataError) as error:
        get_corpus("iemocap")
    assert all(name in str(error.value) for name in CORPORA)


def test_a_manifest_tells_nothing_by_names() -> None:
    assert get_corpus("manifest").parse(PurePosixPath("happy/ann/1.wav")) is None


def test_savee_flat_and_in_folders(tmp_path: Path) -> None:
    for path in ("DC_a01.wav", "x/KL/sa02.wav", "AudioData/JE/su03.wav", "XX/a01.wav", "n01.wav"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(b"")
    scan = scan_corpus("savee", tmp_path)
    assert [(clip.emotion, clip.speaker, clip.sex) for clip in scan.clips] == [
        ("surprised", "savee-JE", "male"),
        ("angry", "savee-DC", "male"),
        ("sad", "savee-KL", "male"),
    ]
    assert scan.ignored == 2


def test_nemo_sexes_stand_in_its_table(build_tree) -> None:
    root = build_tree("nemo")

    def sexes() -> set[tuple[str, str | None]]:
        return {(clip.speaker, clip.sex) for clip in scan_corpus("nemo", root).clips}

    given = {("nemo-EB0", "female"), ("nemo-KS0", "male"), ("nemo-MP0", "male")}
    assert sexes() == given
    assert {clip.sentence for clip in scan_corpus("nemo", root).clips} == {"1", "64"}
    table = root / "data.tsv"
    table.write_text("speaker_id\tgender\tage\n  KS0 \tmale\n\nEB0\t?\t27\n", encoding="utf-8")
    unknown = {("nemo-EB0", None), ("nemo-KS0", "male"), ("nemo-MP0", None)}
    assert sexes() == unknown
    # The nearest table counts; where there is none nearer, the one above.
    (root / "more").mkdir()
    (root / "samples").rename(root / "more" / "samples")
    (root / "more" / "data.tsv").write_text("speaker_id\tgender\nMP0\tmale\n", encoding="utf-8")
    assert sexes() == {("nemo-EB0", None), ("nemo-KS0", None), ("nemo-MP0", "male")}
    (root / "more" / "data.tsv").unlink()
    assert sexes() == unknown
    for content in (b"", b"\xff\xfe\x00", b"other\tcolumns\n1\t2\n"):
        table.write_bytes(content)
        assert {sex for _, sex in sexes()} == {None}
    table.unlink()
    assert {sex for _, sex in sexes()} == {None}


def test_emovo_says_speaker_sex_and_sentence_in_its_names(tmp_path: Path) -> None:
    for path in ("EMOVO/m2/SOR-m2-n5.opus", "gio-f3-b1.flac", "gio-f3-bb1.flac", "gio-x3-b1.flac"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(b"")
    scan = scan_corpus("emovo", tmp_path)
    assert [(clip.emotion, clip.speaker, clip.sex, clip.sentence) for clip in scan.clips] == [
        ("surprised", "emovo-m2", "male", "n5"),
        ("happy", "emovo-f3", "female", "b1"),
    ]
    assert scan.ignored == 2


def test_ravdess_video_and_song_are_not_speech(tmp_path: Path) -> None:
    for stem in ("03-01-05-02-02-01-12", "01-01-05-02-02-01-12", "02-01-05-02-02-01-12"):
        (tmp_path / f"{stem}.wav").write_bytes(b"")
    (tmp_path / "03-02-05-02-02-01-12.wav").write_bytes(b"")
    speech, song = scan_corpus("ravdess", tmp_path), scan_corpus("ravdess-song", tmp_path)
    assert [clip.path.stem for clip in speech.clips] == ["03-01-05-02-02-01-12"]
    assert speech.ignored == 3
    clip = speech.clips[0]
    assert (clip.emotion, clip.intensity, clip.sex) == ("angry", "strong", "female")
    assert clip.sentence == "Dogs are sitting by the door"
    # The same people sing: a split by speaker has to know.
    assert song.clips[0].speaker == clip.speaker
    assert song.clips[0].corpus == "ravdess-song"


def test_sexes(build_tree) -> None:
    emodb = {c.speaker[-2:]: c.sex for c in scan_corpus("emodb", build_tree("emodb")).clips}
    assert {s for s, sex in emodb.items() if sex == "male"} == {"03", "10", "11", "12", "15"}
    crema_d = get_corpus("crema-d")
    sexes = [
        parsed.sex
        for number in range(1000, 1100)
        if (parsed := crema_d.parse(PurePosixPath(f"{number}_DFA_ANG_XX.wav")))
    ]
    assert (sexes.count("male"), sexes.count("female")) == (48, 43)  # as Cao et al. (2014) say
    assert {c.sex for c in scan_corpus("tess", build_tree("tess")).clips} == {"female"}


def test_crema_d_intensity_and_cut_name(build_tree) -> None:
    clips = {clip.path.stem: clip for clip in scan_corpus("crema-d", build_tree("crema-d")).clips}
    assert clips["1001_IEO_ANG_HI"].intensity == "high"
    assert clips["1001_TIE_ANG_XX"].intensity is None
    assert clips["1040_ITH_SAD_X"].emotion == "sad"


def test_tess_misspelt_file_belongs_to_oaf(build_tree) -> None:
    clips = {clip.path.stem: clip for clip in scan_corpus("tess", build_tree("tess")).clips}
    assert clips["OA_bite_neutral"].speaker == "tess-OAF"
    assert clips["OA_bite_neutral"].sentence == "bite"


def test_a_linked_folder_keeps_its_real_name(build_tree, tmp_path: Path) -> None:
    root = build_tree("emodb")
    (root / "also").symlink_to(root / "wav", target_is_directory=True)
    assert all(clip.name.startswith("wav/") for clip in scan_corpus("emodb", root).clips)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "link").symlink_to(root / "wav", target_is_directory=True)
    assert all(clip.name.startswith("link/") for clip in scan_corpus("emodb", elsewhere).clips)


def test_scan_does_not_need_the_registry(build_tree) -> None:
    described: Corpus = get_corpus("savee")
    assert scan(described, build_tree("savee")).clips == described.clips(build_tree("savee"))
