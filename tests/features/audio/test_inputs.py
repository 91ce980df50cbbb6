"""Whatever somebody has a recording as becomes the same samples, or is refused in one sentence."""

import array
import io
from collections import deque
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
import soundfile
from bilstm_hmm.features.audio.inputs import recording_input, samples_of
from bilstm_hmm.features.errors import AudioError

RATE = 16000
MONO = np.random.default_rng(3).uniform(-0.5, 0.5, 1200).astype(np.float32)
STEREO = np.stack([MONO, -0.5 * MONO], axis=1)
BLOCKS = [MONO[:500], MONO[500:1000], MONO[1000:]]


class Tensor:
    """As PyTorch's: nothing to NumPy while it has a gradient or lies on another device."""

    def __init__(self, values, ready=(False, False)):
        self.values, self.ready = values, ready

    def detach(self):
        return Tensor(self.values, (True, self.ready[1]))

    def cpu(self):
        return Tensor(self.values, (self.ready[0], True))

    def __array__(self, dtype=None, copy=None):
        if self.ready != (True, True):
            raise RuntimeError("Can't call numpy() on Tensor that requires grad.\nUse detach().")
        if self.values is None:
            raise TypeError("Got unsupported ScalarType BFloat16")
        return self.values


class Pipe(io.BytesIO):
    """In which nobody can go back."""

    def seekable(self):
        return False

    def seek(self, *where):
        raise io.UnsupportedOperation


class Capsule:
    """What gives itself away by DLPack alone."""

    def __dlpack__(self, **options):
        return MONO.__dlpack__(**options)

    def __dlpack_device__(self):
        return MONO.__dlpack_device__()


AS_SAMPLES = {
    "array": lambda: MONO,
    "list": MONO.tolist,
    "tuple": lambda: tuple(MONO),
    "deque": lambda: deque(MONO.tolist()),
    "generator of samples": lambda: (float(sample) for sample in MONO),
    "generator of blocks": lambda: iter(BLOCKS),
    "generator of equal blocks": lambda: iter([*MONO.reshape(2, 600)]),
    "list of blocks": lambda: BLOCKS,
    "many equal blocks": lambda: [*MONO.reshape(12, 100)],
    "blocks of Python numbers": lambda: (block.tolist() for block in BLOCKS),
    "typed array": lambda: array.array("f", MONO.tobytes()),
    "typed memory": lambda: memoryview(MONO),
    "tensor": lambda: Tensor(MONO),
    "blocks as tensors": lambda: map(Tensor, BLOCKS),
    "by DLPack": Capsule,
}


@pytest.mark.parametrize("kind", AS_SAMPLES)
def test_samples_of_every_kind_are_the_same(kind):
    np.testing.assert_array_equal(samples_of(AS_SAMPLES[kind]()), MONO)


@pytest.mark.parametrize(
    "given",
    [
        STEREO,
        STEREO.tolist(),
        [*STEREO],
        (tuple(row) for row in STEREO.tolist()),
        iter([STEREO[:700], STEREO[700:]]),
    ],
)
def test_channels_stay_apart(given):
    np.testing.assert_array_equal(samples_of(given), STEREO)


def test_the_type_of_samples_says_their_scale():
    whole = np.round(MONO * 32767).astype(np.int16)
    for given in (whole, iter([whole[:600], whole[600:]]), array.array("h", whole.tobytes())):
        found = samples_of(given)
        assert found.dtype == np.int16
        np.testing.assert_array_equal(found, whole)


WAV = io.BytesIO()
soundfile.write(WAV, MONO, RATE, format="WAV", subtype="FLOAT")
AS_FILE = {
    "bytes": (lambda path: path.read_bytes(), "bytes"),
    "bytearray": (lambda path: bytearray(path.read_bytes()), "bytes"),
    "memory": (lambda path: memoryview(path.read_bytes()), "bytes"),
    "BytesIO": (lambda path: io.BytesIO(path.read_bytes()), "bytes"),
    "BytesIO that was just written": (lambda path: WAV, "bytes"),
    "open file": (lambda path: path.open("rb"), None),
    "pipe": (lambda path: Pipe(path.read_bytes()), "bytes"),
    "path": (lambda path: path, None),
    "name": (str, None),
}


@pytest.mark.parametrize("kind", AS_FILE)
def test_encoded_files_are_decoded(kind, tmp_path):
    path = tmp_path / "talk.wav"
    path.write_bytes(WAV.getvalue())
    make, name = AS_FILE[kind]
    with ExitStack() as closed, recording_input(opened := make(path), None, RATE) as given:
        if kind == "open file":
            closed.push(opened)
        assert given.file == (name or str(path))
        np.testing.assert_array_equal(given.open().waveform().samples, MONO)


def test_nothing_is_left_of_the_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with recording_input(WAV.getvalue(), None, RATE) as given:
        given.open().waveform()
        assert [*tmp_path.iterdir()]
    with (
        pytest.raises(AudioError, match=r"^bytes cannot be read as audio \(.*\); convert it"),
        recording_input(b"no audio at all", None, RATE) as given,
    ):
        given.open()
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            STEREO.T,
            r"shape \(2, 1200\), with the channels first; transpose it to \[n, n_channels\]",
        ),
        (STEREO.T.tolist(), "channels first; transpose it"),
        ([*STEREO.T], "channels first; transpose it"),
        (MONO[None], "channels first; transpose it"),
        (Tensor(STEREO.T), "channels first; transpose it"),
        (None, "A NoneType is no recording; give a path, samples"),
        (5, "An int is no recording"),
        ({"samples": MONO}, "A dict is no recording"),
        ({0.5, 0.1}, "A set is no recording"),
        (["a.wav", "b.wav"], "label them together with predict_many"),
        ([Path("a.wav")], "label them together with predict_many"),
        ((MONO, RATE), r"are two arguments; give predict\(samples, rate\)"),
        ([0.1, [0.2]], "are not all numbers"),
        (iter([STEREO, MONO]), "different numbers of channels"),
        (Tensor(None), r"cannot be turned into an array \(Got unsupported ScalarType BFloat16\); "),
        (io.StringIO("text"), "is open as text; open it in binary mode"),
        (b"", r"^bytes is empty \(0 bytes\)"),
        ([], "holds no samples"),
        (iter(()), "holds no samples"),
        ([1, 2, 3], "is of type int64; give int8, uint8"),
        ([1j], "is of type complex128"),
        ([0.1, None], "is of type object"),
        ([0.1, "a"], "is of type <U"),
        ([0.1, float("nan")], "infinite or not a number"),
        (iter([MONO, np.full_like(MONO, np.inf)]), "infinite or not a number"),
        ("nowhere.wav", "nowhere.wav does not exist"),
    ],
)
def test_what_is_no_recording_is_refused_in_one_sentence(given, words):
    with (
        pytest.raises(AudioError, match=words) as caught,
        recording_input(given, RATE, RATE) as opened,
    ):
        opened.open().waveform()
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        (None, r"comes without its sampling rate; give it in Hz, as in predict\(samples, rate=16"),
        ("16000", "is given as '16000'; it must be a number of Hz"),
        (True, "is given as True; it must be a number of Hz"),
        (0, "is given as 0"),
        (float("nan"), "is given as nan"),
    ],
)
def test_samples_need_their_rate(rate, words):
    with (
        pytest.raises(AudioError, match=words),
        recording_input(MONO, rate, RATE) as given,
    ):
        given.open()


def test_a_file_has_its_own_rate():
    with recording_input(WAV.getvalue(), None, 8000) as given:
        assert len(given.open().waveform().samples) == len(MONO) // 2
