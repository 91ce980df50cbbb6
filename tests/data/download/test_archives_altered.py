"""Archives that were altered are unpacked whole or not at all, and said in one sentence."""

import bz2
import gzip
import io
import lzma
import random
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from bilstm_hmm.data.download import archives
from bilstm_hmm.data.download.archives import unpack
from bilstm_hmm.data.errors import DataError

FILES = {f"speaker{n}/{n:02d}.wav": bytes([n, 255 - n]) * (300 + n) for n in range(6)}
Write = Callable[[Path, dict[str, bytes]], Path]


def _tar(mode: str) -> Write:
    def write(path: Path, members: dict[str, bytes]) -> Path:
        with tarfile.open(path, mode) as archive:
            for name, content in members.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        return path

    return write


def _zip(method: int) -> Write:
    def write(path: Path, members: dict[str, bytes]) -> Path:
        with zipfile.ZipFile(path, "w", method) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return path

    return write


WRITERS = {
    "tar": _tar("w"),
    "tgz": _tar("w:gz"),
    "tbz": _tar("w:bz2"),
    "txz": _tar("w:xz"),
    "zip": _zip(zipfile.ZIP_DEFLATED),
    "stored": _zip(zipfile.ZIP_STORED),
    "bzip": _zip(zipfile.ZIP_BZIP2),
    "lzma": _zip(zipfile.ZIP_LZMA),
}


def _refused(archive: Path, match: str) -> None:
    folder = archive.parent / "out"
    with pytest.raises(DataError, match=match) as caught:
        unpack(archive, folder)
    message = str(caught.value)
    assert message.startswith(str(archive))
    assert "\n" not in message
    assert len(message) < 500 + len(str(archive))
    assert {path.name for path in archive.parent.iterdir()} == {archive.name}


def _mutated(content: bytes, rng: random.Random) -> bytes:
    """Content with bytes changed, cut off, left out or doubled."""
    where, size = rng.randrange(len(content)), rng.choice((1, 4, 100, 512, 1024))
    match rng.randrange(4):
        case 0:
            return content[:where]
        case 1:
            return content[:where] + content[where + size :]
        case 2:
            return content[:where] + content[where : where + size] + content[where:]
    return content[:where] + rng.randbytes(size) + content[where + size :]


@pytest.mark.parametrize("kind", WRITERS)
def test_altered_anywhere_all_of_it_or_nothing(kind: str, tmp_path: Path) -> None:
    content = WRITERS[kind](tmp_path / "whole", FILES).read_bytes()
    rng = random.Random(f"altered {kind}")
    n_refused = 0
    for number in range(60):
        place = tmp_path / str(number)
        place.mkdir()
        archive = place / "archive"
        archive.write_bytes(_mutated(content, rng))
        message = ""
        try:
            unpack(archive, place / "out")
        except DataError as error:
            message = str(error)
        if message:
            n_refused += 1
            assert message.startswith(str(archive))
            assert {path.name for path in place.iterdir()} == {"archive"}
        else:
            # A tar has no checksums of its contents, and names may lie in what was altered.
            files = [path for path in (place / "out").rglob("*") if path.is_file()]
            assert len(files) >= len(FILES)
    assert n_refused > 20


@pytest.mark.parametrize("kind", ["tar", "tgz", "tbz", "txz"])
def test_a_broken_header_is_not_the_end(kind: str, tmp_path: Path) -> None:
    plain = bytearray(_tar("w")(tmp_path / "plain", FILES).read_bytes())
    (tmp_path / "plain").unlink()
    # The third member: each is a header and two blocks of content.
    plain[2 * 3 * 512 + 20] ^= 1
    archive = tmp_path / "archive"
    _compress(archive, kind, bytes(plain))
    _refused(archive, "is broken .a member's header is broken.: remove it and download it again$")


@pytest.mark.parametrize("kind", ["tar", "tgz", "tbz", "txz"])
def test_a_tar_that_is_cut_between_two_members(kind: str, tmp_path: Path) -> None:
    plain = _tar("w")(tmp_path / "plain", FILES).read_bytes()
    (tmp_path / "plain").unlink()
    _compress(tmp_path / "archive", kind, plain[: 4 * 3 * 512])
    _refused(tmp_path / "archive", "its end is missing")


