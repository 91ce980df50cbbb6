"""The list of runs: what folders say of themselves, whole, half-written or damaged."""

import csv
import io
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from bilstm_hmm.cli.run_list.reading import find_runs, read_run
from bilstm_hmm.cli.run_list.run_row import RunRow
from bilstm_hmm.cli.run_list.showing import SORTS, as_csv, as_lines, in_order

Command = Callable[..., "subprocess.CompletedProcess[str]"]

PROGRAM = "bilstm_hmm/__main__.py"
RECIPE: dict[str, Any] = {
    "name": "mine",
    "data": {"corpus": "emodb", "also": ["tess"], "protocol": None},
    "decision": {"system": "hmm"},
}
SCORES = {"ua": 61.5, "wa": 60.25, "ece": 0.125, "f1": 3.0, "ua_interval": None}
METRICS: dict[str, Any] = {
    "protocol": "speakers",
    "clips": 90,
    "systems": {"bilstm": {**SCORES, "ua": 50.0}, "hmm": SCORES, "hybrid": {**SCORES, "wa": 62.0}},
}
LOG = """\
2026-03-01 10:00:00,000 INFO Started: bilstm-hmm 0.1.0
2026-03-01 10:00:30,500 INFO Fold 1 of 2
2026-03-02 09:00:00,000 INFO Started: bilstm-hmm 0.1.0
a second line, of an error
2026-03-02 09:01:00,000 INFO Finished
"""


