import pytest
from pydantic import ValidationError

from bilstm_hmm.config.network_settings import ConvolutionSettings, NetworkSettings
from bilstm_hmm.config.schema import Recipe


@pytest.mark.parametrize(
    ("settings", "stride"),
    [
        (NetworkSettings(), 1),
        (NetworkSettings(stack=3), 3),
        (
            NetworkSettings(
                family="cnn_lstm",
                convolutions=(ConvolutionSettings(stride=2), ConvolutionSettings(stride=3)),
            ),
            6,
        ),
        (NetworkSettings(family="cnn_bilstm", convolutions=()), 1),
    ],
)
def test_the_stride_is_the_product_of_what_shortens(settings: NetworkSettings, stride: int) -> None:
    assert settings.stride == stride


def test_recipes_cannot_be_changed() -> None:
    recipe = Recipe()
    with pytest.raises(ValidationError, match="frozen"):
        recipe.seed = 2
    with pytest.raises(ValidationError, match="frozen"):
        recipe.training.epochs = 2


@pytest.mark.parametrize("kernel", [2, 4, 30])
def test_even_kernels_are_refused(kernel: int) -> None:
    with pytest.raises(ValidationError, match="must be odd"):
        ConvolutionSettings(kernel=kernel)


def test_a_window_is_as_long_as_what_the_network_was_trained_on() -> None:
    assert Recipe().window_frames == 1000
    recipe = Recipe.model_validate(
        {
            "features": {"rate": 8000, "hop_length": 80, "n_fft": 256, "frame_length": 200}
            | {"fmax": 4000.0},
            "network": {"stack": 4},
            "training": {"max_seconds": 1.0},
        }
    )
    assert recipe.network.stride == 4
    assert recipe.output_rate == 25.0
    assert recipe.window_frames == 96  # whole output frames in each half