def _compress(archive: Path, kind: str, content: bytes) -> None:
    pack = {"tar": bytes, "tgz": gzip.compress, "tbz": bz2.compress, "txz": lzma.compress}[kind]
    archive.write_bytes(pack(content))


def test_a_zip_whose_list_is_short(tmp_path: Path) -> None:
    content = bytearray(_zip(zipfile.ZIP_STORED)(tmp_path / "archive", FILES).read_bytes())
    content[content.rindex(b"PK\x05\x06") + 10] += 1
    (tmp_path / "archive").write_bytes(content)
    _refused(tmp_path / "archive", "it has 6 members of 7")


def test_a_way_to_pack_that_is_not_known(tmp_path: Path) -> None:
    content = bytearray(_zip(zipfile.ZIP_STORED)(tmp_path / "archive", FILES).read_bytes())
    content[content.index(b"PK\x01\x02") + 10] = 99
    (tmp_path / "archive").write_bytes(content)
    _refused(tmp_path / "archive", "is broken .*compression")


def test_a_member_without_a_name(tmp_path: Path) -> None:
    content = bytearray(_zip(zipfile.ZIP_STORED)(tmp_path / "archive", {"a": b"one"}).read_bytes())
    for record, at in ((b"PK\x03\x04", 26), (b"PK\x01\x02", 28)):
        begin = content.index(record)
        content[begin + at] = 0
        del content[begin + at + (4 if at == 26 else 18)]
    end = content.rindex(b"PK\x05\x06")
    content[end + 12] -= 1
    content[end + 16] -= 1
    (tmp_path / "archive").write_bytes(content)
    _refused(tmp_path / "archive", "has a member without a name")


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_paths_that_are_too_deep(kind: str, tmp_path: Path) -> None:
    WRITERS[kind](tmp_path / "archive", {**FILES, "a/" * 2000 + "b.wav": b"one"})
    _refused(tmp_path / "archive", "whose path is too long")


@pytest.mark.parametrize("kind", ["tar", "zip"])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_one_name_for_two_files(kind: str, tmp_path: Path) -> None:
    WRITERS[kind](tmp_path / "archive", {"a/b.wav": b"one", "a/./b.wav": b"two"})
    _refused(tmp_path / "archive", "that is there twice")


@pytest.mark.parametrize("kind", ["tgz", "tbz", "txz", "zip", "lzma"])
def test_bombs(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "_MIN_MAX_BYTES", 1_000_000)
    archive = WRITERS[kind](tmp_path / "archive", {"a.wav": bytes(30_000_000)})
    assert archive.stat().st_size < 100_000
    _refused(archive, "would unpack to more than .* MB")


def test_a_tar_whose_headers_are_the_bomb(tmp_path: Path) -> None:
    """Its name is all of it: read at once, it would be as large in memory."""
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 200_000_000
    _compress(tmp_path / "archive", "txz", info.tobuf() + bytes(18_000_000))
    _refused(tmp_path / "archive", "a header of an impossible size")


def test_a_zip_that_lies_about_a_size(tmp_path: Path) -> None:
    content = bytearray(_zip(zipfile.ZIP_DEFLATED)(tmp_path / "archive", FILES).read_bytes())
    content[content.index(b"PK\x01\x02") + 24] -= 5
    (tmp_path / "archive").write_bytes(content)
    _refused(tmp_path / "archive", "is broken")


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_an_archive_of_nothing(kind: str, tmp_path: Path) -> None:
    WRITERS[kind](tmp_path / "archive", {})
    _refused(tmp_path / "archive", "no file in it|neither a zip nor a tar")


def test_a_tar_that_ends_in_a_zip_is_a_tar(tmp_path: Path) -> None:
    inner = _zip(zipfile.ZIP_STORED)(tmp_path / "inner", {"secret.wav": b"one"}).read_bytes()
    archive = _tar("w")(tmp_path / "archive", {"a.wav": b"one", "more.zip": inner})
    unpack(archive, tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"a.wav", "more.zip"}
