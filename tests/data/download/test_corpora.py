"""Downloads, from a server on this machine."""

import hashlib
import io
import re
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import rich.console
from bilstm_hmm.data.corpora.corpus import Archive, Corpus
from bilstm_hmm.data.corpora.registry import get_corpus, scan_corpus
from bilstm_hmm.data.download.corpora import download
from bilstm_hmm.data.download.http import _PIECE_BYTES as PIECE
from bilstm_hmm.data.download.http import fetch
from bilstm_hmm.data.errors import DataError


def _archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        for emotion in "WLEAFTN":
            zipped.writestr(f"wav/03a01{emotion}a.wav", emotion.encode() * 20_000)
    return buffer.getvalue()


ARCHIVE = _archive()
MD5 = f"md5:{hashlib.md5(ARCHIVE).hexdigest()}"
WRONG = f"md5:{hashlib.md5(b'').hexdigest()}"


@dataclass
class Site:
    """What the server sends, how it misbehaves, and what it was asked."""

    content: bytes = ARCHIVE
    tag: str | None = '"one"'
    ranges: bool = True
    lengths: bool = True
    cut_after: list[int] = field(default_factory=list)
    stall: threading.Event | None = None
    status: int | None = None
    asked: list[str | None] = field(default_factory=list)
    url: str = ""


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, site: Site, *args: object) -> None:
        self.site = site
        super().__init__(*args)

    def log_message(self, *_args: object) -> None:
        """Keep the test output clean."""

    def do_GET(self) -> None:
        site, asked = self.site, self.headers.get("Range")
        site.asked.append(asked)
        if site.stall:
            site.stall.wait(5)
            return
        if site.status:
            self.send_error(site.status)
            return
        start = 0
        same = self.headers.get("If-Range") in (None, site.tag)
        if asked and site.ranges and same:
            start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1])
            if start >= len(site.content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(site.content)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206)
        else:
            self.send_response(200)
        if site.lengths:
            self.send_header("Content-Length", str(len(site.content) - start))
        if site.tag:
            self.send_header("ETag", site.tag)
        self.end_headers()
        stop = start + site.cut_after.pop(0) if site.cut_after else None
        self.wfile.write(site.content[start:stop])


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("NO_PROXY", "*")
    site = Site()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, site)) as server:
        site.url = f"http://127.0.0.1:{server.server_port}/archive.zip"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield site
        if site.stall:
            site.stall.set()
        server.shutdown()
        thread.join()


def _quiet(done: int, total: int | None) -> None:
    """Show no progress."""


def _emodb(site: Site, known_hash: str | None = MD5) -> Corpus:
    return replace(get_corpus("emodb"), archives=(Archive(site.url, "emodb.zip", known_hash),))


def test_downloads_unpacks_and_can_be_read(site: Site, tmp_path: Path) -> None:
    root = tmp_path / "new" / "emodb"
    (done,) = download(_emodb(site), root)
    assert (done.folder, done.fetched, done.verified, done.sha256) == (
        root / "emodb",
        True,
        True,
        "",
    )
    assert len(scan_corpus("emodb", root).clips) == 7
    assert {path.name for path in root.iterdir()} == {"emodb", "emodb.zip"}


def test_what_is_complete_is_not_fetched_again(site: Site, tmp_path: Path) -> None:
    download(_emodb(site), tmp_path)
    (again,) = download(_emodb(site), tmp_path)
    assert not again.fetched
    assert len(site.asked) == 1
    (tmp_path / "emodb").rename(tmp_path / "elsewhere")
    download(_emodb(site), tmp_path)  # from the archive, which is still here
    assert len(site.asked) == 1
    assert (tmp_path / "emodb/wav/03a01Wa.wav").is_file()


def test_goes_on_after_a_cut_connection(site: Site, tmp_path: Path) -> None:
    site.cut_after = [2 * PIECE + 100, PIECE + 100]
    download(_emodb(site), tmp_path)
    assert site.asked == [None, f"bytes={2 * PIECE}-", f"bytes={3 * PIECE}-"]
    assert len(scan_corpus("emodb", tmp_path).clips) == 7


def test_goes_on_in_a_later_run(site: Site, tmp_path: Path) -> None:
    site.cut_after = [2 * PIECE, PIECE, 10]
    with pytest.raises(DataError, match=r"connection was cut.*goes on where it stopped"):
        download(_emodb(site), tmp_path)
    site.asked.clear()
    download(_emodb(site), tmp_path)
    assert site.asked == [f"bytes={3 * PIECE}-"]


@pytest.mark.parametrize("tag", ['"two"', None])
def test_a_file_that_changed_meanwhile_is_sent_whole(
    site: Site, tmp_path: Path, tag: str | None
) -> None:
    site.content = bytes(9 * PIECE)
    site.cut_after = [2 * PIECE, 10, 10]
    with pytest.raises(DataError):
        fetch(site.url, tmp_path / "x", progress=_quiet)
    site.content, site.tag = ARCHIVE, tag
    fetch(site.url, tmp_path / "x", progress=_quiet)
    assert (tmp_path / "x").read_bytes() == ARCHIVE


