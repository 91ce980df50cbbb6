"""Bundles as folders: what prediction needs of a model, and a checksum of each file.

No pickle anywhere. Every file that is read must fit its checksum, so that a model without its
labels or statistics cannot exist; what prediction has no use for is left alone. The manifest
carries a checksum of itself as well; the model card alone has none, since people may edit it.
"""

import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from bilstm_hmm.atomic_files import atomic_folder
from bilstm_hmm.confidence.reliability import Reliability
from bilstm_hmm.config.loading import dump_recipe, recipe_from_tree
from bilstm_hmm.config.reading.plain_yaml import PlainYamlError, parse_yaml
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.features.extraction.extract import n_features
from bilstm_hmm.features.extraction.normalise import FeatureStatistics
from bilstm_hmm.features.spectral.filterbanks import FilterBanks
from bilstm_hmm.hmm.bank import HmmBank
from bilstm_hmm.hmm.fusion import INT8_SUFFIX, ScoreFusion
from bilstm_hmm.hmm.projection import Projection
from bilstm_hmm.inference.bundle import Bundle
from bilstm_hmm.inference.checking.manifest import (
    FORMAT_VERSION,
    MANIFEST_CHECKSUM,
    MAX_MANIFEST_BYTES,
    DamagedError,
    Manifest,
    manifest_checksum,
    parse_manifest,
)
from bilstm_hmm.inference.checking.network_graph import check_network
from bilstm_hmm.inference.checking.shapes import (
    DECISION_KEYS,
    FEATURE_KEYS,
    HMM_KEYS,
    RELIABILITY_KEYS,
    check_decision,
    check_features,
    check_hmms,
)
from bilstm_hmm.inference.checking.stored_arrays import read_arrays

MANIFEST = "bundle.json"
RECIPE, FEATURES, HMM, DECISION = "recipe.yaml", "features.npz", "hmm.npz", "decision.npz"
NETWORK, INT8, KERAS = "network.onnx", "network_int8.onnx", "network.keras"
METRICS, CARD = "metrics.json", "MODEL_CARD.md"
#: What every prediction needs besides a network, and the network of each precision.
REQUIRED = (RECIPE, FEATURES, HMM, DECISION)
NETWORKS = {"float": NETWORK, "int8": INT8}


def write_bundle(
    folder: Path,
    bundle: Bundle,
    *,
    save_keras: Callable[[Path], None] | None = None,
    extra: Mapping[str, str] | None = None,
) -> None:
    """Write a bundle, replacing an older one at `folder` only when the new one is whole.

    Parameters
    ----------
    save_keras
        Writes the Keras model, for fine-tuning, to the path it is given.
    extra
        Further text files by name: metrics and the model card.

    Raises
    ------
    ToolkitError
        A full disk or a folder that cannot be written; what was there before stays.
    """
    with atomic_folder(folder) as temporary:
        _write_parts(temporary, bundle)
        if save_keras is not None:
            save_keras(temporary / KERAS)
            _compress(temporary / KERAS)
        for name, text in (extra or {}).items():
            (temporary / name).write_text(text, encoding="utf-8")
        _write_manifest(temporary, bundle)


def _compress(archive: Path) -> None:
    """Pack a Keras file tighter: Keras stores its parts as they are."""
    packed = archive.with_suffix(".packed")
    with (
        zipfile.ZipFile(archive) as stored,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as smaller,
    ):
        for name in stored.namelist():
            smaller.writestr(zipfile.ZipInfo(name), stored.read(name), zipfile.ZIP_DEFLATED)
    packed.replace(archive)


def _write_parts(folder: Path, bundle: Bundle) -> None:
    (folder / RECIPE).write_text(dump_recipe(bundle.recipe), encoding="utf-8")
    (folder / NETWORK).write_bytes(bundle.network)
    if bundle.int8 is not None:
        (folder / INT8).write_bytes(bundle.int8)
    statistics = {"mean": bundle.statistics.mean, "std": bundle.statistics.std}
    np.savez(folder / FEATURES, **bundle.filter_banks.to_arrays(), **statistics)  # type: ignore[arg-type]
    projection = {
        "matrix": bundle.projection.matrix,
        "offset": bundle.projection.offset,
        "of_logits": np.array(bundle.projection.from_logits),
    }
    np.savez(folder / HMM, **bundle.hmm_bank.to_arrays(), **projection)  # type: ignore[arg-type]
    arrays = {**bundle.fusion.to_arrays(), **bundle.reliability.to_arrays()}
    np.savez(folder / DECISION, **arrays)  # type: ignore[arg-type]


