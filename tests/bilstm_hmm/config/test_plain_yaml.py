"""YAML that means harm, or is broken, is refused in a short sentence, and soon."""

import random
from pathlib import Path

import pytest
import yaml

from bilstm_hmm.config.loading import dump_recipe, load_recipe
from bilstm_hmm.config.reading.plain_yaml import PlainYamlError, parse_yaml
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.errors import ToolkitError, brief

LAUGHS = "".join(
    f"{name}: &{name} [{', '.join(f'*{before}' for _ in range(9))}]\n" if before else "a: &a [x]\n"
    for before, name in zip(["", *"abcdefgh"], "abcdefghi", strict=True)
)
#: Merges of merges: each line has all keys of the one above, nine times over.
MERGES = LAUGHS.replace("[x]", "{x: 1}").replace("[*", "{<<: [*").replace("]\n", "]}\n")
REFUSED = {
    "no float": ("seed: !!float x", "no float"),
    "no date": ("seed: 2020-13-45", "no timestamp"),
    "no timestamp": ("seed: !!timestamp x", "no timestamp"),
    "no int": ("seed: !!int ''", "no int"),
    "no bool": ("seed: !!bool x", "no bool"),
    "digits": (f"seed: {'9' * 5000}", "no int"),
    "hex digits": (f"seed: 0x{'f' * 5000}", "more than 64 bits"),
    "brackets": (f"seed: {'[' * 3000}", "more than 40 levels"),
    "closed brackets": (f"seed: {'[' * 3000}{']' * 3000}", "more than 40 levels"),
    "braces": (f"seed: {'{a: ' * 3000}", "more than 40 levels"),
    "dashes": (f"seed:\n  {'- ' * 3000}1", "more than 40 levels"),
    "laughs": (LAUGHS, "more than 20000 values, aliases written out"),
    "merges": (MERGES, "more than 20000 values, aliases written out"),
    "itself": ("seed: &a [*a]", "more than 20000 values, aliases written out"),
    "twice": ("seed: 1\nname: x\nseed: 2", "the key seed stands there twice"),
    "twice inside": ("data: {root: a, root: b}", "the key root stands there twice"),
    "long": (f"name: {'x' * 300_000}", "more than 200000 characters"),
    "tag": (f"name: !!python/name:{'x' * 10_000} 1", "could not determine a constructor"),
    "two documents": ("seed: 1\n---\nseed: 2", "single document"),
    "binary": ("name: !!binary é", "binary"),
}


def sentence(text: str, tmp_path: Path) -> str:
    path = tmp_path / "recipe.yaml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ToolkitError) as caught:
        load_recipe(str(path))
    message = str(caught.value)
    assert message.startswith(str(path))
    assert message.isprintable()
    assert len(message) < 1000 + len(str(path))
    return message


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    text, words = REFUSED[name]
    assert words in sentence(text, tmp_path)


@pytest.mark.parametrize("name", [name for name in REFUSED if "long" not in name])
def test_overrides_are_held_to_the_same(name: str) -> None:
    value = REFUSED[name][0].removeprefix("seed: ")
    with pytest.raises(ToolkitError) as caught:
        load_recipe("config.yaml", [f"seed={value}"])
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    "text",
    [
        f"name: [{'x' * 100_000}]",
        f"{'x' * 100_000}: 1",
        f"data: {{{'x' * 50_000}: 1}}",
        f"data: {{classes: [{', '.join(['[1]'] * 5000)}]}}",
        f"seed: {'x' * 100_000}",
        f"cache: [{'x' * 100_000}]",
        '"a\\nb\\e[31m": 1',
        'name: ["a\\nb\\e[31m"]',
    ],
)
def test_what_is_wrong_is_not_echoed_whole(text: str, tmp_path: Path) -> None:
    sentence(text, tmp_path)


def test_a_long_override_is_not_echoed_whole() -> None:
    for override in (f"seed={'x' * 100_000}", "x" * 100_000, f"{'x.' * 50_000}y=1"):
        with pytest.raises(ToolkitError) as caught:
            load_recipe("config.yaml", [override])
        assert len(str(caught.value)) < 1500


def test_aliases_and_merges_within_reason() -> None:
    text = "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: [*a, *a]"
    assert parse_yaml(text) == yaml.safe_load(text)
    assert parse_yaml("") is None


def test_a_key_of_two_kinds_is_two_keys() -> None:
    assert parse_yaml("{1: a, '1': b}") == {1: "a", "1": "b"}


def test_recipes_altered_anywhere(tmp_path: Path) -> None:
    """A recipe, or a sentence; the campaign that found 30 tracebacks, in small."""
    whole = dump_recipe(Recipe())
    pieces = [text for text, _ in REFUSED.values() if len(text) < 1000]
    rng = random.Random("altered recipes")
    path = tmp_path / "recipe.yaml"
    n_refused = 0
    for _ in range(40):
        start = rng.randrange(len(whole))
        length = rng.choice((0, 1, 7, 300))
        piece = rng.choice([*pieces, "\0", "\t", "'", "!!", "&", "*", "? ", ".inf", "1e999", "~"])
        path.write_text(whole[:start] + piece + whole[start + length :], encoding="utf-8")
        try:
            load_recipe(str(path))
        except ToolkitError:
            n_refused += 1
    assert n_refused > 20


def test_what_parses_as_nothing_has_a_reason() -> None:
    with pytest.raises(PlainYamlError, match=r"special characters"):
        parse_yaml("a: \0")


def test_quoted_text_is_short_and_on_one_line() -> None:
    assert brief("a\nb\x1b[2J\u202e", 80) == r"a\nb\x1b[2J\u202e"
    assert brief("x" * 100, 10) == "x" * 10 + "..."
    assert brief("é und 音") == "é und 音"
