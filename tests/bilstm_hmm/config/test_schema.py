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
