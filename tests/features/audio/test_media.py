"""What libsndfile does not decode: through PyAV, or through the program ffmpeg."""

import shutil
import stat
import sys
from functools import partial

import av
import numpy as np
import pytest
import soundfile
import soxr
from bilstm_hmm.features.audio.decoding import media
from bilstm_hmm.features.audio.reading import open_file, read_audio
from bilstm_hmm.features.errors import AudioError

from tests.features.conftest import synthetic_voice
from tests.media import CODECS, decode, encode


@pytest.fixture(scope="module")
def speech():
    return synthetic_voice(2.0)


@pytest.fixture
def without_av(monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)


@pytest.fixture
def without_program(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)


def level(samples):
    return 10 * np.log10(np.mean(np.square(samples)) + 1e-30)


@pytest.mark.parametrize("suffix", CODECS)
def test_the_samples_are_those_of_ffmpeg(tmp_path, speech, suffix):
    path = encode(tmp_path / f"grüße: 1.{suffix}", speech)
    waveform = read_audio(path)
    rate = CODECS[suffix][1]
    decoded = decode(path)[:, 0]
    expected = soxr.resample(decoded, rate, 16000)
    assert waveform.duration == len(decoded) / rate
    count = min(len(expected), len(waveform.samples))
    assert abs(len(expected) - len(waveform.samples)) <= 1
    difference = waveform.samples[:count] - expected[:count]
    assert level(difference) < level(expected) - 60
    # What codecs for telephones leave out.
    assert {warning.partition(":")[0] for warning in waveform.warnings} <= {"band-limited"}
    assert waveform.notes == ((f"resampled from {rate} Hz",) if rate != 16000 else ())


def test_it_is_decoded_block_by_block(tmp_path, speech, monkeypatch):
    path = encode(tmp_path / "a.webm", speech)
    whole = read_audio(path)
    monkeypatch.setattr(media, "BLOCK", 4000)
    blocks = list(open_file(path))
    assert len(blocks) > 10
    np.testing.assert_allclose(np.concatenate(blocks), whole.samples, atol=1e-6)


@pytest.mark.parametrize("suffix", ["mov", "avi", "m4a"])
def test_two_channels_stay_two_until_they_are_mixed(tmp_path, speech, suffix):
    path = encode(tmp_path / f"a.{suffix}", np.stack([speech, 0 * speech], axis=1))
    waveform = read_audio(path)
    assert waveform.notes == ("2 channels mixed to one",)
    np.testing.assert_allclose(waveform.samples, decode(path).mean(axis=1), atol=1e-5)


def test_of_a_film_the_first_track_is_heard(tmp_path, speech):
    film = tmp_path / "a.mkv"
    with av.open(str(film), "w") as container:
        pictures = container.add_stream("mpeg4", rate=25, width=16, height=16)
        tracks = [container.add_stream("flac", rate=16000, layout="mono") for _ in range(2)]
        container.mux(pictures.encode(av.VideoFrame(16, 16, "yuv420p")))
        container.mux(pictures.encode(None))
        for track, gain in zip(tracks, (1.0, -0.5), strict=True):
            array = np.round(gain * speech * 32767).astype(np.int16)[None]
            frame = av.AudioFrame.from_ndarray(array, format="s16", layout="mono")
            frame.sample_rate, frame.pts = 16000, 0
            convert = av.AudioResampler("s16", "mono", 16000, track.codec_context.frame_size)
            for part in (*convert.resample(frame), *convert.resample(None)):
                container.mux(track.encode(part))
            container.mux(track.encode(None))
    np.testing.assert_allclose(read_audio(film).samples, speech, atol=1e-4)


def test_a_film_without_sound_is_refused(tmp_path):
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        pictures = container.add_stream("mpeg4", rate=25, width=16, height=16)
        container.mux(pictures.encode(av.VideoFrame(16, 16, "yuv420p")))
        container.mux(pictures.encode(None))
    with pytest.raises(AudioError, match=r"a\.mp4 holds no audio track; give a recording"):
        read_audio(path)