def write_run(folder: Path, files: Mapping[str, object]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        dump = yaml.safe_dump if path.suffix == ".yaml" else json.dumps
        text = content if isinstance(content, str) else dump(content)
        path.write_text(text, encoding="utf-8")
    return folder


def test_an_evaluation_says_what_it_was_and_how_it_went(tmp_path: Path) -> None:
    files = {"config.yaml": RECIPE, "evaluate.log": LOG, "metrics.json": METRICS}
    row = read_run(write_run(tmp_path / "mine", files))
    assert (row.folder, row.kind, row.recipe) == (str(tmp_path / "mine"), "evaluate", "mine")
    assert (row.corpus, row.protocol, row.clips) == ("emodb, tess", "speakers", 90)
    assert row.date is not None
    assert row.date.isoformat() == "2026-03-01T10:00:00"
    # The night between the interruption and the resumption does not count.
    assert row.seconds == pytest.approx(30.5 + 60.0)
    assert (row.state, row.note, row.decides) == ("finished", "", "hmm")
    assert row.systems["bilstm"] == {"ua": 50.0, "wa": 60.25, "ece": 0.125}
    assert (row.score("ua"), row.score("wa", "hybrid"), row.score("ece")) == (61.5, 62.0, 0.125)


def test_a_training_is_finished_with_its_bundle(tmp_path: Path) -> None:
    folder = write_run(
        tmp_path / "a", {"config.yaml": RECIPE, "train.log": LOG, "metrics.json": METRICS}
    )
    row = read_run(folder)
    assert (row.kind, row.state, row.systems) == ("train", "unfinished", {})
    assert row.note == "last line of its log at 2026-03-02 09:01"
    write_run(folder, {"bundle/metrics.json": METRICS})
    assert read_run(folder).state == "finished"
    assert read_run(folder).score("ua") == 61.5


def test_older_logs_and_none_are_read_as_far_as_they_go(tmp_path: Path) -> None:
    old = "2026-03-01 10:00:00,000 INFO Reading\n2026-03-01 10:00:10,000 INFO Fold 1"
    row = read_run(write_run(tmp_path / "old", {"config.yaml": RECIPE, "train.log": old}))
    assert row.seconds == 10.0
    folder = write_run(tmp_path / "new", {"config.yaml": RECIPE})
    os.utime(folder / "config.yaml", (1e9, 1e9))
    row = read_run(folder)
    assert (row.kind, row.seconds, row.note) == ("unknown", None, "it has no log")
    assert row.date is not None
    assert row.date.timestamp() == 1e9
    row = read_run(write_run(tmp_path / "empty", {"train.log": "no line of a log\n"}))
    assert (row.kind, row.recipe, row.corpus, row.seconds) == ("train", None, None, None)


def test_how_far_an_evaluation_has_come(tmp_path: Path) -> None:
    files = {"config.yaml": RECIPE, "evaluate.log": LOG, "fold1.csv": "", "fold4.csv": ""}
    row = read_run(write_run(tmp_path, files))
    assert row.state == "unfinished"
    assert row.note.startswith("2 folds finished, last line of its log at 2026-03-02 09:01")


def test_corpora_left_out_are_shown_by_their_means(tmp_path: Path) -> None:
    recipe = {**RECIPE, "data": {**RECIPE["data"], "protocol": "unheard"}}
    folder = write_run(tmp_path, {"config.yaml": recipe, "evaluate.log": LOG})
    assert read_run(folder).kind == "unheard"
    means = {"0": {"hmm": SCORES}, "20": {"hmm": {**SCORES, "ua": 99.0}}}
    metrics = {"protocol": "unheard", "clips": 5, "corpora": {"a": {}, "b": {}}, "mean": means}
    row = read_run(write_run(folder, {"metrics.json": {**metrics, "system": "hmm"}}))
    assert (row.kind, row.score("ua"), row.note) == (
        *("unheard", 61.5, "means of 2 corpora left out"),
    )


def test_timelines_have_another_score(tmp_path: Path) -> None:
    systems = {"windows": {"eder": 60.0}, "composite-hmm": {"eder": 41.25}}
    metrics = {"protocol": "timeline-ravdess", "recordings": 24, "systems": systems}
    files = {"config.yaml": RECIPE, "evaluate.log": LOG, "metrics.json": metrics}
    row = read_run(write_run(tmp_path, files))
    assert (row.kind, row.clips, row.systems, row.score("ua")) == ("timelines", 24, {}, None)
    assert row.note == "recordings; EDER 41.2 % by composite-hmm"


def test_conditions_are_shown_by_the_clean_one(tmp_path: Path) -> None:
    metrics = {
        **{"protocol": "conditions", "model": "open-1234", "corpus": "tess", "clips": 7},
        **{"system": "hybrid", "conditions": {"clean": SCORES, "hum": {**SCORES, "ua": 1.0}}},
    }
    files = {"setting.json": {}, "evaluate.log": LOG, "metrics.json": metrics}
    row = read_run(write_run(tmp_path, files))
    assert (row.kind, row.recipe, row.corpus) == ("conditions", "open-1234", "tess")
    assert row.score("ua") == 61.5


def test_a_search_is_known_by_its_study(tmp_path: Path) -> None:
    folder = write_run(tmp_path, {"study.db": "SQLite", "config.yaml": RECIPE, "tune.log": LOG})
    assert (read_run(folder).kind, read_run(folder).state) == ("tune", "unfinished")
    write_run(folder, {"report.md": "# Search"})
    assert (read_run(folder).recipe, read_run(folder).state) == ("mine", "finished")


@pytest.mark.parametrize(
    ("damage", "note"),
    [
        ({"config.yaml": "name: [mine"}, "config.yaml is not whole"),
        ({"config.yaml": "mine"}, "config.yaml holds no keys and values"),
        ({"config.yaml": {"data": 7}}, "its files are not as a run leaves them"),
        ({"metrics.json": '{"protocol": "spea'}, "metrics.json is not whole"),
        ({"metrics.json": "[" * 100_000}, "metrics.json is not whole"),
        ({"metrics.json": [1]}, "metrics.json holds no keys and values"),
        ({"metrics.json": {"clips": 3}}, "its files are not as a run leaves them"),
        ({"metrics.json": {**METRICS, "systems": [3]}}, "its files are not as a run leaves them"),
        (
            {"metrics.json": {**METRICS, "systems": {"hmm": {"ua": "much"}}}},
            "its files are not as a run leaves them",
        ),
    ],
)
def test_a_damaged_folder_has_a_row_that_says_so(
    tmp_path: Path, damage: Mapping[str, object], note: str
) -> None:
    files = {"config.yaml": RECIPE, "evaluate.log": LOG, "metrics.json": METRICS}
    row = read_run(write_run(tmp_path, {**files, **damage}))
    assert (row.kind, row.state, row.note) == ("evaluate", "broken", note)
    assert row.seconds is not None


def test_bytes_that_are_no_text_are_damage(tmp_path: Path) -> None:
    folder = write_run(tmp_path, {"train.log": LOG})
    (folder / "train.log").write_bytes(b"\xff\xfe" + LOG.encode())
    (folder / "config.yaml").write_bytes(b"\xff\xfe\x00")
    assert (read_run(folder).state, read_run(folder).note) == ("broken", "config.yaml is not whole")


def test_a_name_that_is_no_text_can_be_printed(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    try:
        write_run(folder, {"config.yaml": RECIPE})
    except OSError:
        pytest.skip("this file system has no such names")
    assert read_run(folder).folder == f"{tmp_path}/caf\\udce9"


def test_runs_are_found_below_folders_and_bundles_are_none(tmp_path: Path) -> None:
    for name in ("b", "deep/er/a", "mlflow-artifacts/x", "cache/y", ".hidden/z", "1/2/3/4"):
        write_run(tmp_path / name, {"config.yaml": RECIPE})
    write_run(tmp_path / "b" / "fold1", {"config.yaml": RECIPE})
    write_run(tmp_path / "model", {"bundle.json": {}, "config.yaml": RECIPE})
    (tmp_path / "link").symlink_to(tmp_path / "b", target_is_directory=True)
    found = [path.relative_to(tmp_path).as_posix() for path in find_runs(tmp_path)]
    assert found == ["b", "deep/er/a"]
    assert list(find_runs(tmp_path / "b")) == [tmp_path / "b"]


def row(folder: str, **keys: Any) -> RunRow:
    return RunRow(folder, "train", **keys)


def test_the_best_and_the_latest_come_first_and_the_unknown_last() -> None:
    best = row("c", decides="hmm", systems={"hmm": {"ua": 70.0, "ece": 0.2}}, seconds=5.0)
    worse = row("a", decides="hmm", systems={"hmm": {"ua": 60.0, "ece": 0.1}}, seconds=9.0)
    unknown = row("b")
    rows = [unknown, worse, best]

    def order(by: str) -> str:
        return "".join(one.folder for one in in_order(rows, by))

    by = {name: order(name) for name in ("ua", "ece", "duration", "folder", "date")}
    assert by == {"ua": "cab", "ece": "acb", "duration": "acb", "folder": "abc", "date": "bac"}
    assert all(len(in_order(rows, name)) == 3 for name in SORTS)


def test_csv_has_a_column_for_each_score_and_runs_no_formula() -> None:
    systems = {"hybrid": {"ua": 70.0, "wa": 71.0, "ece": 0.25}}
    text = as_csv([row("=cmd()", decides="hybrid", systems=systems)])
    (read,) = csv.DictReader(io.StringIO(text))
    assert read["folder"] == "'=cmd()"
    assert (read["hybrid_ua"], read["hybrid_ece"], read["hmm_ua"]) == ("70.0", "0.25", "")


def test_a_narrow_terminal_has_lines() -> None:
    systems = {"hmm": {"ua": 70.0, "wa": 71.0, "ece": 0.25}}
    whole = row("a", recipe="mine", decides="hmm", systems=systems, seconds=90.0, corpus="tess")
    assert list(as_lines(whole)) == [
        "a: train of mine, unfinished",
        "    tess, 1 min 30 s",
        "    UA hmm 70.0; WA 71.0, ECE 0.250",
    ]
    assert list(as_lines(row("b", note="it has no log"))) == [
        "b: train, unfinished",
        "    it has no log",
    ]


def test_the_command_lists_what_a_training_left(trained, command: Command, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    shutil.copytree(trained.folder, runs / "whole", ignore=shutil.ignore_patterns("tensorboard"))
    write_run(runs / "half", {"config.yaml": "name: [tiny"})
    done = command(PROGRAM, "runs", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    scores = json.loads((trained.folder / "metrics.json").read_text("utf-8"))["systems"]["hybrid"]
    (line,) = [line for line in done.stdout.splitlines() if "runs/whole" in line]
    for text in ("train", "tiny", "folders", "speakers", f"{scores['ua']:.1f}", "finished"):
        assert text in line
    row_of_half, note = [line for line in done.stdout.splitlines() if "runs/half" in line]
    assert row_of_half.rstrip().endswith(" broken")
    assert note == " runs/half: config.yaml is not whole"
    done = command(
        "bilstm_hmm/__main__.py", "runs", runs, "--format", "json", "--sort", "folder", "--reverse"
    )
    whole, half = json.loads(done.stdout)
    assert (whole["kind"], whole["state"], half["state"]) == ("train", "finished", "broken")
    assert whole["systems"]["hybrid"]["ua"] == scores["ua"]
    assert whole["seconds"] > 0.0


def test_what_cannot_be_listed_is_one_sentence(command: Command, tmp_path: Path) -> None:
    for arguments, words in (
        (("--format", "xml"), "--format xml: choose from text, json, csv."),
        (("--sort", "size"), "--sort size: choose from date, folder, kind, "),
        ((tmp_path / "none",), "none: no such folder; give one that holds runs."),
    ):
        done = command(PROGRAM, "runs", *arguments, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert words in done.stderr
    done = command(PROGRAM, "runs", tmp_path)
    assert (done.returncode, done.stdout) == (0, f"{tmp_path}: no runs there.\n")


def test_a_name_is_shown_and_not_obeyed(tmp_path: Path) -> None:
    assert read_run(tmp_path / "run\x1b[31m\n").folder == rf"{tmp_path}/run\x1b[31m\n"
