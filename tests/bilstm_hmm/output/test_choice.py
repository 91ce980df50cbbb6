"""The format that is written, by the name of the output."""

from pathlib import Path

import pytest

from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.output.choice import choose_format
from bilstm_hmm.output.formats import FORMATS


@pytest.mark.parametrize("name", FORMATS)
def test_a_suffix_is_its_format(name: str) -> None:
    suffix = FORMATS[name].suffix
    expected = "text" if suffix == ".txt" else name
    for written in (suffix, suffix.upper()):
        assert choose_format(None, Path(f"a.b/x{written}")) == expected
        assert choose_format(name, Path(f"a.b/x{written}")) == name


def test_without_a_suffix_it_is_text_or_what_is_named() -> None:
    for output in (None, Path("labels"), Path("/dev/stdout"), Path("a.csv/labels")):
        assert choose_format(None, output) == "text"
        assert choose_format("csv", output) == "csv"


def test_a_format_that_is_named_goes_into_any_name_of_no_other_format(tmp_path: Path) -> None:
    for format, name in (("csv", "x.txt"), ("srt", "x.txt"), ("png", "x.jpg"), ("text", "x.log")):
        assert choose_format(format, Path(name)) == format
    assert choose_format(None, tmp_path / "no.suffix of a format" / "..") == "text"


@pytest.mark.parametrize(
    ("format", "name", "said"),
    [
        ("csv", "x.png", r"--output x\.png: \.png is a file of the format png, not csv; leave"),
        ("png", "x.txt", r"--output x\.txt: \.txt is a file of the format text, not png; leave"),
        ("json", "x.JSONL", r"--output x\.JSONL: .* jsonl, not json; .* ends in \.json\.$"),
        (None, "x.jpg", r"--output x\.jpg: no format has the suffix \.jpg; use one of \.txt, \.js"),
        ("xml", "x.csv", r"format 'xml' is not known; choose from text, json"),
    ],
)
def test_what_contradicts_itself_is_one_sentence(format: str, name: str, said: str) -> None:
    with pytest.raises(ToolkitError, match=f"^{said}"):
        choose_format(format, Path(name))
