"""Who speaks when: RTTM files, and one sentence for each that is wrong."""

import pytest
from bilstm_hmm.features.audio.rttm import speakers_of
from bilstm_hmm.features.audio.voices import Voice
from bilstm_hmm.features.errors import AudioError

CALL = """\
;; a comment
SPKR-INFO call 1 <NA> <NA> <NA> unknown bo <NA> <NA>

SPEAKER call 1 1.50 0.50 <NA> <NA> bo <NA> <NA>
SPEAKER call 1 0.00 1.25 <NA> <NA> anna <NA> <NA>
SPEAKER call 1 2.00 0.25 <NA> <NA> bo 0.9
"""


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "call.rttm"
        path.write_text(text, "utf-8")
        return path

    return write


def test_each_speaker_has_turns(write):
    assert speakers_of(write(CALL), "in/call.wav") == (
        Voice(None, "anna", ((0.0, 1.25),)),
        Voice(None, "bo", ((1.5, 2.25),)),
    )
    assert speakers_of(write(CALL), "another name.wav", channel=2)[0].channel == 2


def test_of_several_recordings_the_one_meant_is_read(write):
    path = write(CALL + "SPEAKER other 1 5 1 <NA> <NA> cy <NA> <NA>\n")
    assert [voice.speaker for voice in speakers_of(path, "call.wav")] == ["anna", "bo"]
    assert [voice.speaker for voice in speakers_of(path, "other.wav")] == ["cy"]
    with pytest.raises(AudioError, match=r"tells of 2 recordings, but not of third; give the RTTM"):
        speakers_of(path, "third.wav")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("anna 0 1", r"line 8: it is no line of RTTM; write SPEAKER FILE CHANNEL START DURATION"),
        ("SPEAKER call 1 0 1 <NA>", r"line 8: it is no line of RTTM"),
        ("SPEAKER call 1 zero 1 <NA> <NA> bo", r"line 8: zero and 1 are no start and duration"),
        ("SPEAKER call 1 0 -1 <NA> <NA> bo", r"line 8: 0 and -1 are no start and duration"),
        ("SPEAKER call 1 nan 1 <NA> <NA> bo", r"line 8: nan and 1 are no start and duration"),
        ("SPEAKER call 1 0 inf <NA> <NA> bo", r"line 8: 0 and inf are no start and duration"),
    ],
)
def test_a_wrong_line_is_named(write, line, words):
    path = write(f"{CALL}\n{line}\n")
    with pytest.raises(AudioError, match=words) as caught:
        speakers_of(path, "call.wav")
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_tell_of_nobody(write, tmp_path):
    with pytest.raises(AudioError, match=r"is empty; give the RTTM file of call\.wav"):
        speakers_of(write(";; nobody\n"), "call.wav")
    with pytest.raises(AudioError, match=r"cannot be read as RTTM \(No such file"):
        speakers_of(tmp_path / "none.rttm", "call.wav")
    (tmp_path / "call.rttm").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(AudioError, match=r"cannot be read as RTTM \(it is not text in UTF-8"):
        speakers_of(tmp_path / "call.rttm", "call.wav")
