"""What is known of the run that wrote an output."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.output.run_record import (
    RunRecord,
    read_record,
    record_path,
    refuse_other_run,
    write_record,
)

RECORD = RunRecord("oracle-1", ("happy", "fröhlich"), "csv", {"--channels": "split"})


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    output = tmp_path / "labels.csv"
    assert read_record(output) is None
    refuse_other_run(output, RECORD)
    for record in (RECORD, replace(RECORD, model="oracle-2")):
        write_record(output, record)
        assert read_record(output) == record
        refuse_other_run(output, record)
    assert [path.name for path in tmp_path.iterdir()] == ["labels.csv.run.json"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": "other-2"}, "the model oracle-1, not other-2; choose another output, or"),
        ({"classes": ("happy",)}, "the emotions happy, fröhlich, not happy; choose"),
        ({"format": "tsv"}, "the format csv, not tsv; choose"),
        ({"settings": {}}, "--channels split, not its default; choose"),
        ({"settings": {"--channels": "split", "--x": "1"}}, "--x its default, not 1; choose"),
    ],
)
def test_another_run_is_refused(tmp_path: Path, changes: dict[str, object], said: str) -> None:
    write_record(tmp_path / "out.csv", RECORD)
    with pytest.raises(ToolkitError, match=f"^--output .*out.csv: it was written with {said}"):
        refuse_other_run(tmp_path / "out.csv", replace(RECORD, **changes))


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"written_by": 1}', '{"written_by": "me"}'])
def test_a_file_that_is_no_record_is_left_alone(tmp_path: Path, content: str) -> None:
    output = tmp_path / "out.csv"
    record_path(output).write_text(content)
    for use in (write_record, refuse_other_run):
        with pytest.raises(ToolkitError, match=r"out\.csv\.run\.json: not the record of an output"):
            use(output, RECORD)
    assert record_path(output).read_text() == content


def test_a_record_can_be_read_by_others(tmp_path: Path) -> None:
    write_record(tmp_path / "out.csv", RECORD)
    document = json.loads((tmp_path / "out.csv.run.json").read_text("utf-8"))
    assert document == {
        "written_by": "bilstm-hmm",
        "model": "oracle-1",
        "emotions": ["happy", "fröhlich"],
        "format": "csv",
        "options": {"--channels": "split"},
    }
