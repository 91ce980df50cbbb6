from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
from bilstm_hmm.features.encoder.onnx_graph import allow_any_length
from bilstm_hmm.features.encoder.resolve import locate_encoder
from bilstm_hmm.features.encoder.store import find_encoder
from bilstm_hmm.features.encoder.whisper_mel import whisper_log_mel
from bilstm_hmm.features.errors import EncoderError
from bilstm_hmm.features.extraction.extract import extract
from bilstm_hmm.features.settings.encoder import EncoderSettings
from bilstm_hmm.features.settings.encoder_catalogue import KNOWN_ENCODERS, WHISPER_TINY, FixedLength
from bilstm_hmm.features.settings.extraction import FeatureSettings
from bilstm_hmm.features.spectral.filterbanks import FilterBanks
from onnx import helper, numpy_helper

HOP, FRAMES, WIDTH = 320, 50, 4
FIXED = FixedLength("table", ("count",))


@pytest.fixture
def fixed_graph() -> bytes:
    """An encoder of exactly one second: frames of their own samples, positions, two heads."""
    rng = np.random.default_rng(5)
    weights = {
        "filters": rng.normal(0.0, 0.1, (WIDTH, 1, HOP)).astype(np.float32),
        "table": rng.normal(size=(FRAMES, WIDTH)).astype(np.float32),
        "count": np.array([FRAMES]),
        "two": np.array([2]),
        "channel_axis": np.array([1]),
    }
    nodes = [
        helper.make_node("Unsqueeze", ["heard", "channel_axis"], ["channel"]),
        helper.make_node("Conv", ["channel", "filters"], ["bands"], strides=[HOP]),
        helper.make_node("Transpose", ["bands"], ["frames"], perm=[0, 2, 1]),
        helper.make_node("Add", ["frames", "table"], ["placed"]),
        helper.make_node("Shape", ["heard"], ["batch"], start=0, end=1),
        helper.make_node("Concat", ["batch", "count", "two", "two"], ["heads"], axis=0),
        helper.make_node("Reshape", ["placed", "heads"], ["split"]),
        helper.make_node("ReduceMean", ["split"], ["states"], axes=[3], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "fixed",
        [helper.make_tensor_value_info("heard", onnx.TensorProto.FLOAT, ["b", FRAMES * HOP])],
        [helper.make_tensor_value_info("states", onnx.TensorProto.FLOAT, ["b", FRAMES, 2])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    opset = [helper.make_opsetid("", 17)]
    model: bytes = helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()
    return model


def run(model: bytes, name: str, values_in: np.ndarray, *values: str) -> np.ndarray:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return np.concatenate(session.run(list(values), {name: values_in}), axis=2)


@pytest.mark.parametrize("padding", ["front", "back"])
@pytest.mark.parametrize("count", [1, 17, FRAMES])
def test_frames_have_the_positions_they_had_in_the_whole_window(fixed_graph, padding, count):
    clip = np.random.default_rng(1).normal(size=(3, count * HOP)).astype(np.float32)
    silence = (FRAMES - count) * HOP
    window = np.pad(clip, ((0, 0), (silence, 0) if padding == "front" else (0, silence)))
    whole = run(fixed_graph, "heard", window, "states")
    expected = whole[:, -count:] if padding == "front" else whole[:, :count]
    states = run(allow_any_length(fixed_graph, FIXED, padding), "heard", clip, "states")
    np.testing.assert_allclose(states, expected, atol=1e-6)


@pytest.fixture
def shorter(fixed_graph, store, monkeypatch):
    """Settings of a known encoder whose graph is of one length."""
    store.mkdir(parents=True)
    (store / f"{'1' * 64}.onnx").write_bytes(fixed_graph)
    known = replace(WHISPER_TINY, name="fixed", sha256="1" * 64, layers=("states",), fixed=FIXED)
    monkeypatch.setitem(KNOWN_ENCODERS, "fixed", known)
    # The checksum of the file is another test's matter.
    monkeypatch.setattr(
        "bilstm_hmm.features.encoder.model.locate_encoder", lambda _: store / f"{'1' * 64}.onnx"
    )

    def settings(**changes) -> FeatureSettings:
        encoder = {"model": "fixed", "taps": [1], "width": 2, "window": 1.0, "input": "waveform"}
        return FeatureSettings(
            streams=("encoder",), trim_db=None, level="none", encoder=encoder | changes
        )

    return settings


@pytest.mark.parametrize("padding", ["front", "back"])
def test_less_silence_changes_nothing_where_frames_are_heard_alone(shorter, voice, padding):
    clip = voice[:5000]
    whole = extract(clip, shorter(padding=padding), FilterBanks()).values
    for silence in (0.0, 0.1, 5.0):
        short = extract(clip, shorter(padding=padding, silence=silence), FilterBanks()).values
        np.testing.assert_allclose(short, whole, atol=1e-5)


def test_so_much_silence_is_heard_and_no_more(shorter, voice, monkeypatch):
    lengths = []

    class Session(onnxruntime.InferenceSession):
        def run(self, names, inputs):
            lengths.extend(len(window) for window in inputs["heard"])
            return super().run(names, inputs)

    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    extract(voice[:5000], shorter(silence=0.1), FilterBanks())
    extract(voice[:5000], shorter(silence=0.9), FilterBanks())
    extract(voice[:5000], shorter(), FilterBanks())
    extract(np.tile(voice, 2)[:20000], shorter(silence=0.1), FilterBanks())
    count = 1 + 5000 // HOP
    assert lengths == [(count + 5) * HOP, FRAMES * HOP, FRAMES * HOP, FRAMES * HOP, FRAMES * HOP]


def test_a_graph_is_cut_for_each_kind_of_padding(shorter, voice, store):
    for changes in ({}, {"silence": 0.1}, {"silence": 0.2}, {"silence": 0.1, "padding": "back"}):
        extract(voice[:5000], shorter(**changes), FilterBanks())
    assert len(list(store.glob("cut-*.onnx"))) == 3


def test_an_encoder_of_ones_own_with_one_length_is_refused(store, tmp_path, make_encoder, voice):
    path = make_encoder(tmp_path / "tiny.onnx")
    encoder = {"model": str(path), "taps": ["states_1"], "width": 6, "window": 1.0, "silence": 0.5}
    settings = FeatureSettings(streams=("encoder",), encoder=encoder)
    with pytest.raises(EncoderError, match=r"takes 100 values at once .*silence null"):
        extract(voice, settings, FilterBanks())


fetched = pytest.mark.skipif(
    find_encoder(EncoderSettings().sha256 or "") is None, reason="it was not fetched"
)


def whisper(**changes) -> FeatureSettings:
    encoder = EncoderSettings(**{"taps": [1, 3], **changes})
    return FeatureSettings(streams=("encoder",), trim_db=None, level="none", encoder=encoder)


@fetched
def test_the_encoder_of_whisper_gives_what_its_graph_gives(voice):
    values = extract(voice, whisper(), FilterBanks()).values
    window = np.pad(voice, (128000 - 16320, 320))
    window = (window - window.mean()) / np.sqrt(window.var() + 1e-7)
    model = onnx.load(locate_encoder(EncoderSettings()))
    taps = ["layer_norm_2", "layer_norm_6"]
    model.graph.output.extend(onnx.ValueInfoProto(name=tap) for tap in taps)
    log_mel = whisper_log_mel(window.astype(np.float32))[None]
    states = run(model.SerializeToString(), "input_features", log_mel, *taps)[0, -51:]
    assert values.shape == (51, 768)
    np.testing.assert_allclose(values, states, atol=1e-4)


@fetched
def test_the_encoder_of_whisper_hears_nearly_the_same_with_less_silence(voice):
    whole = extract(voice, whisper(), FilterBanks()).values
    filled = extract(voice, whisper(silence=8), FilterBanks()).values
    np.testing.assert_allclose(filled, whole, atol=1e-4)
    short = extract(voice, whisper(silence=0.5), FilterBanks()).values
    apart = np.sqrt(np.square(short - whole).mean()) / whole.std()
    # Attention looks into the silence, so that the states are others, but not strangers, which
    # would be 1.4 apart. How far, hangs on the processor: the graph is quantised.
    assert 0.0 < apart < 0.8