@pytest.mark.parametrize("suffix", ["m4a", "mkv", "wma"])
def test_what_is_cut_off_is_read_up_to_there(tmp_path, speech, suffix):
    # The index of an MP4 stands before the sound, as it does where it is made for streaming.
    options = {"movflags": "faststart"} if suffix == "m4a" else {}
    path = encode(tmp_path / f"a.{suffix}", np.tile(speech, 3), **options)
    whole = read_audio(path).samples
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    waveform = read_audio(path)
    assert 2.0 < waveform.duration < 5.0
    cut = f"cut off: cannot be decoded beyond {waveform.duration:.2f} s, labelled up to there"
    assert waveform.warnings[0] == cut
    np.testing.assert_allclose(waveform.samples[:24000], whole[:24000], atol=1e-5)


def test_a_part_that_is_damaged_is_silence_and_the_rest_keeps_its_times(tmp_path, speech):
    path = encode(tmp_path / "a.mkv", speech)
    whole = read_audio(path)
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        packets = [bytes(packet) for packet in container.demux(audio=0) if packet.size]
    middle = len(packets) // 2
    start = data.index(packets[middle])
    data[start : start + len(packets[middle])] = bytes(len(packets[middle]))
    path.write_bytes(data)
    waveform = read_audio(path)
    assert waveform.duration == whole.duration
    assert waveform.warnings == ("damaged: 1 part that cannot be decoded, silence instead",)
    same = waveform.samples == whole.samples
    assert 0.7 < same.mean() < 1.0
    assert not waveform.samples[~same].any()


def test_nothing_that_can_be_decoded_is_an_error(tmp_path, speech):
    path = encode(tmp_path / "a.m4a", speech, movflags="faststart")
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"mdat") + 4])
    with pytest.raises(AudioError, match=r"a\.m4a holds no samples that can be decoded; record"):
        read_audio(path)


@pytest.mark.usefixtures("without_av", "without_program")
def test_where_nothing_decodes_it_the_sentence_says_what_to_install(tmp_path, speech):
    (tmp_path / "a.m4a").write_bytes(b"\0\0\0\x20ftypM4A " + bytes(400))
    with pytest.raises(AudioError) as caught:
        read_audio(tmp_path / "a.m4a")
    assert str(caught.value) == (
        f"{tmp_path / 'a.m4a'} is in no format that is read without FFmpeg; install that, with "
        "pip install 'bilstm-hmm[media]' or as the program ffmpeg, or convert the file to WAV or "
        "FLAC."
    )


PROGRAM = """\
#!{python}
import sys
sound, said, status = {sound!r}, {said!r}, {status}
assert sys.argv[sys.argv.index("-i") + 1].startswith("file:/")
sys.stderr.write(said)
sys.stdout.buffer.write(open(sound, "rb").read() if sound else b"")
sys.exit(status)
"""


@pytest.fixture
def program(tmp_path, monkeypatch, without_av):
    """Install an ffmpeg that writes a file, says something and ends with a status."""

    def install(sound, said="", status=0):
        path = tmp_path / "bin" / "ffmpeg"
        path.parent.mkdir(exist_ok=True)
        path.write_text(
            PROGRAM.format(python=sys.executable, sound=str(sound), said=said, status=status)
        )
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(path.parent))

    return install


@pytest.mark.skipif(sys.platform == "win32", reason="a script is no program there")
def test_the_program_is_heard_where_pyav_is_missing(tmp_path, speech, program):
    samples = np.stack([speech, 0.5 * speech], axis=1)
    soundfile.write(tmp_path / "decoded.wav", samples, 16000, subtype="FLOAT")
    (tmp_path / "a.m4a").write_bytes(b"\0\0\0\x20ftypM4A ")
    read = partial(read_audio, tmp_path / "a.m4a")
    program(tmp_path / "decoded.wav")
    waveform = read()
    np.testing.assert_allclose(waveform.samples, samples.mean(axis=1), atol=1e-6)
    assert waveform.notes == ("2 channels mixed to one",)
    program(tmp_path / "decoded.wav", said="Error while decoding\n", status=1)
    assert read().warnings[0].startswith("cut off: cannot be decoded beyond 2.00 s")
    program("", said="Invalid data found\n", status=1)
    with pytest.raises(AudioError, match=r"a\.m4a cannot be read as audio"):
        read()
