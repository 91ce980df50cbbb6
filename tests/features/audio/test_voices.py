"""One channel alone, and the turns of one speaker alone."""

import numpy as np
import pytest
import soundfile
from bilstm_hmm.features.audio.decoding import files
from bilstm_hmm.features.audio.reading import open_file
from bilstm_hmm.features.audio.voices import Voice, joined_turns
from bilstm_hmm.features.errors import AudioError


@pytest.fixture
def call(tmp_path, voice):
    """Two channels, one of them at half the level and backwards."""
    path = tmp_path / "call.wav"
    soundfile.write(path, np.stack([voice, 0.5 * voice[::-1]], axis=1), 16000, subtype="FLOAT")
    return path


def samples(path, **voice):
    return open_file(path, 16000, Voice(**voice)).waveform()


def test_a_channel_is_heard_alone(call, voice):
    first, second = samples(call, channel=1), samples(call, channel=2)
    np.testing.assert_array_equal(first.samples, voice)
    np.testing.assert_array_equal(second.samples, 0.5 * voice[::-1])
    assert first.notes == second.notes == ()
    assert samples(call).notes == ("2 channels mixed to one",)


@pytest.mark.parametrize("channel", [0, 3])
def test_a_channel_that_is_not_there(call, channel):
    with pytest.raises(AudioError) as caught:
        samples(call, channel=channel)
    assert str(caught.value) == f"{call} has 2 channels and no channel {channel}; choose another."


def test_a_damaged_channel_says_so(tmp_path, voice):
    path = tmp_path / "a.flac"
    soundfile.write(path, np.stack([voice, voice], axis=1), 16000)
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    path.write_bytes(data)
    for heard in ({"channel": 2}, {"turns": ((0.1, 0.2),)}):
        assert any(said.startswith("cut off") for said in samples(path, **heard).warnings)


@pytest.mark.parametrize("block", [1 << 18, 777])
def test_beside_the_turns_is_silence_and_times_stay(call, voice, monkeypatch, block):
    monkeypatch.setattr(files, "BLOCK", block)
    heard = samples(call, channel=1, speaker="anna", turns=((0.25, 0.5), (0.75, 2.0)))
    assert heard.duration == 1.0
    inside = np.zeros(16000, bool)
    inside[4100:7900] = inside[12100:] = True
    np.testing.assert_array_equal(heard.samples[inside], voice[inside])
    outside = np.ones(16000, bool)
    outside[4000:8000] = outside[12000:] = False
    assert not heard.samples[outside].any()


def test_no_turn_at_all_is_silence(call):
    assert not samples(call, turns=()).samples.any()


def test_turns_that_touch_are_one():
    assert joined_turns([(2.0, 3.0), (0.0, 1.0), (0.5, 1.5), (1.5, 1.75), (4.0, 4.0)]) == (
        (0.0, 1.75),
        (2.0, 3.0),
    )
