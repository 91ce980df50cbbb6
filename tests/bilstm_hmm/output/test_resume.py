import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.output.formats import render
from bilstm_hmm.output.resume import RESUMABLE_FORMATS, keep_finished, read_finished
from bilstm_hmm.prediction import Failure, Prediction, Result

CLASSES = ("happy", 'the "blues"')
file_names = st.lists(
    st.text(st.sampled_from("ab=é'\"\n\r\t,;\\ \u2028\udcff{}"), min_size=1, max_size=8),
    unique=True,
    max_size=6,
)


def _result(name: str, fails: bool) -> Result:
    if fails:
        return Failure(name, 'no "sound"\nin it')
    shares = dict.fromkeys(CLASSES, 0.5)
    return Prediction(name, CLASSES[1], 0.5, shares, 1.0, (), ("a, b",), "m")


def _written(results: list[Result], format: str) -> str:
    return render(results, format, many=True, timeline=False, classes=CLASSES)


@pytest.mark.parametrize("format", RESUMABLE_FORMATS)
@given(names=file_names, data=st.data())
@settings(deadline=None)
def test_a_run_cut_anywhere_goes_on_to_the_whole(
    format: str, names: list[str], data: st.DataObject
) -> None:
    results = [_result(name, fails=data.draw(st.booleans())) for name in names]
    text = _written(results, format)
    cut = text[: data.draw(st.integers(0, len(text)))]
    finished = read_finished(cut, format)
    kept = keep_finished(cut, format, finished)
    labelled = [r for r in results if isinstance(r, Prediction)]
    assert finished == {r.file: {""} for r in labelled[: len(finished)]}
    assert read_finished(kept, format) == finished
    rest = render(
        [r for r in labelled if r.file not in finished],
        format,
        many=True,
        timeline=False,
        classes=CLASSES,
        header=not kept,
    )
    assert kept + rest == _written(labelled, format)
    assert read_finished(text, format) == {r.file: {""} for r in labelled}


@pytest.mark.parametrize("format", ["text", "json", "srt", "xml"])
def test_other_formats_cannot_be_resumed(format: str) -> None:
    with pytest.raises(ToolkitError, match=f"{format} format cannot be resumed; choose from jsonl"):
        read_finished("", format)


@pytest.mark.parametrize(
    ("format", "text"),
    [
        ("jsonl", "not json\n"),
        ("jsonl", "[1]\n"),
        ("jsonl", '{"name": "a"}\n'),
        ("csv", "name,age\nx,3\n"),
        ("csv", "file,emotion,confidence\na,b\n"),
        ("tsv", "file,emotion,confidence\n"),
    ],
)
def test_a_file_of_another_kind_is_refused(format: str, text: str) -> None:
    with pytest.raises(ToolkitError, match="choose another output or start afresh"):
        read_finished(text, format)
