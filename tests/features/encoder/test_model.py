import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from bilstm_hmm.features.encoder.model import open_encoder
from bilstm_hmm.features.encoder.resolve import with_checksum
from bilstm_hmm.features.encoder.store import cached_subgraph
from bilstm_hmm.features.encoder.whisper_mel import whisper_log_mel
from bilstm_hmm.features.errors import EncoderError
from bilstm_hmm.features.extraction.cache import extraction_key
from bilstm_hmm.features.extraction.extract import extract, load_encoder, n_features
from bilstm_hmm.features.settings.extraction import FeatureSettings
from bilstm_hmm.features.spectral.filterbanks import FilterBanks, build_filter_banks

TINY = {"taps": ["states_1", "states_2"], "width": 6, "window": 1.0}
WAVE = {"input": "waveform", "normalise": False}


@pytest.fixture
def tiny(store, tmp_path, make_encoder) -> Path:
    return make_encoder(tmp_path / "tiny.onnx")


def features(path, **changes) -> FeatureSettings:
    streams = changes.pop("streams", ("encoder",))
    encoder = {"model": str(path), **TINY, **changes}
    return FeatureSettings(streams=streams, encoder=encoder, trim_db=None, level="none")


def reference(path, windows, kind="log-mel", taps=("states_1", "states_2")):
    """What the whole graph gives for windows ``[B, n]``, its values made outputs by hand."""
    import onnx

    model = onnx.load(path)
    model.graph.output.extend(onnx.ValueInfoProto(name=tap) for tap in taps)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    given_windows = (
        windows if kind == "waveform" else np.stack([whisper_log_mel(w) for w in windows])
    )
    return np.concatenate(
        session.run(list(taps), {"heard": given_windows.astype(np.float32)}), axis=2
    )


def normal(window):
    return (window - window.mean()) / np.sqrt(window.var() + 1e-7)


@pytest.mark.parametrize(("padding", "rows"), [("front", slice(-26, None)), ("back", slice(26))])
def test_a_short_clip_is_padded_normalised_and_heard_whole(tiny, voice, padding, rows):
    clip = voice[:8123]
    frames = extract(clip, features(tiny, padding=padding), FilterBanks())
    # Silence up to a whole frame behind, the rest of the window on the side of the padding.
    behind = 26 * 320 - len(clip)
    rest = 16000 - 26 * 320
    sides = (rest, behind) if padding == "front" else (0, behind + rest)
    window = normal(np.pad(clip, sides))
    np.testing.assert_allclose(frames.values, reference(tiny, [window])[0][rows], atol=1e-5)
    assert (frames.rate, frames.start) == (50.0, 0.0)


def test_what_is_silent_or_a_single_sample_has_frames(tiny):
    for clip in (np.zeros(5000, np.float32), np.ones(1, np.float32)):
        values = extract(clip, features(tiny), FilterBanks()).values
        assert len(values) == 1 + len(clip) // 320
        assert np.isfinite(values).all()


@pytest.mark.parametrize("seconds", [1.3, 2.0, 5.77])
def test_a_long_clip_has_no_seam(store, tmp_path, make_encoder, seconds):
    path = make_encoder(tmp_path / "wave.onnx", "waveform")
    rng = np.random.default_rng(3)
    clip = rng.normal(size=round(seconds * 16000)).astype(np.float32)
    values = extract(clip, features(path, **WAVE), FilterBanks()).values
    # This encoder's frames depend on their own samples alone: windows must not show at all.
    count = 1 + len(clip) // 320
    whole = np.pad(clip, (0, count * 320 - len(clip)))
    free = make_encoder(tmp_path / "free.onnx", "waveform", seconds=None)
    np.testing.assert_allclose(values, reference(free, whole[None], "waveform")[0], atol=1e-5)


def test_each_window_of_a_long_clip_is_normalised_by_itself(tiny, voice):
    clip = np.concatenate([voice, 0.01 * voice[:9600]])
    values = extract(clip, features(tiny), FilterBanks()).values
    first = reference(tiny, [normal(clip[:16000])])[0]
    np.testing.assert_allclose(values[:31], first[:31], atol=1e-5)
    last = reference(tiny, [normal(np.pad(clip, (0, 320))[-16000:])])[0]
    np.testing.assert_allclose(values[-20:], last[-20:], atol=1e-5)


def test_an_encoder_of_any_length_hears_no_padding(store, tmp_path, make_encoder, voice):
    path = make_encoder(tmp_path / "free.onnx", "waveform", seconds=None)
    clip = voice[:4000]
    values = extract(clip, features(path, padding="none", **WAVE), FilterBanks()).values
    whole = np.pad(clip, (0, 13 * 320 - 4000))
    np.testing.assert_allclose(values, reference(path, whole[None], "waveform")[0], atol=1e-5)


