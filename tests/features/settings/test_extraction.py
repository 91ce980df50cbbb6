import pytest
from bilstm_hmm.features.settings.extraction import FeatureSettings
from pydantic import ValidationError


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"streams": ()}, "at least one stream"),
        ({"streams": ("mfcc", "mfc")}, "should be 'mfcc', .* 'pitch' or 'encoder'"),
        ({"streams": ([],)}, "should be 'mfcc', "),
        ({"streams": ("mfcc", "mfcc")}, "each once"),
        ({"frame_length": 600}, "must not exceed n_fft"),
        ({"fmin": 5000.0, "fmax": 4000.0}, "fmin must lie below fmax"),
        ({"rate": 8000}, "rate / 2"),
        ({"pitch_min": 700.0}, "pitch_min must lie below pitch_max"),
        ({"n_mfcc": 41}, "n_mfcc must not exceed n_mels"),
        ({"streams": ("lfcc",), "n_lfcc": 41}, "n_lfcc must not exceed n_linear"),
        ({"n_mfc": 13}, "Extra inputs"),
        ({"level": "rms"}, "'peak' or 'none'"),
    ],
)
def test_settings_that_contradict_themselves_are_refused(changes, words):
    with pytest.raises(ValidationError, match=words):
        FeatureSettings(**changes)


def test_settings_survive_json():
    settings = FeatureSettings(streams=("pitch", "mel"), deltas=2, trim_db=None)
    assert FeatureSettings.model_validate_json(settings.model_dump_json()) == settings
