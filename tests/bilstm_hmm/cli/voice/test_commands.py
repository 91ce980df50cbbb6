"""``voice learn``, ``voice show`` and ``predict --voice``."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bilstm_hmm.inference.model import Model
from bilstm_hmm.inference.voice.profile import VoiceProfile
from tests.oracle import EMOTIONS, RATE, say

Program = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def anna(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings of one voice, two clips of it in a folder below, and one without speech."""
    folder = tmp_path_factory.mktemp("anna")
    (folder / "more").mkdir()
    for place, emotion in enumerate(EMOTIONS):
        path = folder / ("more" if place > 2 else "") / f"{place}.wav"
        soundfile.write(path, say(emotion, 4), RATE)
    soundfile.write(folder / "silence.wav", np.zeros(RATE), RATE)
    return folder


def test_a_voice_is_learned_shown_and_known(
    program: Program, anna: Path, oracle_voices: Path, voice_model: Model, tmp_path: Path
) -> None:
    profile = tmp_path / "anna.voice"
    learn = ("voice", "learn", anna, "--model", oracle_voices, "--output", profile)
    status, out, err = program(*learn)
    assert (status, err) == (0, f"{anna / 'silence.wav'}: nobody speaks in it; left out.\n")
    known = VoiceProfile.load(profile)
    said = f"{profile}: 5 clips, {known.seconds:.1f} s of speech, 1 kB; it holds no audio.\n"
    assert out == said
    expected = voice_model.voice(*sorted(anna.rglob("*.wav")))
    np.testing.assert_allclose(known.moments.mean, expected.moments.mean, rtol=1e-4, atol=1e-3)

    status, out, err = program("voice", "show", profile)
    assert (status, err) == (0, "")
    assert out.splitlines()[0] == f"{profile}: 5 clips, {known.seconds:.1f} s of speech"
    assert "mean and variance of 48 features\n" in out
    assert "no model that is here by name" in out

    clip = anna / "1.wav"
    predict = ("predict", clip, "--model", oracle_voices, "--format", "json")
    told = json.loads(program(*predict, "--voice", profile)[1])
    assert told == voice_model.predict(clip, voice=known).to_dict()
    assert told != json.loads(program(*predict)[1])

    # It is not replaced unasked, and --add goes on with it.
    before = profile.read_bytes()
    status, out, err = program(*learn)
    assert (status, out) == (2, "")
    assert err == f"{profile} exists already; replace it with --overwrite (overwrite=True).\n"
    assert profile.read_bytes() == before
    program(*learn, "--add")
    assert VoiceProfile.load(profile).n_clips == 10
    program(*learn, "--overwrite")
    assert profile.read_bytes() == before


def test_in_a_folder_every_recording_is_of_that_voice(
    program: Program, anna: Path, oracle_voices: Path, voice_model: Model, tmp_path: Path
) -> None:
    known = voice_model.voice(*sorted(anna.glob("[012].wav")))
    known.save(tmp_path / "anna.voice")
    known = VoiceProfile.load(tmp_path / "anna.voice")
    table = tmp_path / "labels.jsonl"
    ask = ("predict", anna, "--model", oracle_voices, "--output", table)
    assert program(*ask, "--voice", tmp_path / "anna.voice")[0] == 0
    rows = [json.loads(line) for line in table.read_text("utf-8").splitlines()]
    for row in rows:
        expected = voice_model.predict(row["file"], voice=known).to_dict()
        assert row["emotion"] == expected["emotion"]
        assert row["probabilities"] == pytest.approx(expected["probabilities"], abs=2e-4)
    # An output goes on with the same voice alone.
    assert program(*ask, "--resume", "--voice", tmp_path / "anna.voice")[0] == 0
    status, _, err = program(*ask, "--resume")
    assert status == 2
    assert f"written with --voice anna.voice ({known.checksum}), not its default" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("voice", "learn", "-", "--output", "x.voice"), "A voice is learned from files"),
        (
            ("voice", "learn", "{anna}", "--output", "x.voice", "--add", "--overwrite"),
            "--add goes on with what --overwrite replaces",
        ),
        (("voice", "learn", "{anna}", "--output", "x.voice", "--add"), "x.voice: No such file"),
        (("voice", "learn", "{anna}/silence.wav", "--output", "x.voice"), "Nobody speaks in the"),
        (("voice", "show", "{anna}/0.wav"), "0.wav: not a voice profile"),
        (("predict", "{anna}/0.wav", "--voice", "{anna}/0.wav"), "0.wav: not a voice profile"),
        (
            ("predict", "{anna}/0.wav", "--voice", "x", "--channels", "split"),
            "--voice is that of one speaker: not with --channels split or --speakers",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(
    program: Program,
    anna: Path,
    oracle_voices: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    given = [argument.format(anna=anna) for argument in arguments]
    if "learn" in given:
        given += ["--model", str(oracle_voices)]
    status, out, err = program(*given)
    assert (status, out) == (2, "")
    assert message in err.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_knows_no_voices_leaves_the_output_alone(
    program: Program, anna: Path, oracle: Path, oracle_voices: Path, tmp_path: Path
) -> None:
    profile, table = tmp_path / "anna.voice", tmp_path / "labels.csv"
    program("voice", "learn", anna, "--model", oracle_voices, "--output", profile)
    table.write_text("mine", encoding="utf-8")
    ask = ("--voice", profile, "--output", table, "--overwrite", "--model", oracle)
    status, _, err = program("predict", anna, *ask)
    assert status == 2
    assert "was not trained to know voices" in err
    assert table.read_text("utf-8") == "mine"
    status, _, err = program("voice", "learn", anna, "--model", oracle, "--output", "new.voice")
    assert status == 2
    assert "was not trained to know voices" in err


def test_a_file_that_cannot_be_read_stops_no_others(
    program: Program, anna: Path, oracle_voices: Path, tmp_path: Path
) -> None:
    junk, profile = tmp_path / "junk.wav", tmp_path / "anna.voice"
    junk.write_bytes(b"nothing")
    paths = (anna / "0.wav", junk, tmp_path / "gone.wav", anna / "1.wav")
    learn = ("voice", "learn", *paths, "--model", oracle_voices, "--output", profile)
    status, out, err = program(*learn)
    assert status == 1
    assert [str(junk) in err, "gone.wav" in err, len(err.splitlines())] == [True, True, 2]
    assert "2 clips" in out
