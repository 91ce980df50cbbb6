"""Which clips are drawn, and who babbles behind them."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile
from bilstm_hmm.data.clip import Clip
from bilstm_hmm.features.audio.reading import read_audio
from bilstm_hmm.features.degradation.conditions import CONDITIONS, Condition

from bilstm_hmm.experiments.conditions.clips import DegradedClips, draw_clips


def clips_of(**counts: int) -> list[Clip]:
    return [
        Clip(Path(f"{emotion}{n}.wav"), f"{emotion}{n}.wav", emotion, f"mine-{n}", "mine")
        for emotion, count in counts.items()
        for n in range(count)
    ]


@pytest.mark.parametrize(
    ("limit", "expected"),
    [(10, {"sad": 7, "happy": 2, "angry": 1}), (3, {"sad": 1, "happy": 1, "angry": 1})],
)
def test_each_emotion_keeps_its_share_and_one_clip_at_least(
    limit: int, expected: dict[str, int]
) -> None:
    clips = clips_of(sad=70, happy=20, angry=10)
    drawn = draw_clips(clips, limit)
    assert Counter(clip.emotion for clip in drawn) == expected
    assert drawn == draw_clips(clips, limit)
    assert [clips.index(clip) for clip in drawn] == sorted(clips.index(clip) for clip in drawn)
    assert draw_clips(clips, None) == draw_clips(clips, 100) == tuple(clips)


def test_who_babbles_is_somebody_else(tmp_path: Path) -> None:
    """Every speaker has a frequency: the babble has those of all but the clip's own."""
    time = np.arange(16000) / 16000
    clips = []
    for speaker in range(4):
        for take in range(2):
            name = f"{speaker}-{take}.wav"
            soundfile.write(tmp_path / name, np.sin(2 * np.pi * 500 * (speaker + 1) * time), 16000)
            clips.append(Clip(tmp_path / name, name, "sad", f"mine-{speaker}", "mine"))
    degraded = DegradedClips(tuple(clips), 16000, jobs=1)
    changed = degraded.degraded(clips[2], CONDITIONS["babble-10"])
    own = read_audio(clips[2].path, 16000).samples
    # Exactly a whole number of periods: no leakage.
    power = np.abs(np.fft.rfft(changed - own)) ** 2
    levels = power[[500, 1000, 1500, 2000]] / power.max()
    assert levels[1] < 1e-3
    assert levels[[0, 2, 3]].min() > 1e-2
    np.testing.assert_array_equal(changed, degraded.degraded(clips[2], CONDITIONS["babble-10"]))


def test_files_are_there_as_long_as_the_block_runs(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.full(800, 0.5), 16000)
    (tmp_path / "b.wav").write_bytes(b"no sound")
    clips = tuple(Clip(tmp_path / n, n, "sad", "mine-1", "mine") for n in ("a.wav", "b.wav"))
    loud = Condition("loud", "four times as loud", lambda clip: 4 * clip.samples)
    degraded = DegradedClips(clips, 16000, jobs=2)
    with degraded.files(clips, loud) as (first, second):
        np.testing.assert_allclose(soundfile.read(first)[0], 2.0, rtol=1e-3)
        assert second == tmp_path / "b.wav"
    assert not first.exists()
    with degraded.files(clips, CONDITIONS["clean"]) as files:
        assert files == [clip.path for clip in clips]
