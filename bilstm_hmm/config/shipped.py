"""Where the recipes and the models lie that come with the toolkit."""

from importlib.resources import files
from pathlib import Path
from typing import Literal


def shipped_folder(content: Literal["configs", "models"]) -> Path:
    """Return the folder of the recipes or models that ship, in a checkout or installed."""
    return Path(str(files(f"bilstm_hmm.{content}")))
