"""Everything a user can get wrong: a label with a warning, or one sentence and its cure."""

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from bilstm_hmm.features.errors import AudioError
from numpy.typing import NDArray

from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.inference.model import Model

RATE = 16000


@pytest.fixture
def clip(recording: Path) -> NDArray[np.float64]:
    return soundfile.read(recording)[0]


def assert_usable(prediction: object, *warnings: str) -> None:
    """A label, probabilities that sum to one, finite segments, and these warnings."""
    shares = list(prediction.probabilities.values())
    assert np.isfinite(shares).all()
    assert sum(shares) == pytest.approx(1.0, abs=1e-9)
    assert prediction.emotion in prediction.probabilities
    assert prediction.segments
    for segment in prediction.segments:
        assert 0.0 <= segment.start <= segment.end <= prediction.duration + 1e-9
        assert np.isfinite(segment.confidence)
    for warning in warnings:
        assert any(warning in said for said in prediction.warnings), prediction.warnings
    json.dumps(prediction.to_dict(), allow_nan=False)


# Odd, but a recording: labelled, with a warning where the answer is the worse for it.


@pytest.mark.parametrize(
    ("rate", "subtype"),
    [
        *((8000, "PCM_16"), (96000, "PCM_16"), (11025, "PCM_24"), (RATE, "PCM_U8")),
        *((RATE, "PCM_24"), (RATE, "PCM_32"), (RATE, "FLOAT"), (RATE, "DOUBLE"), (RATE, "ULAW")),
    ],
)
def test_rates_and_sample_formats(
    model: Model,
    clip: NDArray[np.float64],
    recording: Path,
    tmp_path: Path,
    rate: int,
    subtype: str,
) -> None:
    from scipy.signal import resample_poly

    path = tmp_path / "x.wav"
    divisor = int(np.gcd(rate, RATE))
    samples = resample_poly(clip, rate // divisor, RATE // divisor)
    soundfile.write(path, np.clip(samples, -1.0, 1.0), rate, subtype=subtype)
    said = model.predict(path)
    assert_usable(said)
    assert said.warnings == ()
    assert said.notes == (() if rate == RATE else (f"resampled from {rate} Hz",))
    assert said.duration == pytest.approx(len(clip) / RATE, abs=1e-3)
    if subtype in ("PCM_24", "PCM_32", "FLOAT", "DOUBLE") and rate == RATE:
        expected = model.predict(recording)
        assert list(said.probabilities.values()) == pytest.approx(
            list(expected.probabilities.values()), abs=1e-3
        )


@pytest.mark.parametrize("channels", [2, 6])
def test_more_channels(
    model: Model, clip: NDArray[np.float64], tmp_path: Path, channels: int
) -> None:
    path = tmp_path / "x.wav"
    soundfile.write(path, np.tile(clip[:, None], (1, channels)), RATE)
    said = model.predict(path)
    assert_usable(said)
    assert (said.warnings, said.notes) == ((), (f"{channels} channels mixed to one",))


@pytest.mark.parametrize("seconds", [0.5, 3.0])
def test_silence(model: Model, tmp_path: Path, seconds: float) -> None:
    path = tmp_path / "x.wav"
    soundfile.write(path, np.zeros(int(seconds * RATE)), RATE)
    said = model.predict(path)
    assert (said.emotion, said.confidence, said.probabilities) == (None, None, {})
    assert said.warnings == ()


@pytest.mark.parametrize("count", [1, 2, 159, 400])
def test_hardly_a_sample(model: Model, tmp_path: Path, count: int) -> None:
    path = tmp_path / "x.wav"
    soundfile.write(path, np.full(count, 0.5), RATE)
    for said in (model.predict(path), model.predict(np.full(count, 0.5), RATE)):
        assert said.emotion is None
        assert any("too short" in warning for warning in said.warnings)


def test_an_end_that_is_missing(model: Model, recording: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(recording.read_bytes()[:20000])
    assert_usable(model.predict(path), "cut off")


def test_noise_and_clipping(model: Model, clip: NDArray[np.float64], tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    soundfile.write(path, np.clip(40.0 * clip, -1.0, 1.0), RATE)
    assert_usable(model.predict(path), "clipped")
    noise = np.random.default_rng(1).standard_normal(2 * RATE)
    soundfile.write(path, 0.1 * noise, RATE)
    assert_usable(model.predict(path), "noisy")


# No recording: one sentence that names the file and the cure, from the API and the command.


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _text(path: Path) -> None:
    path.write_text("This is no recording. " * 50)


def _half_a_header(path: Path) -> None:
    soundfile.write(path, np.zeros(1000), RATE)
    path.write_bytes(path.read_bytes()[:30])


def _no_samples(path: Path) -> None:
    soundfile.write(path, np.zeros(0), RATE)


def _samples(value: float) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        samples = np.zeros(1000)
        samples[500] = value
        soundfile.write(path, samples, RATE, subtype="FLOAT")

    return write


NO_RECORDINGS = {
    "empty": (_empty, "is empty (0 bytes); record or copy it again"),
    "text": (_text, "cannot be read as audio", "convert it to WAV or FLAC"),
    "half a header": (_half_a_header, "cannot be read as audio", "copy it again if it is damaged"),
    "no samples": (_no_samples, "holds no samples; record or copy it again"),
    "NaN": (_samples(np.nan), "infinite or not a number; export it again"),
    "infinity": (_samples(np.inf), "infinite or not a number; export it again"),
    "minus infinity": (_samples(-np.inf), "infinite or not a number; export it again"),
}


@pytest.mark.parametrize("kind", NO_RECORDINGS)
def test_what_is_no_recording(
    model: Model, oracle: Path, command: Callable[..., object], tmp_path: Path, kind: str
) -> None:
    make, *words = NO_RECORDINGS[kind]
    path = tmp_path / "x.wav"
    make(path)
    with pytest.raises(AudioError) as caught:
        model.predict(path)
    done = command("predict.py", "--file", path, "--model", oracle, "--format", "json")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{caught.value}\n"
    for word in (str(path), *words):
        assert word in done.stderr


def test_an_array_of_no_use(model: Model) -> None:
    for array, words in (
        (np.array([]), "holds no samples"),
        (np.array([0.0, np.nan]), "not a number"),
        (np.zeros((2, 2, 2)), "has the shape"),
        (np.array(["a"]), "is of type"),
        (np.array([1j]), "is of type"),
    ):
        with pytest.raises(AudioError, match=words):
            model.predict(array, RATE)


def test_a_missing_file(model: Model, command: Callable[..., object], tmp_path: Path) -> None:
    with pytest.raises(AudioError, match=r"x.wav does not exist; check the path"):
        model.predict(tmp_path / "x.wav")
    done = command("predict.py", "--file", tmp_path / "x.wav")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"--file {tmp_path / 'x.wav'}: No such file or directory; check the path." in done.stderr


def test_a_file_that_may_not_be_read(model: Model, recording: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    shutil.copy(recording, path)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.raises(AudioError, match="may not be read; ask for permission"):
        model.predict(path)


def test_a_folder_for_a_file(model: Model, tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="is a folder, not an audio file; name a file in it"):
        model.predict(tmp_path)


# Corpora and recipes: told by train.py before anything is made.


def one_emotion(root: Path) -> None:
    for speaker in "ab":
        (root / "sad" / speaker).mkdir(parents=True)
        soundfile.write(root / "sad" / speaker / "1.wav", np.zeros(100), RATE)


def one_clip_of_a_class(root: Path) -> None:
    one_emotion(root)
    (root / "happy" / "a").mkdir(parents=True)
    soundfile.write(root / "happy" / "a" / "1.wav", np.zeros(100), RATE)


def one_speaker(root: Path) -> None:
    for emotion in ("sad", "happy"):
        (root / emotion / "a").mkdir(parents=True)
        for number in range(3):
            soundfile.write(root / emotion / "a" / f"{number}.wav", np.zeros(100), RATE)


def nothing(root: Path) -> None:
    root.mkdir()


def emodb(root: Path) -> None:
    root.mkdir()
    for emotion in "WLEAFTN":
        soundfile.write(root / f"03a01{emotion}a.wav", np.zeros(100), RATE)


def garbage(root: Path) -> None:
    for emotion in ("sad", "happy"):
        for speaker in "ab":
            (root / emotion / speaker).mkdir(parents=True)
            (root / emotion / speaker / "1.wav").write_text("no audio")


@pytest.mark.parametrize(
    ("make", "changes", "words"),
    [
        (nothing, [], ["{root} has no audio files: give the folder that holds"]),
        (emodb, ["data.corpus=ravdess"], ["{root} does not hold", "use the corpus name emodb"]),
        (one_emotion, [], ["data.classes: 1 class left", "keep more"]),
        (one_clip_of_a_class, [], ["the class happy has a single clip", "data.label_map"]),
        (one_speaker, [], ["needs at least two speakers", "--set data.speaker_dependent=true"]),
        (one_speaker, ["data.corpus=nothing"], ["no corpus 'nothing': use one of ravdess,"]),
        (one_speaker, ["data.fold=7", "data.speaker_dependent=true"], ["there is no fold 7; choo"]),
        (
            one_speaker,
            ["augmentation.recorded_noise={{probability: 0.1, folder: nowhere}}"],
            ["augmentation.recorded_noise.folder: nowhere is no folder; give one"],
        ),
        (
            one_speaker,
            ["training.epoch=1"],
            ["--set training.epoch=1: unknown key"],
        ),
        (one_speaker, ["training.epochs=two"], ["training.epochs", "given 'two'"]),
        (one_speaker, ["data.root=null"], ["data.root is not set; say where folders lies"]),
        (one_speaker, ["data.root={root}/no"], ["{root}/no does not exist: give the folder"]),
        (one_speaker, ["data.root={root}/sad/a/1.wav"], ["1.wav is not a folder: give the fol"]),
    ],
)
def test_train_tells_before_it_makes_anything(
    tiny: Path,
    command: Callable[..., object],
    tmp_path: Path,
    make: Callable[[Path], None],
    changes: list[str],
    words: list[str],
) -> None:
    root = tmp_path / "corpus"
    make(root)
    settings = [f"data.root={root}", *(change.format(root=root) for change in changes)]
    arguments = [part for setting in settings for part in ("--set", setting)]
    run = tmp_path / "run"
    done = command("train.py", "--config", tiny, "--output", run, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    for word in words:
        assert word.format(root=root) in done.stderr
    assert done.stderr.count("\n") == 1
    assert not run.exists()


def test_a_corpus_without_one_readable_clip(
    tiny: Path, command: Callable[..., object], tmp_path: Path
) -> None:
    root = tmp_path / "corpus"
    garbage(root)
    run = tmp_path / "run"
    done = command("train.py", "--config", tiny, "--output", run, "--set", f"data.root={root}")
    assert (done.returncode, done.stdout) == (2, "")
    assert "None of the 4 clips can be read; check data.root or data.home." in done.stderr
    assert "Traceback" not in done.stderr
    assert (run / "train.log").read_text("utf-8").count("cannot be read as audio") == 4


def test_an_output_on_a_full_disk(tiny: Path, tmp_path: Path, monkeypatch) -> None:
    from bilstm_hmm.config.loading import load_recipe
    from bilstm_hmm.experiments.run_folder import open_run

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ToolkitError, match=r"^cannot write .*config.yaml: the disk is full; free"):
        open_run(load_recipe(str(tiny)), tmp_path / "run", resume=False)
    assert list((tmp_path / "run").iterdir()) == []


def test_a_bundle_that_was_cut_off(
    oracle: Path, command: Callable[..., object], recording: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(oracle, folder)
    network = folder / "network.onnx"
    network.write_bytes(network.read_bytes()[:-1])
    done = command("predict.py", "--file", recording, "--model", folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"{folder}: the bundle is damaged (network.onnx does not match its checksum); "
        "copy it again or train it anew.\n"
    )


def test_real_clips_are_labelled(model: Model) -> None:
    root = os.environ.get("EMOTION_CORPORA")
    if not root:
        pytest.skip("EMOTION_CORPORA is unset")
    for corpus in ("ravdess", "emodb", "tess", "crema-d"):
        paths = sorted(
            p for p in (Path(root) / corpus).rglob("*") if p.suffix in (".flac", ".opus")
        )
        for path in paths[:: len(paths) // 3]:
            assert_usable(model.predict(path))
