"""The walk with an own corpus names commands and a space that the toolkit takes."""

import re

import yaml

from bilstm_hmm.config.loading import load_recipe
from bilstm_hmm.experiments.tuning.space import space_from_tree
from tests.docs.pages import DOCS, commands

WALK = DOCS / "guide" / "walk.md"


def test_the_walk_goes_through_all_that_an_own_corpus_takes() -> None:
    words = [command.split()[1:3] for command in commands(WALK) if "bilstm-hmm" in command]
    names = [" ".join(pair) if pair[0] == "corpora" else pair[0] for pair in words]
    steps = ["corpora check", "score", "train", "tune", "runs", "predict", "corpora label-issues"]
    assert [name for name in dict.fromkeys(names) if name in steps] == steps


def test_its_space_can_be_searched_in_its_recipe() -> None:
    lines = re.findall(r"^    ((?:training|network)\.\w+: .*)$", WALK.read_text("utf-8"), re.M)
    assert lines
    space = space_from_tree(
        yaml.safe_load("\n".join(lines)), "small.yaml", load_recipe("config.yaml"), "bilstm"
    )
    assert {dimension.key for dimension in space.dimensions} == {
        line.partition(":")[0] for line in lines
    }
