"""The bill of materials, CycloneDX 1.6 in JSON: ``python -m release.sbom FILE``.

All that it says is in the lock file, in what is installed and in the checkout, so that the same
release has the same bill: no time, no random number but one made of its content.
"""

import hashlib
import json
import sys
import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bilstm_hmm import __version__
from bilstm_hmm.atomic_files import atomic_path
from bilstm_hmm.errors import ToolkitError
from release.expressions import is_expression
from release.licences import NOT_SAID, licence_of
from release.lock import FULL_LOCK, ROOT, Pin, read_lock

SPEC_VERSION = "1.6"
NAME = "bilstm-hmm"
_OURS = f"pkg:pypi/{NAME}@{__version__}"


def bill_of_materials(pins: Sequence[Pin], models: Path = ROOT / "models") -> dict[str, Any]:
    """Return the bill: the packages of a lock file, and the models that ship.

    Parameters
    ----------
    models
        A folder of bundles, as ``models/`` is.
    """
    shipped = [_model(folder) for folder in sorted(models.iterdir()) if folder.is_dir()]
    components = [*(_component(pin) for pin in pins), *shipped]
    content: dict[str, Any] = {
        "bomFormat": "CycloneDX",
        "specVersion": SPEC_VERSION,
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": _OURS,
                "name": NAME,
                "version": __version__,
                "purl": _OURS,
                "licenses": [{"license": {"id": "MIT"}}],
            },
        },
        "components": components,
        "dependencies": _dependencies(pins, [model["bom-ref"] for model in shipped]),
    }
    digest = json.dumps(content, sort_keys=True)
    return {"serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, digest)}", **content}


def _purl(pin: Pin) -> str:
    return f"pkg:pypi/{pin.name}@{pin.version}"


def _component(pin: Pin) -> dict[str, Any]:
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": _purl(pin),
        "name": pin.name,
        "version": pin.version,
        "purl": _purl(pin),
        # Those of the files that may be installed; a component's own hash would be of one file.
        "properties": [_property("sha256", sha256) for sha256 in pin.sha256],
    }
    if pin.marker is not None:
        component["properties"].append(_property("marker", str(pin.marker)))
    licence = _licence(pin)
    if licence is not None:
        component["licenses"] = [licence]
    return component


def _property(name: str, value: str) -> dict[str, str]:
    return {"name": f"bilstm-hmm:lock:{name}", "value": value}


def _licence(pin: Pin) -> Mapping[str, Any] | None:
    """Return what the package declares, if it is installed, in whichever version that is."""
    licence = licence_of(pin.name)
    if licence is None or licence == NOT_SAID:
        return None
    # `BSD` alone is no licence of SPDX.
    if licence == "BSD" or not is_expression(licence):
        return {"license": {"name": licence}}
    return {"expression": licence}


def _model(folder: Path) -> dict[str, Any]:
    """A bundle; its checksum is that of what sha256sum prints of its files."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    listed = "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}\n"
        for path in files
    )
    return {
        "type": "machine-learning-model",
        "bom-ref": f"{NAME}/models/{folder.name}",
        "name": folder.name,
        "version": __version__,
        "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(listed.encode()).hexdigest()}],
    }


def _dependencies(pins: Sequence[Pin], models: Iterable[str]) -> list[dict[str, Any]]:
    """Who needs whom. One name may have several pins, for several versions of Python."""
    refs: dict[str, list[str]] = {NAME: [_OURS]}
    for pin in pins:
        refs.setdefault(pin.name, []).append(_purl(pin))
    needs: dict[str, set[str]] = {ref: set() for same in refs.values() for ref in same}
    for pin in pins:
        for name in pin.needed_by:
            for ref in refs.get(name, ()):
                needs[ref].add(_purl(pin))
    needs[_OURS].update(models)
    return [{"ref": ref, "dependsOn": sorted(needed)} for ref, needed in sorted(needs.items())]


def main(arguments: Sequence[str]) -> int:
    """Write the bill to the file named."""
    if len(arguments) != 1:
        print("Name one file: python -m release.sbom FILE", file=sys.stderr)
        return 2
    path = Path(arguments[0])
    try:
        bill = bill_of_materials(read_lock(FULL_LOCK))
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps(bill, indent=1, ensure_ascii=False) + "\n", "utf-8")
    except ToolkitError as error:
        print(error, file=sys.stderr)
        return 2
    unnamed = [
        part["name"]
        for part in bill["components"]
        if part["type"] == "library" and "licenses" not in part
    ]
    print(f"{path}: {len(bill['components'])} components")
    if unnamed:
        print(f"not installed here, or without a licence that they name: {', '.join(unnamed)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