def test_other_streams_come_beside_it_at_its_rate(tiny, voice):
    settings = features(tiny, streams=("mfcc", "encoder", "pitch"))
    banks = build_filter_banks(settings)
    both = extract(voice, settings, banks).values
    alone = extract(voice, features(tiny), FilterBanks()).values
    plain = extract(voice, settings.model_copy(update={"streams": ("mfcc", "pitch")}), banks).values
    assert both.shape == (51, 12 + 64) == (51, n_features(settings))
    np.testing.assert_array_equal(both[:, :12], alone)
    middle = (plain[1:-2:2] + 2 * plain[2:-1:2] + plain[3::2]) / 4
    np.testing.assert_allclose(both[1:-1, 12:], middle[:49], atol=1e-4)


def test_taps_are_given_in_their_order(tiny, voice):
    values = extract(voice, features(tiny), FilterBanks()).values
    swapped = extract(voice, features(tiny, taps=["states_2", "states_1"]), FilterBanks()).values
    second = extract(voice, features(tiny, taps=["states_2"]), FilterBanks()).values
    np.testing.assert_array_equal(swapped, np.roll(values, 6, axis=1))
    np.testing.assert_array_equal(second, values[:, 6:])


def test_the_graph_ends_where_the_last_tap_is(tiny, voice, store):
    import onnx

    extract(voice, features(tiny, taps=["states_1"]), FilterBanks())
    (cut,) = store.glob("cut-*.onnx")
    outputs = {value for node in onnx.load(cut).graph.node for value in node.output}
    assert outputs == {"conv_1", "tanh_1", "states_1"}
    assert [value.name for value in onnx.load(cut).graph.initializer] == ["first"]


def test_a_graph_is_cut_once_and_a_damaged_cut_is_made_anew(tiny, voice, store, monkeypatch):
    settings = features(with_checksum(features(tiny).encoder).model)
    expected = extract(voice, settings, FilterBanks()).values
    (cut,) = store.glob("cut-*.onnx")
    whole = cut.read_bytes()
    cut.write_bytes(whole[:-1])
    monkeypatch.setattr("bilstm_hmm.features.encoder.model._encoders", {})
    np.testing.assert_array_equal(extract(voice, settings, FilterBanks()).values, expected)
    assert cut.read_bytes() == whole
    # From then on nothing needs the encoder itself.
    sha256 = hashlib.sha256(tiny.read_bytes()).hexdigest()
    tiny.unlink()
    monkeypatch.setattr("bilstm_hmm.features.encoder.model._encoders", {})
    in_store = features("tiny.onnx", sha256=sha256)
    np.testing.assert_array_equal(extract(voice, in_store, FilterBanks()).values, expected)


def test_what_a_branch_inside_the_graph_reads_is_kept(store, tmp_path, voice):
    import onnx
    from onnx import helper

    kind = onnx.TensorProto.FLOAT

    def branch(name, source):
        node = helper.make_node("Identity", [source], [f"{name}_out"])
        out = helper.make_tensor_value_info(f"{name}_out", kind, None)
        return helper.make_graph([node], name, [], [out])

    nodes = [
        helper.make_node("Reshape", ["heard", "shape"], ["framed"]),
        helper.make_node("Neg", ["framed"], ["turned"]),
        helper.make_node("Exp", ["framed"], ["not_needed"]),
        helper.make_node(
            "If",
            ["always"],
            ["states"],
            then_branch=branch("then", "turned"),
            else_branch=branch("else", "framed"),
        ),
    ]
    initial = [
        onnx.numpy_helper.from_array(np.array([0, 50, 320]), "shape"),
        onnx.numpy_helper.from_array(np.array(True), "always"),
    ]
    graph_input = helper.make_tensor_value_info("heard", kind, ["batch", 16000])
    out = helper.make_tensor_value_info("not_needed", kind, None)
    graph = helper.make_graph(nodes, "branches", [graph_input], [out], initial)
    opset = [helper.make_opsetid("", 17)]
    path = tmp_path / "branches.onnx"
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    settings = features(path, taps=["states"], **{**WAVE, "width": 320})
    values = extract(voice[:-1], settings, FilterBanks()).values
    np.testing.assert_array_equal(values.ravel()[:15999], -voice[:-1])
    (cut,) = store.glob("cut-*.onnx")
    outputs = {value for node in onnx.load(cut).graph.node for value in node.output}
    assert outputs == {"framed", "turned", "states"}
    # One that cannot be read is passed over.
    cut.unlink()
    cut.mkdir()
    assert cached_subgraph(with_checksum(settings.encoder).sha256, ("states",)) is None


def test_a_store_that_cannot_be_written_to_is_done_without(tiny, voice, store):
    store.parent.mkdir(parents=True)
    store.write_text("a file where the folder would be")
    assert extract(voice, features(tiny), FilterBanks()).values.shape == (51, 12)