def _write_manifest(folder: Path, bundle: Bundle) -> None:
    files = sorted(path for path in folder.iterdir() if path.name != CARD)
    checksums = {path.name: _sha256(path.read_bytes()) for path in files}
    manifest = {
        "format": FORMAT_VERSION,
        "model": bundle.model_id,
        "classes": list(bundle.classes),
        "sha256": checksums,
    }
    manifest[MANIFEST_CHECKSUM] = manifest_checksum(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def find_bundle(path: Path) -> Path:
    """Return the bundle's folder: `path` itself, or ``bundle`` inside a training run.

    Raises
    ------
    ToolkitError
        Where neither is a bundle.
    """
    for candidate in (path, path / "bundle"):
        if (candidate / MANIFEST).is_file():
            return candidate
    if not path.exists():
        raise ToolkitError(f"{path}: no such model; train one with train.py or mend --model.")
    raise ToolkitError(
        f"{path}: not a model ({MANIFEST} is missing); give a bundle's folder or a training run's."
    )


def read_bundle(path: str | os.PathLike[str], precision: str = "float") -> Bundle:
    """Read what prediction needs of a bundle, each file checked against its checksum.

    Parameters
    ----------
    precision
        Which network to read, of `NETWORKS`. With ``int8`` `model_id` ends in ``-int8``.

    Raises
    ------
    ToolkitError
        No bundle there, one of a newer format, one that is incomplete or altered or has no
        network of this precision, or a precision that does not exist.
    """
    if precision not in NETWORKS:
        choices = ", ".join(NETWORKS)
        raise ToolkitError(f"precision {precision!r} is not known; choose from {choices}.")
    folder = find_bundle(Path(path))
    manifest = _read_manifest(folder)
    network = NETWORKS[precision]
    if network == INT8 and network not in manifest.sha256:
        raise ToolkitError(
            f"{folder}: the model {manifest.model} has no int8 network; train it with "
            "--set bundle.int8=true, or use the precision float."
        )
    names = (*REQUIRED, network)
    contents = {name: _read_checked(folder, name, manifest.sha256) for name in names}
    recipe = _read_recipe(contents[RECIPE], folder)
    try:
        return _parse(manifest, recipe, contents, network)
    except DamagedError as error:
        raise _damaged(folder, str(error)) from None


def _parse(
    manifest: Manifest, recipe: Recipe, contents: Mapping[str, bytes], network: str
) -> Bundle:
    """Make a bundle of its files, each array checked before it is used; or a `DamagedError`."""
    width, n_classes = n_features(recipe.features), len(manifest.classes)
    widths = check_network(contents[network], network, width)
    if widths.clip != n_classes:
        raise DamagedError(f"{network} has {widths.clip} emotions, but {MANIFEST} {n_classes}")
    features = read_arrays(contents[FEATURES], FEATURES, FEATURE_KEYS)
    check_features(FEATURES, features, recipe.features)
    hmm = read_arrays(contents[HMM], HMM, HMM_KEYS)
    check_hmms(HMM, hmm, n_classes, widths)
    decision = read_arrays(contents[DECISION], DECISION, DECISION_KEYS, RELIABILITY_KEYS)
    check_decision(DECISION, decision, width)
    return Bundle(
        model_id=f"{manifest.model}{INT8_SUFFIX if network == INT8 else ''}",
        classes=tuple(manifest.classes),
        recipe=recipe,
        filter_banks=FilterBanks.from_arrays(features),
        statistics=FeatureStatistics(mean=features["mean"], std=features["std"]),
        network=contents[network],
        projection=Projection(hmm["matrix"], hmm["offset"], bool(hmm["of_logits"])),
        hmm_bank=HmmBank.from_arrays(hmm),
        fusion=ScoreFusion.from_arrays(decision),
        reliability=Reliability.from_arrays(decision),
    )


def read_keras(path: str | os.PathLike[str]) -> bytes:
    """Return the saved Keras network of a bundle.

    Raises
    ------
    ToolkitError
        As `read_bundle`, or the bundle has none.
    """
    folder = find_bundle(Path(path))
    manifest = _read_manifest(folder)
    if KERAS not in manifest.sha256:
        raise ToolkitError(
            f"{folder}: the model {manifest.model} has no {KERAS} to go on with; start from "
            "one that has, such as a model that ships or one of train.py."
        )
    return _read_checked(folder, KERAS, manifest.sha256)


def bundle_checksum(path: str | os.PathLike[str]) -> str:
    """Return the sha256 that a bundle has of its manifest, and by that of all its files.

    Raises a `ToolkitError` as `read_bundle`.
    """
    return _read_manifest(find_bundle(Path(path))).seal


def _read_manifest(folder: Path) -> Manifest:
    path = folder / MANIFEST
    try:
        if path.stat().st_size > MAX_MANIFEST_BYTES:
            raise _damaged(folder, f"{MANIFEST} is far too long")
        return parse_manifest(path.read_bytes(), MANIFEST, str(folder))
    except OSError:
        raise _damaged(folder, f"{MANIFEST} cannot be read") from None
    except DamagedError as error:
        raise _damaged(folder, str(error)) from None


def _read_checked(folder: Path, name: str, checksums: Mapping[str, str]) -> bytes:
    try:
        content = (folder / name).read_bytes()
    except OSError:
        raise _damaged(folder, f"{name} is missing or cannot be read") from None
    if checksums.get(name) != _sha256(content):
        raise _damaged(folder, f"{name} does not match its checksum")
    return content


def _damaged(folder: Path, what: str) -> ToolkitError:
    return ToolkitError(
        f"{folder}: the bundle is damaged ({what}); copy it again or train it anew."
    )


def _read_recipe(content: bytes, folder: Path) -> Recipe:
    try:
        tree = parse_yaml(content.decode("utf-8"))
    except (UnicodeDecodeError, PlainYamlError):
        raise _damaged(folder, f"{RECIPE} is not valid YAML") from None
    return recipe_from_tree(tree, str(folder / RECIPE))


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
