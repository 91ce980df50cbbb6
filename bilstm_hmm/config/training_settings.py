"""The keys below ``pretraining:``, ``distillation:``, ``training:`` and ``fine_tuning:``."""

from typing import Annotated, Literal

from pydantic import Field

from bilstm_hmm.config.section import Fraction, PositiveFloat, PositiveInt, Section
from bilstm_hmm.features.settings.encoder import EncoderSettings


class PretrainingSettings(Section):
    """Other corpora that the network is trained on first.

    Corpora that the recipe trains or tests on are left out of it, and so are their speakers.
    """

    corpora: Annotated[
        tuple[str, ...],
        Field(
            description="The corpora, found by `data.roots` or `data.home`; empty for no "
            "pre-training."
        ),
    ] = ()
    epochs: Annotated[PositiveInt, Field(description="Epochs of pre-training.")] = 12
    batch_size: Annotated[PositiveInt, Field(description="Clips in a batch.")] = 64
    learning_rate: Annotated[PositiveFloat, Field(description="Learning rate of Adam.")] = 2e-3


class DistillationSettings(Section):
    """An encoder whose frames the network learns beside the labels; it needs none afterwards."""

    encoder: Annotated[
        EncoderSettings | None,
        Field(
            description="The encoder, as below `features.encoder`: `{model: whisper-tiny, average: "
            "4}`; `null` for labels alone. Training needs it, prediction does not."
        ),
    ] = None
    components: Annotated[
        int,
        Field(ge=1, le=512, description="Principal components of its frames that are learned."),
    ] = 64
    weight: Annotated[
        PositiveFloat, Field(description="Weight of their mean squared error beside the loss.")
    ] = 1.0


class TrainingSettings(Section):
    """The optimisation of the network."""

    epochs: Annotated[PositiveInt, Field(description="Epochs at most.")] = 40
    steps: Annotated[
        PositiveInt | None,
        Field(
            description="Batches at least: a small corpus gets more epochs than `training.epochs`."
        ),
    ] = None
    batch_size: Annotated[PositiveInt, Field(description="Clips in a batch.")] = 30
    bucketed: Annotated[
        bool,
        Field(
            description="Batches of clips of similar length, for less padding. `false`: random "
            "batches, whose clips are packed into shared rows."
        ),
    ] = True
    learning_rate: Annotated[PositiveFloat, Field(description="Learning rate of Adam.")] = 1e-3
    weight_decay: Annotated[float, Field(ge=0.0, description="Weight decay of Adam.")] = 1e-4
    gradient_clip: Annotated[PositiveFloat, Field(description="Largest norm of a gradient.")] = 1.0
    weight_average: Annotated[
        Fraction,
        Field(
            description="Momentum of the running mean of the weights, which is what is validated "
            "and kept; 0 keeps the weights themselves."
        ),
    ] = 0.99
    schedule: Annotated[
        Literal["cosine", "plateau", "constant"],
        Field(
            description="Learning rate over time; `plateau` reduces it when the validation loss "
            "stalls."
        ),
    ] = "cosine"
    reduce_factor: Annotated[
        float, Field(gt=0.0, lt=1.0, description="Factor by which `plateau` reduces the rate.")
    ] = 0.5
    reduce_patience: Annotated[
        PositiveInt, Field(description="Epochs without improvement before `plateau` reduces it.")
    ] = 4
    stop_patience: Annotated[
        PositiveInt, Field(description="Epochs without improvement before training stops.")
    ] = 12
    frame_loss_weight: Annotated[
        float,
        Field(ge=0.0, description="Weight of the cross-entropy of the frames beside the clip's."),
    ] = 0.3
    label_smoothing: Annotated[Fraction, Field(description="Label smoothing of both losses.")] = 0.1
    class_weights: Annotated[
        bool, Field(description="Weight the loss so that rare emotions count as much as others.")
    ] = True
    mask_classes: Annotated[
        bool,
        Field(
            description="Cross-entropy of each clip over the emotions of its own corpus alone, "
            "where corpora differ in theirs."
        ),
    ] = False
    corpus_exponent: Annotated[
        Annotated[float, Field(ge=0.0, le=1.0)] | None,
        Field(
            description="Weight each corpus by its size to this power (0: all alike, 1: by size), "
            "and its emotions as `training.class_weights` says within it; `null` takes no account "
            "of corpora."
        ),
    ] = None
    clips_per_speaker: Annotated[
        PositiveInt | None,
        Field(description="Most clips of one speaker in an epoch, drawn anew in each."),
    ] = None
    validation_fraction: Annotated[
        float,
        Field(
            gt=0.0,
            lt=0.9,
            description="Share of the training speakers that are held out for validation where "
            "`training.refit` is off.",
        ),
    ] = 0.2
    keep: Annotated[
        Literal["best", "last"],
        Field(
            description="The epoch that is kept: the best one on held-out training speakers, or "
            "the last."
        ),
    ] = "best"
    refit: Annotated[
        bool,
        Field(
            description="Train the final network on all training speakers, for the median of the "
            "inner folds' best epochs."
        ),
    ] = True
    max_seconds: Annotated[
        float,
        Field(
            gt=0.5,
            description="Longest clip in seconds: training clips are cropped to it, and a longer "
            "recording is labelled in windows and may hold several emotions.",
        ),
    ] = 10.0


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
