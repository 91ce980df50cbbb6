"""Known vulnerabilities of the packages that are locked: ``make audit``, through pip-audit.

pip-audit calls a package clean that its database does not know, as one finds where a mirror of
packages stands in for the database; here that is an error of its own.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from bilstm_hmm.errors import ToolkitError
from release.lock import FULL_LOCK

Run = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]


@dataclass(frozen=True, slots=True)
class Audit:
    """How many packages were looked up, what was found in them, and which were not known."""

    checked: int
    found: tuple[str, ...]
    unknown: tuple[str, ...]


def audit(run: Run | None = None) -> Audit:
    """Look up every package of `FULL_LOCK`; nothing is installed.

    Parameters
    ----------
    run
        Runs a command; for tests.

    Raises
    ------
    ToolkitError
        pip-audit is not installed, or no database can be had.
    """
    if run is None and find_spec("pip_audit") is None:
        raise ToolkitError("pip-audit is not installed here; `make audit` installs it.")
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes"]
    command += ["--requirement", str(FULL_LOCK), "--format", "json", "--progress-spinner", "off"]
    done = (run or _run)(command)
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        lines = done.stderr.strip().splitlines() or ["it gave no reason"]
        raise ToolkitError(
            f"pip-audit found no database of vulnerabilities ({lines[-1]}); check the network, and "
            "run `make audit` again where there is one."
        ) from None
    result = Audit(
        sum("skip_reason" not in package for package in packages),
        tuple(line for package in packages for line in _vulnerabilities(package)),
        tuple(package["name"] for package in packages if "skip_reason" in package),
    )
    if not result.checked:
        raise ToolkitError(
            f"The database that pip-audit asked knows none of the {len(packages)} packages, so "
            "nothing was checked; run `make audit` where it reaches the true one."
        )
    return result


def _run(command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _vulnerabilities(package: dict[str, Any]) -> list[str]:
    return [
        f"{package['name']} {package['version']}: {one['id']}, mended in "
        f"{', '.join(one['fix_versions']) or 'no version yet'}"
        for one in package.get("vulns", ())
    ]


def main() -> int:
    """Print what was found; 1 where something was, or was not known, 2 without a database."""
    try:
        result = audit()
    except ToolkitError as error:
        print(error, file=sys.stderr)
        return 2
    for line in result.found:
        print(line)
    for name in result.unknown:
        print(f"{name}: the database does not know it; not checked")
    print(f"{result.checked} packages checked, {len(result.found)} vulnerabilities known")
    return 1 if result.found or result.unknown else 0


if __name__ == "__main__":
    sys.exit(main())
