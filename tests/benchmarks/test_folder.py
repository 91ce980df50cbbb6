"""The folder that is labelled, and what is made of what was measured on it."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from bilstm_hmm.features.audio.reading import read_audio

from benchmarks.clips import (
    audio_seconds,
    draw_clips,
    link_clips,
    write_long_recording,
    write_short_recording,
)
from benchmarks.contestants import ScriptResult
from benchmarks.folder import emotions, scale_cost
from benchmarks.timing import Cost
from bilstm_hmm.errors import ToolkitError


def test_a_part_stands_for_the_whole_but_for_its_start() -> None:
    result = ScriptResult(Cost(12.0, 900.0, ""), ["sad"], seconds=2.0)
    # Ten seconds of start, and two for a fifth of the audio.
    assert scale_cost(result, 0.2) == Cost(20.0, 900.0, "")


def test_labels_come_in_the_order_of_the_files(tmp_path: Path) -> None:
    rows = [{"file": "b.wav", "emotion": "sad"}, {"file": "a.wav", "emotion": "happy"}]
    output = tmp_path / "labels.jsonl"
    output.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    assert emotions(output) == ["happy", "sad"]


def test_a_draw_is_of_all_clips_and_the_same_for_the_same_seed(corpora: Path) -> None:
    clips = draw_clips(corpora, seed=4)
    assert [c.name for c in clips] == [c.name for c in draw_clips(corpora, seed=4)]
    other = draw_clips(corpora, seed=5)
    assert [c.name for c in clips] != [c.name for c in other]
    assert sorted(c.name for c in clips) == sorted(c.name for c in other)


def test_a_folder_without_corpora_is_told(tmp_path: Path) -> None:
    with pytest.raises(ToolkitError, match="no corpus in it"):
        draw_clips(tmp_path, seed=1)


def test_links_keep_the_order_of_the_draw(corpora: Path, tmp_path: Path) -> None:
    clips = draw_clips(corpora, seed=1)[:5]
    links = sorted(link_clips(clips, tmp_path / "links").iterdir())
    assert [link.resolve() for link in links] == [clip.path.resolve() for clip in clips]


def test_audio_is_added_up(corpora: Path) -> None:
    clips = draw_clips(corpora, seed=1)[:3]
    sounds = [soundfile.read(clip.path) for clip in clips]
    assert audio_seconds(clips) == pytest.approx(sum(len(x) / rate for x, rate in sounds))


@pytest.mark.parametrize("seconds", [0.5, 60.0])
def test_a_short_recording_is_as_long_as_asked(
    corpora: Path, tmp_path: Path, seconds: float
) -> None:
    clips = draw_clips(corpora, seed=1)[:4]
    samples, rate = soundfile.read(write_short_recording(clips, tmp_path / "a.wav", seconds))
    assert rate == 16000
    assert len(samples) == seconds * rate
    first = read_audio(clips[0].path).samples[:4000]
    np.testing.assert_allclose(samples[: len(first)], first, atol=1e-4)


def test_a_long_recording_is_clip_behind_clip(corpora: Path, tmp_path: Path) -> None:
    clips = draw_clips(corpora, seed=1)[:3]
    joined = np.concatenate([read_audio(clip.path).samples for clip in clips])
    seconds = 1.5 * len(joined) / 16000
    samples, _ = soundfile.read(write_long_recording(clips, tmp_path / "a.wav", seconds))
    assert len(samples) == round(seconds * 16000)
    np.testing.assert_allclose(samples[: len(joined)], joined, atol=1e-4)
    again = samples[len(joined) :]
    np.testing.assert_allclose(again, joined[: len(again)], atol=1e-4)
