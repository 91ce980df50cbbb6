import pytest
from bilstm_hmm.features.settings.encoder import EncoderSettings
from bilstm_hmm.features.settings.extraction import FeatureSettings
from pydantic import ValidationError


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"taps": []}, "at least 1 item"),
        ({"taps": [2, 2]}, "once each"),
        ({"taps": [5]}, "layers 1 to 4"),
        ({"sha256": "abc"}, "pattern"),
        ({"input": "mfcc"}, "'log-mel' or 'waveform'"),
        ({"silence": 1.0, "padding": "none"}, "set padding to front or back"),
    ],
)
def test_settings_that_contradict_themselves_are_refused(changes, words):
    with pytest.raises(ValidationError, match=words):
        EncoderSettings(**changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rate": 22050}, "rate must be 16000"),
        ({"encoder": {"frame_rate": 30.0}}, "multiple of encoder.frame_rate"),
        ({"streams": ("encoder", "mfcc"), "hop_length": 480}, "at least as many frames"),
    ],
)
def test_features_that_no_encoder_can_give_are_refused(changes, words):
    with pytest.raises(ValidationError, match=words):
        FeatureSettings(**{"streams": ("encoder",), **changes})


def test_a_known_encoder_is_pinned_and_settings_survive_json():
    settings = FeatureSettings(streams=("encoder",))
    assert settings.encoder.sha256 == EncoderSettings(model="whisper-tiny").sha256 is not None
    assert EncoderSettings(model="mine.onnx").sha256 is None
    assert FeatureSettings.model_validate_json(settings.model_dump_json()) == settings
