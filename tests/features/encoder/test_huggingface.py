"""Encoders in folders of Hugging Face: tiny ones of random weights, where transformers is there."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from bilstm_hmm.features.encoder.fetch import fetch
from bilstm_hmm.features.encoder.store import FOLDER_FILES
from bilstm_hmm.features.errors import EncoderError
from bilstm_hmm.features.extraction.extract import extract
from bilstm_hmm.features.settings.extraction import FeatureSettings
from bilstm_hmm.features.spectral.filterbanks import FilterBanks

KINDS = {
    "Wav2Vec2": {},
    "Hubert": {},
    "WavLM": {"num_buckets": 8, "max_bucket_distance": 16},
    "Wav2Vec2 with a norm at the end": {"do_stable_layer_norm": True},
}


def settings(folder: Path | str, **changes) -> FeatureSettings:
    encoder = {
        "model": str(folder),
        "taps": [1, 3],
        "width": 16,
        "input": "waveform",
        "window": 2.0,
        "padding": "none",
        **changes,
    }
    return FeatureSettings(streams=("encoder",), encoder=encoder, trim_db=None, level="none")


def make_folder(folder: Path, kind: str) -> Path:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    name = kind.split(maxsplit=1)[0]
    torch.manual_seed(1)
    config = getattr(transformers, f"{name}Config")(
        hidden_size=16,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=24,
        conv_dim=[8] * 7,
        num_conv_pos_embeddings=8,
        num_conv_pos_embedding_groups=2,
        **KINDS[kind],
    )
    getattr(transformers, f"{name}Model")(config).eval().save_pretrained(folder)
    return folder


# Libraries of others warn of their own future.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", KINDS)
def test_layers_are_those_of_the_whole_model(tmp_path, store, voice, kind):
    folder = make_folder(tmp_path / "model", kind)
    import torch
    import transformers

    sound = np.pad(voice, (0, 320))
    sound = (sound - sound.mean()) / np.sqrt(sound.var() + 1e-7)
    model = transformers.AutoModel.from_pretrained(folder).eval()
    with torch.no_grad():
        states = model(torch.from_numpy(sound[None]), output_hidden_states=True).hidden_states
    for taps in ([1, 3], [0, 4], [2]):
        values = extract(voice, settings(folder, taps=taps), FilterBanks()).values
        expected = np.concatenate([states[tap][0].numpy() for tap in taps], axis=1)
        # Its convolutions without padding lose the last frame, which is held.
        assert values.shape == (51, 16 * len(taps)) == (len(expected) + 1, expected.shape[1])
        np.testing.assert_allclose(values[:-1], expected, atol=1e-4)
        np.testing.assert_array_equal(values[-1], values[-2])


@pytest.mark.filterwarnings("ignore")
def test_long_and_tiny_clips_and_a_folder_in_the_store(tmp_path, store, voice):
    folder = make_folder(tmp_path / "model", "Wav2Vec2")
    encoder = fetch("mine", folder)
    in_store = settings("mine", sha256=encoder.sha256)
    for clip in (np.tile(voice, 5), voice[:1], voice[:500]):
        values = extract(clip, in_store, FilterBanks()).values
        assert len(values) == 1 + len(clip) // 320
        assert np.isfinite(values).all()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"taps": [5]}, "it has 4 layers, .* asks for layer 5"),
        ({"taps": ["hidden"]}, "layers by number and hears the waveform"),
        ({"input": "log-mel"}, "layers by number and hears the waveform"),
        ({"width": 768}, "width asks for 768"),
    ],
)
def test_what_a_folder_does_not_have_is_refused(tmp_path, store, voice, changes, words):
    folder = make_folder(tmp_path / "model", "Wav2Vec2")
    with pytest.raises(EncoderError, match=words):
        extract(voice, settings(folder, **changes), FilterBanks())


@pytest.mark.filterwarnings("ignore")
def test_a_folder_of_something_else_is_refused(tmp_path, store, voice):
    folder = make_folder(tmp_path / "model", "Wav2Vec2")
    (folder / "config.json").write_text(json.dumps({"model_type": "no such model"}))
    with pytest.raises(EncoderError, match="transformers finds no speech encoder there"):
        extract(voice, settings(folder), FilterBanks())


@pytest.mark.parametrize("missing", ["torch", "transformers"])
def test_without_the_extra_it_is_said_what_to_install(tmp_path, store, voice, monkeypatch, missing):
    for name in FOLDER_FILES:
        (tmp_path / name).write_text("{}")
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(EncoderError, match="pip install torch transformers"):
        extract(voice, settings(tmp_path), FilterBanks())