def test_an_encoder_is_opened_once(tiny):
    settings = features(tiny).encoder
    assert open_encoder(settings, 16000) is open_encoder(settings, 16000)


def test_the_cache_of_frames_goes_by_checksum_and_taps(tiny, tmp_path):
    banks = FilterBanks()

    def key(model, **changes):
        settings = features(model, **changes)
        encoder = with_checksum(settings.encoder)
        return extraction_key(settings.model_copy(update={"encoder": encoder}), banks)

    moved = tmp_path / "moved.onnx"
    moved.write_bytes(tiny.read_bytes())
    assert key(tiny) == key(moved)
    assert key(tiny) != key(tiny, taps=["states_1"])
    moved.write_bytes(tiny.read_bytes() + b"\0")
    assert key(tiny) != key(moved)
    plain = FeatureSettings()
    other = FeatureSettings(encoder=features(tiny).encoder)
    assert extraction_key(plain, banks) == extraction_key(other, banks)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"taps": ["states_9"]}, r"no value states_9; name others .* such as .*states_2"),
        ({"taps": [1]}, "layers of tiny.onnx are not known by number"),
        ({"width": 7}, "width asks for 7"),
        ({"frame_rate": 100.0}, r"gives 50 frames .*frame_rate asks for 100"),
        ({"window": 2.0}, "window 2 give 3 axes, the last of 200"),
        ({"input": "waveform"}, "waveform and window 1 give 2 axes"),
    ],
)
def test_a_graph_that_is_not_what_the_recipe_says_is_refused(tiny, voice, changes, words):
    with pytest.raises(EncoderError, match=words) as error:
        extract(voice, features(tiny, **changes), FilterBanks())
    assert "\n" not in str(error.value)


def test_a_graph_of_two_inputs_is_refused(tiny, voice):
    import onnx

    model = onnx.load(tiny)
    second = onnx.helper.make_tensor_value_info("second_input", onnx.TensorProto.FLOAT, [1])
    model.graph.input.append(second)
    model.graph.node[1].CopyFrom(
        onnx.helper.make_node("Add", ["conv_1", "second_input"], ["tanh_1"])
    )
    onnx.save(model, tiny)
    with pytest.raises(EncoderError, match="takes 2 inputs"):
        extract(voice, features(tiny), FilterBanks())


def test_a_graph_that_cannot_run_is_refused(tiny, voice):
    import onnx

    model = onnx.load(tiny)
    model.graph.node[1].op_type = "NoSuchOperator"
    onnx.save(model, tiny)
    with pytest.raises(EncoderError, match="cannot be run"):
        extract(voice, features(tiny), FilterBanks())


def test_a_file_that_is_no_model_is_refused(tiny, voice, store):
    tiny.write_text("no model")
    with pytest.raises(EncoderError, match="not a model of ONNX"):
        extract(voice, features(tiny), FilterBanks())
    assert not list(store.glob("*"))


def test_a_path_at_which_there_is_nothing_is_refused(store):
    with pytest.raises(EncoderError, match=r"neither a file or folder that exists nor .*whisper"):
        load_encoder(features("/nowhere/encoder.onnx"))


def test_a_warp_is_refused(tiny, voice):
    with pytest.raises(EncoderError, match=r"leave decision.warps"):
        extract(voice, features(tiny), FilterBanks(), warp=1.1)


def test_extraction_with_an_encoder_loads_no_training_library(tiny, voice, store):
    settings = features(tiny)
    extract(voice, settings, FilterBanks())
    program = (
        "import sys, numpy as np\n"
        "from bilstm_hmm.features.extraction.extract import extract\n"
        "from bilstm_hmm.features.spectral.filterbanks import FilterBanks\n"
        "from bilstm_hmm.features.settings.extraction import FeatureSettings\n"
        "settings = FeatureSettings.model_validate_json(sys.argv[1])\n"
        "assert not {'bilstm_hmm.features.encoder.model', 'onnxruntime'} & set(sys.modules)\n"
        "extract(np.ones(800, np.float32), settings, FilterBanks())\n"
        "print([n for n in ('onnx', 'librosa', 'scipy', 'keras', 'torch') if n in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, settings.model_dump_json()],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == "[]"


def test_averaged_frames_are_means_around_their_time(tiny, voice):
    every = extract(voice, features(tiny), FilterBanks())
    slow = extract(voice, features(tiny, average=4), FilterBanks())
    assert slow.rate == every.rate / 4
    assert len(slow.values) == 1 + len(voice) // (4 * 320)
    # Frame 2 lies at frame 8 of the others: half of the frames at both ends of its window.
    around = every.values[6:11]
    weights = np.array([0.5, 1.0, 1.0, 1.0, 0.5]) / 4
    np.testing.assert_allclose(slow.values[2], weights @ around, atol=1e-5)
