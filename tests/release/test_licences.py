"""What an install brings is under licences that are allowed; who is not is named."""

from collections.abc import Callable
from pathlib import Path

import pytest

from release.expressions import is_allowed, is_expression
from release.licences import NOT_SAID, Policy, licence_of, main, needed, offenders, read_project

REQUIRED, POLICY = read_project()

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a package that is nothing but its metadata."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def add(name: str, *lines: str) -> None:
        folder = tmp_path / f"{name}-1.0.dist-info"
        folder.mkdir()
        text = "\n".join(("Metadata-Version: 2.4", f"Name: {name}", "Version: 1.0", *lines))
        (folder / "METADATA").write_text(f"{text}\n\nLicense: GPL-3.0-only\n", "utf-8")

    return add


@pytest.mark.parametrize("extra", ["", *sorted(REQUIRED.keys() - {"", "dev", "docs", "web-test"})])
def test_what_an_install_brings_is_allowed(extra: str) -> None:
    names = needed(REQUIRED, [extra])
    assert {"numpy", "onnxruntime", "cffi"} <= names
    assert not [str(offender) for offender in offenders(names, POLICY)]


def test_no_exception_is_left_over() -> None:
    names = needed(REQUIRED, ["all"])
    for name, licence in POLICY.exceptions.items():
        assert name in names
        assert not is_allowed(licence, POLICY.allow)


def test_each_offender_is_named(install: Install) -> None:
    install("wall", "License-Expression: GPL-3.0-only")
    install("silent")
    install("door", "License: MIT")
    install("moved", "License-Expression: MPL-2.0")
    policy = Policy(frozenset({"MIT"}), {"moved": "LGPL-2.1-only", "wall": "GPL-2.0-only"})
    found = offenders(["wall", "silent", "door", "moved", "not-here"], policy)
    assert [str(one) for one in found] == [
        "moved 1.0: MPL-2.0",
        f"silent 1.0: {NOT_SAID}",
        "wall 1.0: GPL-3.0-only",
    ]
    assert not offenders(["wall"], Policy(frozenset(), {"wall": "GPL-3.0-only"}))


@pytest.mark.parametrize(
    ("lines", "licence"),
    [
        (["License-Expression: MIT OR GPL-2.0-only", "License: BSD"], "MIT OR GPL-2.0-only"),
        (["License: Apache License 2.0"], "Apache-2.0"),
        (["License: MPL-2.0 AND MIT"], "MPL-2.0 AND MIT"),
        (["License: BSD", "Classifier: License :: OSI Approved :: BSD License"], "BSD"),
        (["Classifier: License :: OSI Approved", "License: mit"], "MIT"),
        (
            [
                "Classifier: License :: OSI Approved :: MIT License",
                "Classifier: License :: OSI Approved :: GNU General Public License v3 (GPLv3)",
            ],
            "MIT AND GNU General Public License v3 (GPLv3)",
        ),
        (["License: Ask me first"], "Ask me first"),
        (
            [
                "License: Copyright somebody",
                "        Permission is hereby granted, free of charge, to any person to sublicense",
            ],
            "MIT",
        ),
        ([], NOT_SAID),
    ],
)
def test_a_licence_is_read_where_packages_say_it(
    install: Install, lines: list[str], licence: str
) -> None:
    install("thing", *lines)
    assert licence_of("thing") == licence


def test_a_package_that_is_not_installed_has_none() -> None:
    assert licence_of("no-such-package-at-all") is None


def test_extras_of_packages_are_followed(install: Install) -> None:
    install("top", "Requires-Dist: plain", "Requires-Dist: only; extra == 'more'")
    install("plain", "Requires-Dist: deep>=1; python_version < '3'", "Requires-Dist: top")
    required = {"": ["top"], "much": ["top[more]"], "all": ["bilstm-hmm[much]"]}
    assert needed(required, []) == {"top", "plain"}
    assert needed(required, ["all"]) == {"top", "plain", "only"}


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("GPL-2.0-only", False),
        ("GPL-2.0-only OR MIT", True),
        ("MIT OR GPL-2.0-only AND ISC", True),
        ("(MIT OR GPL-2.0-only) AND ISC", True),
        ("(MIT OR ISC) AND GPL-2.0-only", False),
        ("MIT AND GPL-2.0-only", False),
        ("MIT WITH LLVM-exception AND ISC", True),
        ("MIT AND", False),
        ("(MIT", False),
        ("MIT ISC", False),
        ("MIT, ISC", False),
        ("WITH MIT", False),
        ("", False),
    ],
)
def test_expressions(expression: str, allowed: bool) -> None:
    assert is_allowed(expression, {"MIT", "ISC"}) is allowed


def test_words_are_no_expression() -> None:
    assert is_expression("Apache-2.0 WITH LLVM-exception AND (MIT OR 0BSD)")
    assert not is_expression("BSD License")
    assert is_allowed("BSD License", {"BSD License"})


def test_the_check_says_what_it_did(capsys: pytest.CaptureFixture[str]) -> None:
    assert main() == 0
    said = capsys.readouterr()
    assert "packages checked, 0 not allowed" in said.out
    assert said.err == ""
