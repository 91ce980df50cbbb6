"""Recipes that go to others: in a bundle, or to a server that tracks runs."""

from pathlib import Path

from bilstm_hmm.config.schema import Recipe


def without_paths(recipe: Recipe) -> Recipe:
    """The recipe as it may travel: where its sounds and encoder lay is nobody's business.

    Nor is where its runs were tracked.
    """
    data = recipe.data.model_copy(update={"root": None, "roots": {}, "home": None})
    encoder = recipe.features.encoder
    encoder = encoder.model_copy(update={"model": Path(encoder.model).name})
    features = recipe.features.model_copy(update={"encoder": encoder})
    distillation, teacher = recipe.distillation, recipe.distillation.encoder
    if teacher is not None:
        teacher = teacher.model_copy(update={"model": Path(teacher.model).name})
        distillation = distillation.model_copy(update={"encoder": teacher})
    noise = recipe.augmentation.recorded_noise
    # Its name stays: a recipe that has recordings for noise needs a folder.
    folder = None if noise.folder is None else Path(noise.folder.resolve().name)
    noise = noise.model_copy(update={"folder": folder})
    augmentation = recipe.augmentation.model_copy(update={"recorded_noise": noise})
    sections = {
        **{"data": data, "features": features},
        **{"augmentation": augmentation, "distillation": distillation},
    }
    defaults = {key: getattr(Recipe(), key) for key in ("cache", "tracking", "tracking_uri")}
    return recipe.model_copy(update={**sections, **defaults})
