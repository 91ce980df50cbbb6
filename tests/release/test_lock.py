"""Lock files: every package at one version with its checksums, within the project's bounds."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bilstm_hmm.errors import ToolkitError
from release.licences import read_project
from release.lock import BASE_LOCK, FULL_LOCK, Pin, read_lock

LOCKS = (BASE_LOCK, FULL_LOCK)
REQUIRED, _ = read_project()
SYSTEMS = (("linux", "Linux"), ("darwin", "Darwin"), ("win32", "Windows"))
ENTRY = "numpy==2.0.0 ; python_version < '3.12' \\\n    --hash=sha256:" + "ab" * 32


def bounds(extra: str) -> Iterator[Requirement]:
    for requirement in map(Requirement, REQUIRED[extra]):
        if requirement.name == "bilstm-hmm":
            for inner in requirement.extras:
                yield from bounds(inner)
        else:
            yield requirement


def environments() -> Iterator[dict[str, str]]:
    for minor in (11, 12, 13, 14):
        version = {"python_version": f"3.{minor}", "python_full_version": f"3.{minor}.0"}
        for platform, system in SYSTEMS:
            names = {"sys_platform": platform, "platform_system": system}
            yield {**version, **names, "implementation_name": "cpython", "extra": ""}


def installed(pins: tuple[Pin, ...], environment: dict[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for pin in pins:
        if pin.marker is None or pin.marker.evaluate(dict(environment)):
            found.setdefault(pin.name, []).append(pin.version)
    return found


@pytest.mark.parametrize(("path", "extras"), [(BASE_LOCK, [""]), (FULL_LOCK, ["", "all"])])
def test_pins_satisfy_the_bounds_of_the_project_everywhere(path: Path, extras: list[str]) -> None:
    pins = read_lock(path)
    wanted = [requirement for extra in extras for requirement in bounds(extra)]
    assert wanted
    for environment in environments():
        found = installed(pins, environment)
        assert all(len(versions) == 1 for versions in found.values())
        for requirement in wanted:
            (version,) = found[canonicalize_name(requirement.name)]
            assert requirement.specifier.contains(version, prereleases=True), requirement


@pytest.mark.parametrize("path", LOCKS)
def test_every_pin_has_checksums_and_somebody_who_needs_it(path: Path) -> None:
    pins = read_lock(path)
    known = {pin.name for pin in pins} | {"bilstm-hmm"}
    for pin in pins:
        assert pin.sha256, pin.name
        assert len(set(pin.sha256)) == len(pin.sha256)
        assert pin.needed_by
        assert set(pin.needed_by) <= known


def test_prediction_is_locked_as_everything_is() -> None:
    everything = {(pin.name, pin.version): pin for pin in read_lock(FULL_LOCK)}
    for pin in read_lock(BASE_LOCK):
        same = everything[pin.name, pin.version]
        assert set(pin.sha256) == set(same.sha256)


@pytest.mark.parametrize("path", LOCKS)
def test_a_lock_names_no_host(path: Path) -> None:
    text = path.read_text("utf-8")
    assert "://" not in text
    assert not [line for line in text.splitlines() if line.startswith("-")]


def test_an_entry_is_read_whole(tmp_path: Path) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text(
        f"# by hand\n{ENTRY} \\\n    --hash=sha256:{'cd' * 32}\n    # via\n    #   A_b\n"
    )
    (pin,) = read_lock(lock)
    assert (pin.name, pin.version, pin.needed_by) == ("numpy", "2.0.0", ("a-b",))
    assert pin.sha256 == ("ab" * 32, "cd" * 32)
    assert str(pin.marker) == 'python_version < "3.12"'


def test_a_checksum_that_is_cut_off_is_none(tmp_path: Path) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text(ENTRY[:-1])
    (pin,) = read_lock(lock)
    assert pin.sha256 == ()


@pytest.mark.parametrize("line", ["numpy>=2", "-e .", "numpy", "--index-url elsewhere"])
def test_a_line_that_pins_nothing_is_refused(tmp_path: Path, line: str) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text(f"{ENTRY}\n{line}\n")
    with pytest.raises(ToolkitError, match="pins no version"):
        read_lock(lock)
    with pytest.raises(ToolkitError, match="make lock"):
        read_lock(tmp_path / "none.txt")
