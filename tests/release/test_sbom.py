"""The bill of materials: what CycloneDX 1.6 asks for, and all that is locked."""

import json
import re
from pathlib import Path

import pytest

from release.lock import FULL_LOCK, Pin, read_lock
from release.sbom import bill_of_materials, main

PINS = read_lock(FULL_LOCK)
#: Of the schema bom-1.6, definitions/component/type, those used here.
TYPES = {"application", "library", "machine-learning-model"}
#: Of the schema: what follows `urn:uuid:`.
SERIAL = r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


@pytest.fixture(scope="module")
def bill() -> dict:
    return bill_of_materials(PINS)


def test_what_the_schema_requires_is_there(bill: dict) -> None:
    assert (bill["bomFormat"], bill["specVersion"], bill["version"]) == ("CycloneDX", "1.6", 1)
    assert re.fullmatch(SERIAL, bill["serialNumber"])
    for component in (bill["metadata"]["component"], *bill["components"]):
        assert component["type"] in TYPES
        assert component["name"]
        assert component["version"]
        for choice in component.get("licenses", ()):
            # One or the other: an expression, or a licence by identifier or by name.
            assert choice.keys() in ({"expression"}, {"license"})
            assert len(choice.get("license", {"x": 1})) == 1
        for each in component.get("hashes", ()):
            assert each["alg"] == "SHA-256"
            assert re.fullmatch("[0-9a-f]{64}", each["content"])
    for dependency in bill["dependencies"]:
        assert dependency.keys() == {"ref", "dependsOn"}
        assert len(set(dependency["dependsOn"])) == len(dependency["dependsOn"])


def test_references_are_unique_and_lead_somewhere(bill: dict) -> None:
    refs = [bill["metadata"]["component"]["bom-ref"]]
    refs += [component["bom-ref"] for component in bill["components"]]
    assert len(set(refs)) == len(refs)
    for dependency in bill["dependencies"]:
        assert {dependency["ref"], *dependency["dependsOn"]} <= set(refs)


def test_all_that_is_locked_and_every_model_is_in_it(bill: dict) -> None:
    packages = {(c["name"], c["version"]) for c in bill["components"] if c["type"] == "library"}
    assert packages == {(pin.name, pin.version) for pin in PINS}
    models = {c["name"] for c in bill["components"] if c["type"] == "machine-learning-model"}
    assert models >= {"default", "open", "accurate"}
    numpy = next(c for c in bill["components"] if c["name"] == "numpy")
    assert numpy["licenses"][0]["expression"].startswith("BSD-3-Clause")


def test_everything_is_needed_by_the_toolkit_in_the_end(bill: dict) -> None:
    needs = {each["ref"]: each["dependsOn"] for each in bill["dependencies"]}
    reached: set[str] = set()
    waiting = [bill["metadata"]["component"]["bom-ref"]]
    while waiting:
        ref = waiting.pop()
        if ref not in reached:
            reached.add(ref)
            waiting += needs.get(ref, [])
    assert reached >= {component["bom-ref"] for component in bill["components"]}


def test_the_same_release_has_the_same_bill_and_another_model_another(tmp_path: Path) -> None:
    pins = [Pin("thing", "1", None, ("a" * 64,), ("bilstm-hmm",))]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "weights.bin").write_bytes(b"1")
    one = bill_of_materials(pins, tmp_path)
    assert bill_of_materials(pins, tmp_path) == one
    (tmp_path / "mine" / "weights.bin").write_bytes(b"2")
    other = bill_of_materials(pins, tmp_path)
    assert other["components"][-1]["hashes"] != one["components"][-1]["hashes"]
    assert other["serialNumber"] != one["serialNumber"]


def test_the_command_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "new" / "sbom.json"
    assert main([str(path)]) == 0
    assert len(json.loads(path.read_text("utf-8"))["components"]) > len(PINS)
    assert main([]) == 2
    assert "Name one file" in capsys.readouterr().err
    (tmp_path / "file").touch()
    assert main([str(tmp_path / "file" / "sbom.json")]) == 2
    assert "cannot write" in capsys.readouterr().err
