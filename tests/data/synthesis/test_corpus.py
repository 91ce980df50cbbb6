import hashlib
import itertools
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from bilstm_hmm.data.errors import DataError
from bilstm_hmm.data.synthesis.corpus import (
    STYLES,
    SYNTHETIC_EMOTIONS,
    synthesise,
    write_corpus,
    write_wav,
)
from bilstm_hmm.data.synthesis.source_filter import Tracks, render_voice, resonance
from hypothesis import given, settings
from hypothesis import strategies as st

SAMPLES = Path(__file__).parents[3] / "samples"


def _steady(
    pitch: float, formants: list[float], *, seconds: float = 1.0, **tracks: float
) -> Tracks:
    n = int(seconds / 0.005)
    levels = {"voicing": 1.0, "aspiration": 0.0, "frication": 0.0, "tilt": 0.0} | tracks
    return Tracks(
        step=0.005,
        pitch=np.full(n, pitch),
        formants=np.tile(formants, (n, 1)),
        bandwidths=np.full((n, len(formants)), 80.0),
        frication_centre=np.full(n, 4000.0),
        **{name: np.full(n, level) for name, level in levels.items()},
    )


@given(
    emotion=st.sampled_from(SYNTHETIC_EMOTIONS),
    speaker=st.integers(0, 10_000),
    seed=st.integers(0, 2**40),
    rate=st.sampled_from([8000, 11025, 16000, 44100]),
)
@settings(max_examples=25, deadline=None)
def test_every_utterance_is_a_proper_recording(
    emotion: str, speaker: int, seed: int, rate: int
) -> None:
    samples = synthesise(emotion, speaker, seed, rate)
    assert samples.dtype == np.float32
    assert samples.ndim == 1
    assert 1.0 < len(samples) / rate < 3.5
    assert np.isfinite(samples).all()
    assert 0.01 < np.abs(samples).max() <= 1.0
    assert abs(samples.mean()) < 0.01
    np.testing.assert_array_equal(samples, synthesise(emotion, speaker, seed, rate))


def test_each_argument_makes_a_difference() -> None:
    calls = itertools.product(("happy", "sad"), (0, 1), (0, 1))
    digests = {hashlib.sha256(synthesise(*call).tobytes()).hexdigest() for call in calls}
    assert len(digests) == 8


def loudest_period(sound: np.ndarray, shortest: int, longest: int) -> float:
    """The lag in samples at which a sound is most like itself."""
    spectrum = np.fft.rfft(sound, 2 * len(sound))
    likeness = np.fft.irfft(np.abs(spectrum) ** 2)
    lag = shortest + int(likeness[shortest:longest].argmax())
    before, at, behind = likeness[lag - 1 : lag + 2]
    return lag + 0.5 * (before - behind) / (before - 2 * at + behind)


@pytest.mark.parametrize("pitch", [97.0, 130.0, 211.0, 340.0])
def test_the_pitch_is_the_one_asked_for(pitch: float) -> None:
    tracks = _steady(pitch, [500.0, 1500.0, 2500.0])
    sound = render_voice(tracks, 16000, np.random.default_rng(0), jitter=0.0, shimmer=0.0)
    assert 16000 / loudest_period(sound, 32, 266) == pytest.approx(pitch, rel=0.01)


@pytest.mark.parametrize("formants", [(300.0, 2200.0), (700.0, 1100.0), (500.0, 1500.0)])
def test_breath_peaks_at_the_formants(formants: tuple[float, float]) -> None:
    tracks = _steady(100.0, list(formants), seconds=8, voicing=0.0, aspiration=1.0)
    sound = render_voice(tracks, 16000, np.random.default_rng(1))
    power = np.abs(np.fft.rfft(sound[: 250 * 512].reshape(250, 512) * np.hanning(512))) ** 2
    spectrum = power.mean(axis=0)
    for formant in formants:
        near = slice(int((formant - 200) / 31.25), int((formant + 200) / 31.25) + 1)
        peak = (near.start + spectrum[near].argmax()) * 31.25
        assert peak == pytest.approx(formant, abs=70)


def test_a_resonance_is_the_filter_of_its_recursion() -> None:
    from scipy.signal import freqz

    frequencies = np.linspace(0, 7900, 100)
    radius = np.exp(-np.pi * 90 / 16000)
    b, c = 2 * radius * np.cos(2 * np.pi * 1200 / 16000), -(radius**2)
    _, expected = freqz([1 - b - c], [1, -b, -c], worN=frequencies, fs=16000)
    ours = resonance(frequencies, np.array(1200.0), np.array(90.0), 16000)
    np.testing.assert_allclose(ours, expected, rtol=1e-9)


def test_tilt_takes_the_stated_decibels_an_octave() -> None:
    def level(tilt: float, low: float, high: float) -> float:
        sound = render_voice(
            _steady(100.0, [500.0], tilt=tilt), 16000, np.random.default_rng(0), jitter=0
        )
        power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
        at = np.fft.rfftfreq(len(sound), 1 / 16000)
        return float(10 * np.log10(power[(at > low) & (at < high)].sum()))

    fall = [level(0.0, *band) - level(6.0, *band) for band in ((950, 1050), (1950, 2050))]
    assert fall == pytest.approx([6.0, 12.0], abs=0.5)


