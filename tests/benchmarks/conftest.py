"""A folder of corpora with the synthetic one in it."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def corpora(synthetic: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("corpora")
    (home / "folders").symlink_to(synthetic)
    return home
