import hashlib
from pathlib import Path

import pytest
from bilstm_hmm.features.encoder.resolve import locate_encoder
from bilstm_hmm.features.encoder.store import add, find_encoder
from bilstm_hmm.features.errors import EncoderError
from bilstm_hmm.features.extraction.extract import load_encoder
from bilstm_hmm.features.settings.encoder import EncoderSettings
from bilstm_hmm.features.settings.extraction import FeatureSettings


@pytest.fixture
def tiny(store, tmp_path, make_encoder) -> Path:
    return make_encoder(tmp_path / "tiny.onnx")


def features(path, **changes) -> FeatureSettings:
    return FeatureSettings(streams=("encoder",), encoder={"model": str(path), **changes})


def test_it_is_found_in_the_store_by_its_checksum(tiny, store):
    sha256 = hashlib.sha256(tiny.read_bytes()).hexdigest()
    path = add(tiny, sha256)
    assert path.parent == store
    assert find_encoder(sha256) == path
    assert locate_encoder(features("elsewhere.onnx", sha256=sha256).encoder) == path
    path.write_bytes(b"damaged")
    assert find_encoder(sha256) is None


def test_it_is_found_where_it_was_put_by_hand(tiny, store):
    sha256 = hashlib.sha256(tiny.read_bytes()).hexdigest()
    store.mkdir(parents=True)
    by_hand = store / "smart-turn-v3.2-cpu.onnx"
    by_hand.write_bytes(tiny.read_bytes())
    (store / "another.onnx").write_bytes(b"another")
    assert find_encoder(sha256) == by_hand
    assert locate_encoder(features("elsewhere.onnx", sha256=sha256).encoder) == by_hand
    by_hand.write_bytes(b"damaged")
    assert find_encoder(sha256) is None


def test_a_file_of_another_version_is_told(tiny):
    with pytest.raises(EncoderError, match=r"another version of the encoder .* or train again"):
        load_encoder(features(tiny, sha256="0" * 64))


def test_how_to_get_a_missing_one_is_told(store):
    with pytest.raises(EncoderError, match=r"fetch mine.onnx --from FILE"):
        load_encoder(features("mine.onnx", sha256="0" * 64))
    with pytest.raises(EncoderError, match=r"encoders fetch whisper-tiny, or without a network"):
        load_encoder(FeatureSettings(streams=("encoder",)))


def test_another_version_of_a_known_one_is_told(store):
    encoder = EncoderSettings(sha256="0" * 64)
    with pytest.raises(EncoderError, match=r"another version .* than this toolkit fetches"):
        load_encoder(FeatureSettings(streams=("encoder",), encoder=encoder))