def test_emotions_differ_in_the_ways_of_their_styles() -> None:
    def mean_level(emotion: str) -> float:
        clips = [synthesise(emotion, s, k) for s in range(6) for k in range(3)]
        return float(np.mean([20 * np.log10(np.sqrt(np.mean(c**2))) for c in clips]))

    assert mean_level("angry") > mean_level("neutral") + 3 > mean_level("sad") + 6
    assert set(STYLES) == set(SYNTHETIC_EMOTIONS)


def test_emotion_is_learnable_on_unseen_speakers_but_not_given_away() -> None:
    import librosa
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    def described(speakers: range) -> tuple[np.ndarray, list[str]]:
        rows, truth = [], []
        for emotion, speaker, seed in itertools.product(SYNTHETIC_EMOTIONS, speakers, range(2)):
            mfcc = librosa.feature.mfcc(y=synthesise(emotion, speaker, seed), sr=16000, n_mfcc=13)
            rows.append(np.concatenate([mfcc.mean(axis=1), mfcc.std(axis=1)]))
            truth.append(emotion)
        return np.array(rows), truth

    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
    model.fit(*described(range(6)))
    accuracy = model.score(*described(range(6, 12)))
    assert 2.2 / len(SYNTHETIC_EMOTIONS) < accuracy < 0.97


def test_a_corpus_is_a_folder_tree_and_made_once(tmp_path: Path) -> None:
    root = tmp_path / "corpus"
    assert write_corpus(root, speakers=2, clips_per_emotion=2, seed=3) == 20
    paths = sorted(root.rglob("*.wav"))
    assert {p.relative_to(root).as_posix() for p in paths} == {
        f"{emotion}/{speaker}/{clip}.wav"
        for emotion in SYNTHETIC_EMOTIONS
        for speaker in ("00", "01")
        for clip in ("00", "01")
    }
    info = soundfile.info(paths[0])
    assert (info.samplerate, info.channels, info.subtype) == (16000, 1, "PCM_16")
    before = {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in paths}
    assert len({content for _, content in before.values()}) == 20
    paths[3].unlink()
    assert write_corpus(root, speakers=2, clips_per_emotion=2, seed=3) == 20
    assert {p: p.read_bytes() for p in paths} == {p: content for p, (_, content) in before.items()}
    untouched = [p for p in paths if p.stat().st_mtime_ns == before[p][0]]
    assert len(untouched) == 19
    assert {p.name for p in root.iterdir()} == {*SYNTHETIC_EMOTIONS, "synthetic.json"}


def test_the_same_seed_gives_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    write_corpus(tmp_path / "here", speakers=1, clips_per_emotion=1, seed=5)
    code = (
        "import sys; from pathlib import Path;"
        "from bilstm_hmm.data.synthesis.corpus import write_corpus;"
        "write_corpus(Path(sys.argv[1]), speakers=1, clips_per_emotion=1, seed=5);"
        "sys.exit('scipy' in sys.modules or 'librosa' in sys.modules)"
    )
    other_root = str(tmp_path / "there")
    subprocess.run([sys.executable, "-c", code, other_root], check=True, cwd=SAMPLES.parent)
    for path in (tmp_path / "here").rglob("*.wav"):
        relative = path.relative_to(tmp_path / "here")
        assert path.read_bytes() == (tmp_path / "there" / relative).read_bytes()


def test_wrong_arguments_are_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'joyful' is not synthesised; choose from neutral, happy"):
        synthesise("joyful", 0, 0)
    for arguments in [(-1, 0, 16000), (0, -1, 16000), (0, 0, 4000)]:
        with pytest.raises(DataError, match="do not make an utterance"):
            synthesise("sad", *arguments)
    for numbers in [{"speakers": 0}, {"clips_per_emotion": 0}, {"seed": -1}]:
        with pytest.raises(DataError, match="do not make a corpus"):
            write_corpus(tmp_path / "new", **numbers)
    write_corpus(tmp_path, speakers=1, clips_per_emotion=1)
    with pytest.raises(DataError, match="made with other numbers"):
        write_corpus(tmp_path, speakers=1, clips_per_emotion=1, seed=1)


def test_what_cannot_be_written_is_named(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    with pytest.raises(DataError, match=r"cannot write .*file"):
        write_corpus(in_the_way, speakers=1, clips_per_emotion=1)
    with pytest.raises(DataError, match=r"cannot write .*a\.wav"):
        write_wav(in_the_way / "a.wav", synthesise("sad", 0, 0))
    (tmp_path / "b.wav").mkdir()
    with pytest.raises(DataError, match=r"cannot write .*b\.wav"):
        write_wav(tmp_path / "b.wav", synthesise("sad", 0, 0))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b.wav", "file"]


def test_the_samples_are_the_synthesisers_own(tmp_path: Path) -> None:
    """And can be made again, where the README says so."""
    runpy.run_path(str(SAMPLES / "make.py"))["make"](tmp_path)
    names = {path.name for path in SAMPLES.glob("*.wav")}
    assert {path.name for path in tmp_path.iterdir()} == names
    for name in names:
        sample, rate = soundfile.read(SAMPLES / name, dtype="int16")
        synthesised, _ = soundfile.read(tmp_path / name, dtype="int16")
        assert rate == 16000
        # The renderings of two machines may differ in the last bit of a sum.
        assert np.abs(synthesised.astype(int) - sample).max() <= 1
        assert f"`{name}`" in (SAMPLES / "README.md").read_text(encoding="utf-8")
