"""Copies of a model that differ in how they decide."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from bilstm_hmm.inference.bundle_files import KERAS, read_bundle, write_bundle


def write_variant(model: Path, folder: Path, **decision: Any) -> Path:
    """Write the model to `folder` with other keys under ``decision``, and return the folder."""

    def copy_keras(path: Path) -> None:
        shutil.copyfile(model / KERAS, path)

    bundle = read_bundle(model)
    changed = bundle.recipe.decision.model_copy(update=decision)
    recipe = bundle.recipe.model_copy(update={"decision": changed})
    write_bundle(folder, replace(bundle, recipe=recipe), save_keras=copy_keras)
    return folder
