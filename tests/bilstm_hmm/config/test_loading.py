"""Reading recipes: what is found, what is overridden, and what is wrong in one sentence."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bilstm_hmm.config.loading import dump_recipe, load_recipe, recipe_from_tree, recipe_path
from bilstm_hmm.config.network_settings import NetworkSettings
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.config.suggestions import suggest_key
from bilstm_hmm.errors import ToolkitError

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def write(tmp_path: Path):
    def written(text: str | bytes) -> str:
        path = tmp_path / "recipe.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return written


def refused(name: str, overrides: list[str], *words: str) -> None:
    with pytest.raises(ToolkitError) as caught:
        load_recipe(name, overrides)
    message = str(caught.value)
    for word in words:
        assert word in message
    assert "\n" not in message
    assert message.endswith(".")
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    "path", sorted((REPOSITORY / "configs").glob("*.yaml")), ids=lambda path: path.name
)
def test_every_recipe_that_ships_is_valid(path: Path) -> None:
    recipe = load_recipe(str(path))
    assert load_recipe(path.name) == recipe
    assert recipe_from_tree(yaml.safe_load(dump_recipe(recipe)), "again") == recipe


def test_a_recipe_is_found_by_path_and_by_name(
    write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shipped = recipe_path("config.yaml")
    assert shipped == recipe_path("config")
    assert shipped.samefile(REPOSITORY / "configs" / "config.yaml")
    own = tmp_path / "config.yaml"
    own.write_text("seed: 7")
    assert load_recipe("config.yaml").seed == 7
    refused("nowhere.yaml", [], "--config nowhere.yaml: no such file", "config.yaml")
    refused(str(tmp_path), [], "no such file; give a path or one of")


def test_an_empty_recipe_is_all_defaults(write) -> None:
    assert load_recipe(write("")) == Recipe()
    assert load_recipe(write("# nothing\n")) == Recipe()


def test_overrides_are_read_as_yaml(write) -> None:
    overrides = [
        "training.epochs=5",
        "training.learning_rate=1e-4",
        "data.classes=[happy, sad]",
        "data.label_map={calm: neutral}",
        "data.root=/some/where",
        "data.speaker_dependent=true",
        "cache=null",
        "network={family: cnn_lstm, units: [8]}",
        "name=a=b",
    ]
    recipe = load_recipe(write("data:\ntraining: {epochs: 3, batch_size: 7}"), overrides)
    assert (recipe.training.epochs, recipe.training.batch_size) == (5, 7)
    assert recipe.training.learning_rate == 1e-4
    assert recipe.data.classes == ("happy", "sad")
    assert recipe.data.label_map == {"calm": "neutral"}
    assert recipe.data.root == Path("/some/where")
    assert recipe.data.speaker_dependent is True
    assert recipe.cache is None
    assert recipe.network == NetworkSettings(family="cnn_lstm", units=(8,))
    assert recipe.name == "a=b"


def test_the_last_override_holds(write) -> None:
    assert load_recipe(write("seed: 1"), ["seed=2", "seed=3"]).seed == 3


@given(
    st.builds(
        lambda seed, root, classes, units: Recipe.model_validate(
            {
                "seed": seed,
                "data": {"root": root, "classes": classes},
                "network": {"units": units},
            }
        ),
        st.integers(0, 2**31),
        st.none() | st.text("abc/ é'\"#:{}", min_size=1),
        st.none() | st.lists(st.text(min_size=1), min_size=1),
        st.lists(st.integers(1, 1024), min_size=1),
    )
)
@settings(deadline=None, max_examples=30)
def test_a_recipe_written_out_is_read_the_same(recipe: Recipe) -> None:
    assert recipe_from_tree(yaml.safe_load(dump_recipe(recipe)), "again") == recipe


def test_a_recipe_written_out_names_every_key() -> None:
    tree = yaml.safe_load(dump_recipe(Recipe()))
    assert tree.keys() == Recipe.model_fields.keys()
    for section, keys in tree.items():
        if isinstance(keys, dict) and section != "data":
            assert keys.keys() == type(getattr(Recipe(), section)).model_fields.keys()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "epochs: 3",
            ["unknown key epochs (did you mean ", "allowed here: augmentation, bundle, cache"],
        ),
        (
            "training: {epoch: 3}",
            ["key training.epoch (did you mean training.epochs?); allowed here: b"],
        ),
        ("augmentation: {noise: {snr: 1}}", ["unknown key augmentation.noise.snr", "snr_db"]),
        (
            "network: {convolutions: [{kernels: 3}]}",
            ["(did you mean network.convolutions.0.kernel?)", "filters, kernel, pool, stride."],
        ),
        ("training: {epochs: many}", ["training.epochs", "integer", "given 'many'"]),
        ("training: {epochs: 0}", ["training.epochs", "greater than or equal to 1", "given 0"]),
        ("training: {epochs: 1.5}", ["training.epochs", "integer", "given 1.5"]),
        ("training: 3", ["training: expected keys and values below it (given 3)"]),
        ("network: {family: rnn}", ["network.family", "'cnn_bilstm'", "given 'rnn'"]),
        ("network: {units: []}", ["network.units", "at least 1 item"]),
        ("network: {convolutions: [{kernel: 4}]}", ["network.convolutions.0", "must be odd"]),
        (
            "features: {streams: mfcc}",
            ["features.streams: expected a list, as in [one, two] (given 'mfcc')"],
        ),
        ("features: {fmax: 9000}", ["features: fmin must lie below fmax, and fmax at or below"]),
        ("data: {label_map: {1: a}}", ["data.label_map", "string"]),
        ("data: {label_map: 1}", ["data.label_map: expected keys and values, as in {old: new}"]),
        ("1: 2", ["1: Keys should be strings"]),
        ("[1, 2]", ["expected keys and values, as in configs/config.yaml"]),
        ("seed: [", ["not valid YAML", "line 1"]),
        ("a: b: c", ["not valid YAML"]),
        ("seed: !!python/object/apply:os.system [ls]", ["not valid YAML"]),
        (b"\xff\xfe\x00", ["not valid YAML"]),
    ],
)
def test_what_is_wrong_is_named(write, text: str | bytes, words: list[str]) -> None:
    name = write(text)
    refused(name, [], name, *words)


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("training.epochs", ["expected key=value, for instance --set training.epochs=5"]),
        ("=5", ["expected key=value"]),
        ("training..epochs=5", ["expected key=value"]),
        ("training.epochs=[", ["the value '[' is not valid YAML"]),
        ("seed.x=5", ["--set seed.x=5: seed is a value, not a section"]),
        ("training.epoch=5", ["unknown key training.epoch (did you mean training.epochs?); al"]),
        ("epochs=5", ["(did you mean pretraining.epochs or training.epochs?); allowed here: aug"]),
        ("trainin.epochs=5", ["unknown key trainin (did you mean training?); allowed here"]),
        ("trainer.patience=5", ["unknown key trainer", "; allowed here: augmentation"]),
        ("network={units: [4], unitz: 1}", ["unknown key network.unitz (did you mean network.uni"]),
        ("training=", ["training: expected keys and values below it (given None)"]),
        ("training.epochs=many", ["training.epochs: ", "integer", "(given 'many')"]),
        ("features.fmax=9000", ["features: fmin must lie below fmax"]),
    ],
)
def test_overrides_that_are_wrong(write, override: str, words: list[str]) -> None:
    name = write("seed: 1")
    with pytest.raises(ToolkitError) as caught:
        load_recipe(name, ["seed=3", override, "data.root=x"])
    assert str(caught.value).startswith(f"--set {override}: ")
    assert name not in str(caught.value)
    refused(name, [override], *words)


def test_what_is_wrong_in_the_file_is_not_blamed_on_an_option(write) -> None:
    name = write("training: {epoch: 3}")
    refused(name, ["training.epochs=5", "seed=2"], f"{name}: unknown key training.epoch (did you")
    # Of several options the one that is wrong.
    refused(write(""), ["seed=x", "training.epochs=5"], "--set seed=x: seed: ", "(given 'x')")


def test_a_key_is_suggested_only_where_one_is_alike() -> None:
    assert suggest_key(("training", "learnin_rate")) == "training.learning_rate"
    assert suggest_key(("expected_duration",)) == "timeline.expected_duration"
    assert suggest_key(("trainign", "batchsize")) == "training.batch_size"
    assert suggest_key(("network", "convolutions", 0, "filter")) == "network.convolutions.0.filters"
    assert suggest_key(("xyz",)) is None


def test_a_recipe_that_cannot_be_read(write, monkeypatch: pytest.MonkeyPatch) -> None:
    name = write("seed: 1")

    def forbidden(self: Path, *args: object, **kwargs: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", forbidden)
    refused(name, [], name, "cannot be read (Permission denied)")
