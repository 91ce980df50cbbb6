"""The look-up of vulnerabilities: what is found, what is unknown, and no database at all."""

import json
import subprocess
from collections.abc import Sequence

import pytest

from bilstm_hmm.errors import ToolkitError
from release import audit as module
from release.audit import Audit, Run, audit, main
from release.lock import FULL_LOCK

SAFE = {"name": "numpy", "version": "2.0", "vulns": []}
UNSAFE = {
    "name": "pyyaml",
    "version": "5.1",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["5.4"]}, {"id": "PYSEC-2", "fix_versions": []}],
}
UNKNOWN = {"name": "thing", "skip_reason": "Dependency not found on PyPI"}


def answering(*packages: dict, stdout: str | None = None, stderr: str = "") -> Run:
    def run(command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        assert str(FULL_LOCK) in command
        # Nothing is installed or built to look something up.
        assert "--disable-pip" in command
        text = json.dumps({"dependencies": packages}) if stdout is None else stdout
        return subprocess.CompletedProcess(command, 1, text, stderr)

    return run


def test_vulnerabilities_are_named_with_the_version_that_mends_them() -> None:
    found = ("pyyaml 5.1: PYSEC-1, mended in 5.4", "pyyaml 5.1: PYSEC-2, mended in no version yet")
    assert audit(answering(SAFE, UNSAFE, UNKNOWN)) == Audit(2, found, ("thing",))


def test_a_database_that_knows_nothing_is_none() -> None:
    with pytest.raises(ToolkitError, match=r"knows none of the 2 packages, so nothing was checked"):
        audit(answering(UNKNOWN, UNKNOWN))


@pytest.mark.parametrize("stdout", ["", "no", "[]", "{}"])
def test_no_database_is_one_sentence(stdout: str) -> None:
    error = "Traceback\nConnectionError: no route"
    with pytest.raises(ToolkitError, match=r"no database .* \(ConnectionError: no route\)"):
        audit(answering(stdout=stdout, stderr=error))


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Audit(2, (), ()), 0),
        (Audit(2, ("pyyaml 5.1: PYSEC-1",), ()), 1),
        (Audit(2, (), ("thing",)), 1),
        (ToolkitError("No database."), 2),
    ],
)
def test_the_status_says_whether_all_is_well(
    answer: Audit | ToolkitError, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def instead() -> Audit:
        if isinstance(answer, ToolkitError):
            raise answer
        return answer

    monkeypatch.setattr(module, "audit", instead)
    assert main() == status


def test_pip_audit_that_is_not_installed_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(ToolkitError, match="`make audit` installs it"):
        audit()
