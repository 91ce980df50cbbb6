"""Under which licences the packages are that an install brings, and which are not allowed.

``python -m release.licences`` names each offender; what is allowed, ``pyproject.toml`` says.
"""

import re
import sys
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from release.expressions import is_allowed, is_expression

ROOT = Path(__file__).parents[1]
NOT_SAID = "not said"

#: How licences are named that have no expression (PEP 639): in `License` and in classifiers. Both
#: often say BSD without saying which.
NAMES: Mapping[str, str] = {
    "mit": "MIT",
    "mit license": "MIT",
    "bsd": "BSD",
    "bsd license": "BSD",
    "new bsd": "BSD-3-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "bsd 3-clause license": "BSD-3-Clause",
    "3-clause bsd license": "BSD-3-Clause",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "isc license": "ISC",
    "isc license (iscl)": "ISC",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "python software foundation license": "PSF-2.0",
}
# Of MIT's own words, where the text stands in place of a name.
_MIT_TEXT = re.compile(r"permission is hereby granted, free of charge.*\bsublicense\b", re.I | re.S)


@dataclass(frozen=True, slots=True)
class Policy:
    """Licences that are allowed, and packages that are allowed under the one licence named."""

    allow: frozenset[str]
    exceptions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Offender:
    """A package under a licence that is not allowed."""

    name: str
    version: str
    licence: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}: {self.licence}"


def read_project(path: Path = ROOT / "pyproject.toml") -> tuple[Mapping[str, list[str]], Policy]:
    """Return what the project requires, the base as the extra ``""``, and its policy."""
    content = tomllib.loads(path.read_text("utf-8"))
    project, rules = content["project"], content["tool"]["licences"]
    required = {"": project["dependencies"], **project["optional-dependencies"]}
    return required, Policy(frozenset(rules["allow"]), rules["exceptions"])


def needed(required: Mapping[str, list[str]], extras: Collection[str]) -> frozenset[str]:
    """Return the names of the packages that the base and these extras bring to this machine.

    Packages that are not installed are named too; what these need in turn is not known.
    """
    names: set[str] = set()
    seen: set[str] = set()
    waiting = [Requirement(text) for extra in ("", *extras) for text in required[extra]]
    while waiting:
        requirement = waiting.pop()
        name, wanted = canonicalize_name(requirement.name), {"", *requirement.extras}
        if str(requirement) in seen:
            continue
        seen.add(str(requirement))
        if name == "bilstm-hmm":
            waiting += [Requirement(text) for extra in wanted for text in required[extra]]
            continue
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        names.add(name)
        waiting += _requirements(name, wanted)
    return frozenset(names)


def _requirements(name: str, extras: Iterable[str]) -> Iterator[Requirement]:
    """Yield what an installed package needs with these extras; their markers are settled here."""
    try:
        texts = metadata.requires(name) or ()
    except metadata.PackageNotFoundError:
        return
    for requirement in map(Requirement, texts):
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in extras):
            requirement.marker = None
            yield requirement


def licence_of(name: str) -> str | None:
    """Return the licence that an installed package declares, None where it is not installed.

    An expression of SPDX where it has one or its words are known as one; otherwise its words.
    """
    try:
        message = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return None
    expression: str | None = _field(message, "License-Expression")
    if expression:
        return expression
    text = (_field(message, "License") or "").strip()
    known = NAMES.get(text.lower(), text)
    if known != "BSD" and is_expression(known):
        return known
    classifiers = [
        line.rpartition(" :: ")[2]
        for line in message.get_all("Classifier") or ()
        if line.startswith("License :: ") and not line.endswith("OSI Approved")
    ]
    if classifiers:
        return " AND ".join(NAMES.get(name.lower(), name) for name in classifiers)
    if _MIT_TEXT.search(text):
        return "MIT"
    return known.partition("\n")[0][:60] or NOT_SAID


def _field(message: metadata.PackageMetadata, name: str) -> str | None:
    """A field of the metadata: the first, where another library's reader raises without any."""
    values = message.get_all(name)
    return str(values[0]) if values else None


def offenders(names: Iterable[str], policy: Policy) -> tuple[Offender, ...]:
    """Return those of the installed packages whose licence is neither allowed nor excepted."""
    found = []
    for name in sorted(names):
        licence = licence_of(name)
        if licence is None or policy.exceptions.get(name) == licence:
            continue
        if not is_allowed(licence, policy.allow):
            found.append(Offender(name, metadata.version(name), licence))
    return tuple(found)


def main() -> int:
    """Check what is installed of the base and of `all`, and say what is wrong."""
    required, policy = read_project()
    names = needed(required, ["all"])
    absent = [name for name in sorted(names) if licence_of(name) is None]
    wrong = offenders(names, policy)
    for offender in wrong:
        print(f"{offender} is not allowed; see [tool.licences] in pyproject.toml", file=sys.stderr)
    print(f"{len(names) - len(absent)} packages checked, {len(wrong)} not allowed")
    if absent:
        print(f"not installed, not checked: {', '.join(absent)}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
