"""The keys below ``voice:`` in a recipe."""

from typing import Annotated, Literal

from pydantic import Field

from bilstm_hmm.config.section import Fraction, PositiveFloat, PositiveInt, Section


class VoiceSettings(Section):
    """How a voice that is known by unlabelled clips of it changes the normalisation."""

    known_clips: Annotated[
        tuple[Annotated[int, Field(ge=0)] | Literal["all"], ...],
        Field(
            description="In training, of how many other clips of its speaker's a clip is taken to "
            "be known, one of these drawn for each clip; empty for a model that knows no voices.",
        ),
    ] = ()
    one_emotion: Annotated[
        Fraction,
        Field(
            description="Share of the training clips for which the clips known of the voice are "
            "all of one emotion, as a user's may be."
        ),
    ] = 0.25
    session_clips: Annotated[
        PositiveInt,
        Field(
            description="Training clips of a speaker, about so many, that augmentation changes "
            "alike, as recordings of one session are, and that are known for one another."
        ),
    ] = 25
    mean_prior: Annotated[
        PositiveFloat,
        Field(
            description="With n clips known, the mean of the voice weighs n / (n + this) against "
            "that of the training clips."
        ),
    ] = 4.0
    std_prior: Annotated[
        PositiveFloat, Field(description="The same for the standard deviation.")
    ] = 20.0
