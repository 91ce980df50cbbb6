"""Folders and manifests: corpora that users make themselves."""

from pathlib import Path, PurePosixPath

import pytest
from bilstm_hmm.data.clip import EMOTIONS
from bilstm_hmm.data.corpora.corpus import has_known_speaker
from bilstm_hmm.data.corpora.emotion_names import canonical_emotion
from bilstm_hmm.data.corpora.registry import get_corpus, scan_corpus
from bilstm_hmm.data.errors import DataError
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("word", "emotion"),
    [
        ("Happiness", "happy"),
        (" joy ", "happy"),
        ("ANGER", "angry"),
        ("Pleasant Surprise", "surprised"),
        ("pleasant-surprise", "surprised"),
        ("fear", "fearful"),
        ("boredom", "bored"),
        ("excited", None),
        ("", None),
    ],
)
def test_synonyms(word: str, emotion: str | None) -> None:
    assert canonical_emotion(word) == emotion


@settings(deadline=None)
@given(st.sampled_from(EMOTIONS), st.sampled_from([str.upper, str.title, str.strip]))
def test_canonical_names_stand_for_themselves(emotion: str, change) -> None:
    assert canonical_emotion(change(emotion)) == emotion


@pytest.mark.parametrize(
    ("path", "emotion", "speaker"),
    [
        ("happy/x.wav", "happy", None),
        ("happy/ann/x.wav", "happy", "ann"),
        ("happy/ann/day1/x.wav", "happy", "ann"),
        ("all/train/Sadness/x.wav", "sad", None),
        ("happy/sad/x.wav", "sad", None),
        ("excited/ann/x.wav", "excited", "ann"),
        ("anger/test/bob/x.wav", "angry", "bob"),
        ("anger/wav/x.wav", "angry", None),
    ],
)
def test_folder_rules(path: str, emotion: str, speaker: str | None) -> None:
    parsed = get_corpus("folders").parse(PurePosixPath(path))
    assert parsed is not None
    assert (parsed.emotion, parsed.speaker) == (emotion, speaker)


def test_a_file_outside_any_folder_has_no_label(tmp_path: Path) -> None:
    (tmp_path / "sad").mkdir()
    for name in ("x.wav", "sad/y.wav"):
        (tmp_path / name).write_bytes(b"")
    scan = scan_corpus("folders", tmp_path)
    assert [clip.name for clip in scan.clips] == ["sad/y.wav"]
    assert scan.ignored == 1
    assert not has_known_speaker(scan.clips[0])


def test_the_same_file_name_under_two_speakers_is_no_copy(build_tree) -> None:
    scan = scan_corpus("folders", build_tree("folders"))
    assert not scan.dropped
    assert {clip.speaker for clip in scan.clips} == {"folders-ann", "folders-bob"}


def _manifest(folder: Path, text: str, *names: str, encoding: str = "utf-8") -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    path = folder / "manifest.csv"
    path.write_text(text, encoding=encoding)
    return path


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_manifest_dialects(tmp_path: Path, delimiter: str, encoding: str, newline: str) -> None:
    rows = [
        ["Path", "EMOTION ", "speaker", "sex", "language", "intensity", "sentence", "note"],
        ["b/é 1.wav", "Happiness", "ann", "F", "it", "strong", '"ciao, bella; sì"', "x"],
        ["a.flac", "excited", "", "", "", "", "", ""],
    ]
    text = newline.join(delimiter.join(row) for row in rows) + newline * 2
    path = _manifest(tmp_path, text, "b/é 1.wav", "a.flac", encoding=encoding)
    for root in (path, tmp_path):
        second, first = scan_corpus("manifest", root).clips
        assert (first.name, first.path) == ("b/é 1.wav", tmp_path / "b/é 1.wav")
        assert (first.emotion, first.speaker, first.sex) == ("happy", "manifest-ann", "female")
        assert (first.language, first.intensity) == ("it", "strong")
        assert first.sentence == "ciao, bella; sì"
        assert (second.emotion, second.sex, second.language) == ("excited", None, None)
        assert not has_known_speaker(second)


def test_manifest_takes_absolute_paths(tmp_path: Path) -> None:
    (tmp_path / "audio").mkdir()
    (tmp_path / "audio/x.wav").write_bytes(b"")
    (tmp_path / "table").mkdir()
    _manifest(tmp_path / "table", f"path,emotion\n{tmp_path}/audio/x.wav,sad\n")
    assert scan_corpus("manifest", tmp_path / "table").clips[0].path == tmp_path / "audio/x.wav"


@pytest.mark.parametrize(
    ("text", "message_parts"),
    [
        ("", ["line 1", "no column path and no column emotion"]),
        ("file,label\na.wav,sad\n", ["line 1", "no column path", "file, label"]),
        ("path,speaker\na.wav,x\n", ["line 1", "no column emotion"]),
        ("path,emotion,speakers\na.wav,sad,x\n", ["line 1", "'speakers'", "rename it to speaker"]),
        ("path,emotion,emotion\na.wav,sad,sad\n", ["line 1", "two columns"]),
        ("path,emotion\n", ["no recordings"]),
        ("path,emotion\na.wav,sad\n\ngone.wav,sad\n", ["line 4", "'gone.wav'"]),
        ("path,emotion\n" + 5000 * "x" + ".wav,sad\n", ["line 2", "there is no file"]),
        ("path,emotion\na.wav,sad\n./a.wav,happy\n", ["line 3", "a.wav", "line 2"]),
        ("path,emotion\na.wav\n", ["line 2", "1 cells"]),
        ("path,emotion\na.wav,sad,extra\n", ["line 2", "3 cells"]),
        ("path,emotion\na.wav,\n", ["line 2", "emotion is empty"]),
        ("path,emotion\n ,sad\n", ["line 2", "path is empty"]),
        ("path,emotion,sex\na.wav,sad,x\n", ["line 2", "'x'", "female or male"]),
        ('path,emotion\n"a.wav"x,sad\n', ["not a readable CSV"]),
        ("path,emotion\nfolder,sad\n", ["line 2", "there is no file 'folder'"]),
    ],
)
def test_manifest_mistakes_are_told_in_a_sentence(
    tmp_path: Path, text: str, message_parts: list[str]
) -> None:
    path = _manifest(tmp_path, text, "a.wav", "folder/b.wav")
    with pytest.raises(DataError) as error:
        scan_corpus("manifest", path)
    assert str(path) in str(error.value)
    assert all(part in str(error.value) for part in message_parts)
    assert "\n" not in str(error.value)


def test_manifest_in_another_encoding(tmp_path: Path) -> None:
    path = _manifest(tmp_path, "path,emotion\nü.wav,sad\n", encoding="latin-1")
    with pytest.raises(DataError, match="not UTF-8"):
        scan_corpus("manifest", path)


def test_manifest_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _manifest(tmp_path, "path,emotion\na.wav,sad\n", "a.wav")

    def refuse(*_args: object, **_kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DataError, match="cannot be read"):
        scan_corpus("manifest", path)
