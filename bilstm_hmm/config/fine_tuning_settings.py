"""The keys below ``fine_tuning:`` in a recipe."""

from typing import Annotated

from pydantic import Field

from bilstm_hmm.config.section import PositiveFloat, PositiveInt, Section


class FineTuningSettings(Section):
    """How `train --from` goes on from a bundle; nothing of it concerns any other training."""

    renamed: Annotated[
        dict[str, str],
        Field(
            description="What the clips call an emotion of the bundle, as in `{angry: annoyed}`: "
            "the new bundle has the new name."
        ),
    ] = Field(default_factory=dict)
    strengths: Annotated[
        tuple[PositiveFloat, ...],
        Field(
            min_length=1,
            description="How strongly the output layers are held to the bundle's, of which one is "
            "chosen out of fold.",
        ),
    ] = (0.1, 0.3, 1.0, 3.0)
    weights: Annotated[
        tuple[Annotated[float, Field(gt=0.0, le=1.0)], ...],
        Field(
            min_length=1,
            description="Weights of the new output layers against the bundle's, of which one is "
            "chosen out of fold.",
        ),
    ] = (0.25, 0.5, 0.75, 1.0)
    relevance: Annotated[
        PositiveFloat,
        Field(description="Frames that a state of the bundle's HMMs counts as."),
    ] = 200.0
    refit_clips: Annotated[
        PositiveInt,
        Field(description="Clips of an emotion from which on its HMM is fitted anew."),
    ] = 100
    prior_clips: Annotated[
        PositiveFloat,
        Field(description="Clips that the fusion and the calibration of the bundle count as."),
    ] = 20.0
    certainty: Annotated[
        float,
        Field(
            ge=0.0,
            description="Standard errors by which the log loss out of fold must fall and the "
            "accuracy must rise; the bundle is kept otherwise.",
        ),
    ] = 1.0
