"""Each stream that is written as a graph has the frames that the extraction has."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from bilstm_hmm.features.audio.reading import read_audio
from bilstm_hmm.features.extraction.streams import STREAMS, ClipAnalysis, ClipView
from bilstm_hmm.features.settings.extraction import FeatureSettings
from bilstm_hmm.features.spectral.filterbanks import build_filter_banks
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bilstm_hmm.export.graph import ModelWriter
from bilstm_hmm.export.spectrum import write_power
from bilstm_hmm.export.streams import STREAM_WRITERS, Analysis

Samples = NDArray[np.float32]
RATE = 16000
WARPS = (0.9, 1.0)
RECORDINGS = sorted(Path(__file__).parents[3].glob("samples/*.wav"))
#: Of octaves and voicing, of ratios and of decibels.
TOLERANCES = {"pitch": 1e-4, "chroma": 1e-3, "energy": 1e-3}
LEVELS = 0.02

PITCHES: list[dict[str, Any]] = [
    {"pitch_step": 4},
    {},
    {"pitch_step": 3, "pitch_min": 100.0, "pitch_max": 1000.0, "hop_length": 250},
    {"pitch_step": 8, "pitch_min": 1000.0, "pitch_max": 1100.0},
]


@cache
def session(stream: str, **changes: Any) -> tuple[FeatureSettings, Any]:
    from onnx import TensorProto, helper

    kept = FeatureSettings(streams=(stream,), **changes)
    banks = build_filter_banks(kept)
    graph = ModelWriter()
    analysis = Analysis(
        "samples",
        write_power(graph, "samples", kept),
        kept,
        WARPS,
        [banks.view(warp) for warp in WARPS],
    )
    graph.add("Identity", STREAM_WRITERS[stream](graph, analysis), name="frames")
    taken, given_ = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, axes)
        for name, axes in (("samples", ["n"]), ("frames", ["views", "width", "T"]))
    )
    content = graph.finish(stream, [taken], [given_], {})
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return kept, onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def assert_same(stream: str, samples: Samples, **changes: Any) -> NDArray[np.float32]:
    """Hold the graph's frames to the extraction's; returns the first view, ``[T, width]``."""
    kept, opened = session(stream, **changes)
    clip, banks = ClipAnalysis(samples, kept), build_filter_banks(kept)
    (found,) = opened.run(None, {"samples": samples})
    expected = [STREAMS[stream].compute(ClipView(clip, banks.view(warp), warp)).T for warp in WARPS]
    np.testing.assert_allclose(found, expected, atol=TOLERANCES.get(stream, LEVELS))
    first: NDArray[np.float32] = found[0].T
    return first


@pytest.mark.parametrize("stream", STREAM_WRITERS)
def test_of_voices_and_of_silence(stream: str, sound: Callable[..., Samples]) -> None:
    for samples in (read_audio(RECORDINGS[0], RATE).samples, sound(401, 1), sound(20000)):
        frames = assert_same(stream, samples / np.abs(samples).max())
        assert frames.std() > 0
    assert_same(stream, np.zeros(5000, np.float32))


@pytest.mark.parametrize("changes", PITCHES, ids=str)
def test_pitch_of_voices(changes: dict[str, Any], sound: Callable[..., Samples]) -> None:
    for path in RECORDINGS[:2]:
        assert_same("pitch", read_audio(path, RATE).samples, **changes)
    # As long as blocks of frames are, and a sample less.
    for n in (400, 640 * 16, 640 * 16 - 1):
        assert_same("pitch", sound(n, n), **changes)


@pytest.mark.parametrize("pitch_step", [1, 4])
def test_pitch_where_nothing_is_voiced_or_one_frame_is(pitch_step: int) -> None:
    rng = np.random.default_rng(3)
    noise = (0.01 * rng.standard_normal(16000)).astype(np.float32)
    for samples in (np.zeros(4000, np.float32), noise):
        contour = assert_same("pitch", samples, pitch_step=pitch_step)[:, 0]
        np.testing.assert_allclose(contour, np.log2(np.sqrt(60.0 * 600.0) / 100.0), atol=1e-6)
    voiced = noise.copy()
    voiced[7700:8300] += np.sin(2 * np.pi * 200.0 * np.arange(600) / RATE).astype(np.float32)
    found = assert_same("pitch", voiced, pitch_step=pitch_step)
    assert found[:, 1].max() > 0.75
    np.testing.assert_allclose(found[:, 0], 1.0, atol=0.1)


@given(
    parts=st.lists(
        st.tuples(
            st.sampled_from(["voice", "noise", "silence"]),
            st.integers(40, 6000),
            st.floats(60.0, 500.0),
            st.floats(-60.0, 0.0),
        ),
        min_size=1,
        max_size=6,
    ),
    stream=st.sampled_from(["pitch", "energy", "mel"]),
)
def test_of_whatever_sounds(parts: list[tuple[str, int, float, float]], stream: str) -> None:
    rng = np.random.default_rng(len(parts))
    sounds = [0.01 * rng.standard_normal(400)]
    for kind, n, pitch, level in parts:
        time = np.arange(n) / RATE
        harmonics = np.arange(1, 8)[:, None]
        sound = {
            "voice": np.sum(np.sin(2 * np.pi * pitch * harmonics * time) / harmonics, axis=0),
            "noise": rng.standard_normal(n),
            "silence": np.zeros(n),
        }[kind]
        sounds.append(10.0 ** (level / 20.0) * sound)
    samples = np.concatenate(sounds).astype(np.float32)
    assert_same(stream, samples, **({"pitch_step": 4} if stream == "pitch" else {}))
