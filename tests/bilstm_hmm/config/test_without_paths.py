"""A recipe that goes to others does not say where somebody's files lie."""

from pathlib import Path

from bilstm_hmm.config.loading import dump_recipe, recipe_from_tree
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.config.without_paths import without_paths

ENCODER = {"model": "/home/anna/encoder.onnx", "input": "waveform"}


def test_no_path_is_left_and_everything_else_is() -> None:
    recipe = recipe_from_tree(
        {
            "name": "mine",
            "cache": "/home/anna/cache",
            "tracking": "mlflow",
            "tracking_uri": "http://anna:secret@host",
            "data": {
                **{"root": "/home/anna/a", "roots": {"tess": "/home/anna/b"}},
                **{"home": "/home/anna/c", "corpus": "emodb"},
            },
            "augmentation": {"recorded_noise": {"probability": 0.5, "folder": "/home/anna/noise"}},
            "distillation": {"encoder": ENCODER, "components": 8},
        },
        "test",
    )
    assert dump_recipe(recipe).count("anna") == 7
    plain = without_paths(recipe)
    assert "anna" not in dump_recipe(plain)
    assert (plain.cache, plain.tracking) == (Recipe().cache, Recipe().tracking)
    assert plain.distillation.encoder is not None
    assert plain.distillation.encoder.model == "encoder.onnx"
    assert plain.augmentation.recorded_noise.folder == Path("noise")
    assert (plain.name, plain.data.corpus) == ("mine", "emodb")


def test_a_recipe_without_paths_stays_as_it_is() -> None:
    assert without_paths(Recipe()) == Recipe()
