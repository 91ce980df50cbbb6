import io
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest
from bilstm_hmm.data.download.archives import unpack
from bilstm_hmm.data.errors import DataError

CONTENT = {"a/b/one.wav": b"one", "two.wav": b"two"}
OUTSIDE = ["../x.wav", "a/../../x.wav", "/tmp/x.wav", "C:/x.wav", "..\\x.wav", "\\\\host\\x.wav"]


def _zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/empty/", b"")
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            info.filename = name  # as a hostile archive has it
            archive.writestr(info, content)
    return path


def _tar(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        folder = tarfile.TarInfo("a/empty")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


by_format = pytest.mark.parametrize("write", [_zip, _tar])


def _everything(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*")}


@by_format
def test_unpacks_everything(write, tmp_path: Path) -> None:
    archive = write(tmp_path / "archive", CONTENT)
    unpack(archive, tmp_path / "out")
    assert {name: (tmp_path / "out" / name).read_bytes() for name in CONTENT} == CONTENT
    assert (tmp_path / "out/a/empty").is_dir()
    assert {path.name for path in tmp_path.iterdir()} == {"archive", "out"}
    (tmp_path / "made").mkdir()
    assert (tmp_path / "out").stat().st_mode == (tmp_path / "made").stat().st_mode


@by_format
@pytest.mark.parametrize("name", OUTSIDE)
def test_nothing_leaves_the_folder(write, name: str, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    archive = write(tmp_path / "archive", {**CONTENT, name: b"evil"})
    before = _everything(tmp_path)
    with pytest.raises(DataError, match="outside the folder"):
        unpack(archive, root / "out")
    assert _everything(tmp_path) == before


def _linked_zip(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc")
    return path


def _special_tar(kind: bytes):
    def write(path: Path) -> Path:
        with tarfile.open(path, "w") as archive:
            info = tarfile.TarInfo("link")
            info.type = kind
            info.linkname = "/etc"
            archive.addfile(info)
        return path

    return write


@pytest.mark.parametrize(
    "write",
    [
        _linked_zip,
        _special_tar(tarfile.SYMTYPE),
        _special_tar(tarfile.LNKTYPE),
        _special_tar(tarfile.CHRTYPE),
        _special_tar(tarfile.FIFOTYPE),
    ],
)
def test_links_and_devices_are_refused(write, tmp_path: Path) -> None:
    archive = write(tmp_path / "archive")
    with pytest.raises(DataError, match="no plain file"):
        unpack(archive, tmp_path / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"archive"}


@by_format
def test_broken_archives(write, tmp_path: Path) -> None:
    archive = write(tmp_path / "archive", {"a.wav": bytes(range(256)) * 400})
    whole = archive.read_bytes()
    for name, content in (
        ("cut", whole[: len(whole) // 2]),
        ("changed", whole[:120] + bytes(40) + whole[160:]),
        ("empty", b""),
        ("page", b"<html>not found</html>"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError) as error:
            unpack(tmp_path / name, tmp_path / "out")
        assert str(tmp_path / name) in str(error.value)
        assert not (tmp_path / "out").exists()


def test_a_file_where_a_folder_should_be(tmp_path: Path) -> None:
    archive = _tar(tmp_path / "archive", {"a": b"", "a/b": b""})
    with pytest.raises(DataError, match="cannot be unpacked"):
        unpack(archive, tmp_path / "out")
    assert not (tmp_path / "out").exists()
