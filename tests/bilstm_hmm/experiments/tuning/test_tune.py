"""What a search promises whatever is measured: stand-ins take the place of trainings."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from bilstm_hmm.config.loading import load_recipe
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.experiments.run_folder import open_run
from bilstm_hmm.experiments.tuning.best import SECOND_SEED
from bilstm_hmm.experiments.tuning.importances import importances
from bilstm_hmm.experiments.tuning.study import (
    ATTEMPTS,
    at_work,
    begin_trial,
    complete,
    finished,
    lost,
)
from bilstm_hmm.experiments.tuning.tune import BEST, REPORT, open_search
from tests.bilstm_hmm.experiments.tuning.stand_in import (
    BEST_DROPOUT,
    Killed,
    StandIn,
    open_at,
    options,
    quality,
    search,
    space,
)

pytestmark = pytest.mark.usefixtures("no_pictures")


def report_of(folder: Path) -> str:
    return (folder / REPORT).read_text("utf-8")


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, StandIn, list[str]]:
    """A search of 20 trials, none pruned."""
    folder, measure = tmp_path_factory.mktemp("tune") / "run", StandIn(quality)
    lines = search(folder, 20, measure, prune=False)
    return folder, measure, lines


def test_the_first_trial_is_the_recipe_itself(done: tuple[Path, StandIn, list[str]]) -> None:
    _, measure, _ = done
    assert measure.asked[0] == ("trial 0", Recipe())


def test_a_better_recipe_is_found_and_trains_at_once(
    done: tuple[Path, StandIn, list[str]],
) -> None:
    folder, measure, lines = done
    best = load_recipe(str(folder / BEST))
    assert abs(best.network.dropout - BEST_DROPOUT) < abs(0.3 - BEST_DROPOUT)
    assert best in [recipe for name, recipe in measure.asked if "again" not in name]
    assert best.seed == Recipe().seed
    assert lines[0].startswith("Yes: trial ")
    assert "the recipe itself has 65.00 and 65.00" in lines[0]
    assert "test speakers were not looked at" in lines[-1]


def test_the_best_and_the_recipe_are_measured_on_another_split(
    done: tuple[Path, StandIn, list[str]],
) -> None:
    _, measure, _ = done
    again = [recipe for name, recipe in measure.asked if name.endswith("again")]
    first = sorted((r for n, r in measure.asked if not n.endswith("again")), key=quality)
    assert len(again) == 3
    assert all(recipe.seed == Recipe().seed + SECOND_SEED for recipe in again)
    assert [r.model_copy(update={"seed": 1}) for r in again] == [Recipe(), first[-1], first[-2]]


def test_what_mattered_is_found(done: tuple[Path, StandIn, list[str]]) -> None:
    folder, _, _ = done
    shares = importances(open_at(folder))
    assert next(iter(shares)) == "network.dropout"
    assert sum(shares.values()) == pytest.approx(1.0)
    assert shares["network.dropout"] > 0.6


def test_the_report_has_every_trial(done: tuple[Path, StandIn, list[str]]) -> None:
    folder, _, lines = done
    text = report_of(folder)
    rows = re.findall(r"^\| (\d+) \| complete", text, re.MULTILINE)
    assert rows == [str(number) for number in range(20)]
    assert all(line in text for line in lines)
    for name in re.findall(r"!\[[^]]*\]\((\S+)\)", text):
        assert (folder / name).is_file()
    assert not (folder / "work").exists()


def test_more_trials_go_on_where_the_others_ended(tmp_path: Path) -> None:
    folder, measure = tmp_path / "run", StandIn(quality)
    search(folder, 3, measure, confirm=0)
    search(folder, 3, measure, confirm=0)
    assert len(measure.asked) == 3
    search(folder, 5, measure, confirm=0)
    assert [name for name, _ in measure.asked] == [f"trial {n}" for n in range(5)]
    # One that goes on does not draw what the one before drew.
    assert len({recipe.network.dropout for _, recipe in measure.asked}) == 5


@pytest.mark.parametrize("number", [0, 2])
def test_a_kill_loses_no_finished_trial_and_the_half_done_one_is_run_anew(
    tmp_path: Path, number: int
) -> None:
    folder, measure = tmp_path / "run", StandIn(quality)
    measure.ends_in = f"trial {number}"
    with pytest.raises(Killed):
        search(folder, 4, measure, confirm=0)
    measure.ends_in = None
    search(folder, 4, measure, confirm=0)
    trials = open_at(folder).trials()
    assert len(complete(trials)) == 4
    assert [t.number for t in lost(trials)] == [number]
    names, recipes = zip(*measure.asked, strict=True)
    assert names == tuple(f"trial {n}" for n in range(5))
    assert recipes[number] == recipes[number + 1]
    assert f"| {number} | lost, run anew as {number + 1} |" in report_of(folder)


def test_a_trial_that_always_ends_its_process_is_given_up(tmp_path: Path) -> None:
    folder, measure = tmp_path / "run", StandIn(quality)
    search(folder, 1, measure, confirm=0)
    for attempt in range(1, ATTEMPTS + 1):
        measure.ends_in = f"trial {attempt}"
        with pytest.raises(Killed):
            search(folder, 3, measure, confirm=0)
    search(folder, 3, measure, confirm=0)
    trials = open_at(folder).trials()
    assert [t.state.name for t in trials] == ["COMPLETE", "FAIL", "FAIL", "FAIL", "COMPLETE"]
    assert trials[1].params == trials[2].params == trials[3].params != trials[4].params
    assert len(finished(trials)) == 3
    assert "1 given up" in report_of(folder)


def test_the_recipe_itself_is_tried_again_however_often_it_ended(tmp_path: Path) -> None:
    folder, measure = tmp_path / "run", StandIn(quality)
    for attempt in range(ATTEMPTS):
        measure.ends_in = f"trial {attempt}"
        with pytest.raises(Killed):
            search(folder, 1, measure, confirm=0)
    measure.ends_in = None
    search(folder, 1, measure, confirm=0)
    assert measure.asked[-1] == (f"trial {ATTEMPTS}", Recipe())
    assert [t.number for t in complete(open_at(folder).trials())] == [ATTEMPTS]


def test_processes_share_the_trials_and_the_last_writes_the_report(tmp_path: Path) -> None:
    folder, measure = tmp_path / "run", StandIn(quality)
    other = open_at(folder, 4)
    with at_work(other):
        theirs = begin_trial(other, 4)
        lines = search(folder, 4, measure, confirm=0)
        assert [name for name, _ in measure.asked] == ["trial 1", "trial 2", "trial 3"]
        assert lines == ["Another process still has trial 0; the last one writes the report."]
        assert not (folder / REPORT).exists()
        assert theirs is not None
    # Their process ended: the trial is lost by now, and run here.
    search(folder, 4, measure, confirm=0)
    assert measure.asked[-1] == ("trial 4", Recipe())
    assert (folder / REPORT).is_file()


def test_where_no_trial_is_better_the_answer_is_no(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    lines = search(folder, 6, StandIn(lambda r: 60.0 if r == Recipe() else 50.0))
    assert lines[0].startswith("No: of 6 trials none is better than the recipe")
    assert load_recipe(str(folder / BEST)) == Recipe()
    assert lines[0] in report_of(folder)


def test_what_was_luck_in_the_first_measurement_is_not_called_better(tmp_path: Path) -> None:
    def lucky(recipe: Recipe) -> float:
        """The recipe is 60; all others have more by luck, and less on another split."""
        if recipe.network.dropout == Recipe().network.dropout:
            return 60.0
        return 64.0 if recipe.seed == Recipe().seed else 58.0

    folder = tmp_path / "run"
    lines = search(folder, 5, StandIn(lucky))
    assert lines[0].startswith("No: of 5 trials none is better than the recipe in both")
    assert load_recipe(str(folder / BEST)) == Recipe()
    # Without the second measurement it is said to be, and that it was measured once.
    lines = search(tmp_path / "once", 5, StandIn(lucky), confirm=0)
    assert lines[0].startswith("Yes: ")
    assert "Measured once" in lines[1]


def test_hopeless_trials_end_early_but_the_recipe_itself_does_not(tmp_path: Path) -> None:
    folder, measure = tmp_path / "run", StandIn(quality)
    search(folder, 12, measure, confirm=0)
    states = [trial.state.name for trial in open_at(folder).trials()]
    assert states[0] == "COMPLETE"
    assert "PRUNED" in states
    search(tmp_path / "whole", 12, measure, confirm=0, prune=False)
    whole = [trial.state.name for trial in open_at(tmp_path / "whole").trials()]
    assert set(whole) == {"COMPLETE"}


def test_values_that_do_not_go_together_are_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    tree = {"network.family": ["bilstm", "cnn_bilstm"], "network.stack": [1, 2]}
    tree["network.image"] = [None, {"channels": 1}]
    base = Recipe.model_validate({"network": {"family": "cnn_bilstm", "convolutions": []}})
    own = open_search(base, space(tree, base), folder, options(12))
    from bilstm_hmm.experiments.tuning.tune import tune
    from bilstm_hmm.progress import SilentProgress

    tune(own, base, StandIn(lambda _: 50.0), options(12), SilentProgress())
    trials = own.trials()
    left_out = [t for t in trials if t.state.name == "FAIL"]
    assert left_out
    assert all("image" in t.user_attrs["error"] for t in left_out)
    assert len(trials) == 12
    assert f"{len(left_out)} left out" in report_of(folder)


@pytest.mark.parametrize(
    ("begin", "sentence"),
    [
        (
            lambda f: open_search(Recipe(seed=2), space(), f, options(1)),
            "seed is not what the run was started with",
        ),
        (
            lambda f: open_search(Recipe(), space({"network.dropout": [0.3, 0.4]}), f, options(1)),
            "--space differs from that of the search there in training.learning_rate",
        ),
        (
            lambda f: open_search(
                Recipe(), space(), f, options(1).__class__("hmm", 1, 0, True, False, "")
            ),
            "the search there was started with --metric hybrid, not hmm",
        ),
    ],
    ids=["recipe", "space", "metric"],
)
def test_a_folder_of_another_search_is_refused(
    tmp_path: Path, begin: Callable[[Path], object], sentence: str
) -> None:
    folder = tmp_path / "run"
    open_at(folder)
    with pytest.raises(ToolkitError, match=sentence):
        begin(folder)
    open_search(Recipe(jobs=7), space(), folder, options(1))


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    folder = open_run(Recipe(), tmp_path / "trained", resume=False)
    (folder / "report.md").write_text("of a training")
    with pytest.raises(ToolkitError, match="it holds a run that is no search"):
        open_at(folder)
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "to.txt").write_text("Dear")
    with pytest.raises(ToolkitError, match="the folder is not empty"):
        open_at(tmp_path / "letters")


def test_a_study_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    open_at(folder)
    (folder / "study.db").write_bytes(b"no data base" * 500)
    with pytest.raises(ToolkitError, match=r"study\.db: cannot be opened as a study"):
        open_at(folder)