@pytest.mark.parametrize("tag", ['W/"weak"', None])
def test_servers_without_tags_or_ranges(site: Site, tmp_path: Path, tag: str | None) -> None:
    site.tag, site.ranges, site.cut_after = tag, False, [PIECE]
    fetch(site.url, tmp_path / "x", progress=_quiet)
    assert (tmp_path / "x").read_bytes() == ARCHIVE
    assert {path.name for path in tmp_path.iterdir()} == {"x"}


def test_progress_counts_bytes(site: Site, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    fetch(site.url, tmp_path / "x", progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(ARCHIVE), len(ARCHIVE))
    site.lengths = False
    fetch(site.url, tmp_path / "y", progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(ARCHIVE), None)


def test_a_complete_part_is_taken(site: Site, tmp_path: Path) -> None:
    (tmp_path / "x.part").write_bytes(ARCHIVE)
    fetch(site.url, tmp_path / "x", progress=_quiet)
    assert (tmp_path / "x").read_bytes() == ARCHIVE


def test_a_part_that_is_too_long_is_given_up(site: Site, tmp_path: Path) -> None:
    (tmp_path / "x.part").write_bytes(ARCHIVE + b"more")
    fetch(site.url, tmp_path / "x", progress=_quiet)
    assert (tmp_path / "x").read_bytes() == ARCHIVE
    assert site.asked == [f"bytes={len(ARCHIVE) + 4}-", None]


def test_a_wrong_checksum_removes_the_file(site: Site, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"emodb\.zip .* wrong checksum and was removed"):
        download(_emodb(site, WRONG), tmp_path)
    assert not list(tmp_path.iterdir())


def test_an_unpublished_checksum_is_recorded_and_holds(site: Site, tmp_path: Path) -> None:
    (first,) = download(_emodb(site, None), tmp_path)
    sha256 = hashlib.sha256(ARCHIVE).hexdigest()
    assert (first.sha256, first.verified, first.in_the_open) == (sha256, False, True)
    assert (tmp_path / "emodb.zip.sha256").read_text() == f"{sha256}  emodb.zip\n"
    (tmp_path / "emodb").rename(tmp_path / "elsewhere")
    (tmp_path / "emodb.zip").unlink()
    site.content += b"changed"
    with pytest.raises(DataError, match="wrong checksum"):
        download(_emodb(site, None), tmp_path)
    site.content = ARCHIVE
    (second,) = download(_emodb(site, None), tmp_path)
    assert second.verified


@pytest.mark.parametrize("text", ["", "\n", "0123  emodb.zip\n", "\udcff"])
def test_a_recorded_checksum_that_is_none(site: Site, text: str, tmp_path: Path) -> None:
    (tmp_path / "emodb.zip.sha256").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(DataError, match=r"emodb\.zip\.sha256 holds no checksum: put back"):
        download(_emodb(site, None), tmp_path)
    assert not site.asked


def test_an_unsafe_archive_is_refused(site: Site, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        zipped.writestr("../evil.wav", b"")
    site.content = buffer.getvalue()
    with pytest.raises(DataError, match="outside the folder"):
        download(_emodb(site, None), tmp_path / "root")
    assert {path.name for path in tmp_path.iterdir()} == {"root"}
    assert {path.name for path in (tmp_path / "root").iterdir()} == {"emodb.zip"}


def test_what_the_server_refuses(site: Site, tmp_path: Path) -> None:
    site.status = 404
    with pytest.raises(DataError, match="answered 404 Not Found"):
        download(_emodb(site), tmp_path)
    assert len(site.asked) == 1


def test_a_server_that_does_not_answer(site: Site, tmp_path: Path) -> None:
    site.stall = threading.Event()
    with pytest.raises(DataError, match="did not answer in time"):
        fetch(site.url, tmp_path / "x", progress=_quiet, timeout=(1.0, 0.2))


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/x.zip", "http://host.invalid/x.zip"])
def test_servers_out_of_reach(url: str, tmp_path: Path, site: Site) -> None:
    with pytest.raises(DataError) as error:
        fetch(url, tmp_path / "x", progress=_quiet, timeout=(1.0, 1.0))
    assert str(error.value).startswith(f"{url} cannot be fetched: the server cannot be reached")


def test_an_address_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be fetched"):
        fetch("nonsense", tmp_path / "x", progress=_quiet)


def test_a_folder_that_cannot_be_written(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be made"):
        download(_emodb(site), tmp_path / "file" / "root")
    (tmp_path / "x.part").mkdir()
    with pytest.raises(DataError, match="cannot be written"):
        fetch(site.url, tmp_path / "x", progress=_quiet)
    (tmp_path / "root" / "emodb.zip").mkdir(parents=True)
    with pytest.raises(DataError, match="cannot be written"):
        download(_emodb(site), tmp_path / "root")


def test_the_progress_bar_shows_on_terminals_alone(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    download(_emodb(site), tmp_path / "one")
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(rich.console.Console, "is_terminal", property(lambda self: True))
    download(_emodb(site), tmp_path / "two")
    streams = capsys.readouterr()
    assert "emodb.zip" in streams.err
    assert streams.out == ""
    download(_emodb(site), tmp_path / "three", show_progress=False)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "name", ["tess", "crema-d", "savee", "nemo", "emovo", "folders", "manifest"]
)
def test_corpora_to_be_got_by_hand(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        download(get_corpus(name), tmp_path / "root")
    assert get_corpus(name).instructions in str(error.value)
    assert not (tmp_path / "root").exists()
