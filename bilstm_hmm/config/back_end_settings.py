"""The keys of a recipe that tell what stands behind the network: the HMMs and the decision."""

from typing import Annotated, Literal

from pydantic import Field

from bilstm_hmm.config.section import PositiveFloat, PositiveInt, Section

Warp = Annotated[float, Field(ge=0.5, le=2.0)]
System = Literal["bilstm", "hmm", "hybrid"]


class HmmSettings(Section):
    """One Gaussian HMM for each emotion, fitted on out-of-fold outputs of the network."""

    input: Annotated[
        Literal["pca", "lda", "logits"],
        Field(description="What the HMMs see: hidden states by PCA or LDA, or frame logits."),
    ] = "pca"
    dimensions: Annotated[
        Annotated[int, Field(ge=1, le=128)] | None,
        Field(
            description="Dimensions kept by PCA (`null`: 16) or LDA (`null`: one less than there "
            "are emotions)."
        ),
    ] = None
    states: Annotated[int, Field(ge=1, le=32, description="States for each emotion.")] = 3
    topology: Annotated[
        Literal["left-right", "ergodic"], Field(description="Which transitions are allowed.")
    ] = "ergodic"
    covariance: Annotated[
        Literal["diag", "full", "tied", "spherical"], Field(description="Covariance of a state.")
    ] = "diag"
    covariance_floor: Annotated[
        PositiveFloat,
        Field(description="Least variance of a state, as a share of that of all frames."),
    ] = 0.05
    transition_prior: Annotated[
        float, Field(gt=1.0, description="Dirichlet prior of the start and transition matrices.")
    ] = 2.0
    iterations: Annotated[PositiveInt, Field(description="Iterations of Baum-Welch at most.")] = 15
    inner_folds: Annotated[
        int,
        Field(
            ge=2,
            description="Parts that the training speakers are split into for out-of-fold outputs.",
        ),
    ] = 3
    inner_split: Annotated[
        Literal["speakers", "corpora"],
        Field(
            description="What two parts never share: `corpora` fits HMMs, fusion and calibration "
            "on outputs of networks that were trained on other corpora."
        ),
    ] = "speakers"


class DecisionSettings(Section):
    """Which system labels a recording, and on how many views of it."""

    system: Annotated[
        System,
        Field(description="The network alone, the HMMs alone, or both, fused by a logistic layer."),
    ] = "hybrid"
    warps: Annotated[
        tuple[Warp, ...],
        Field(
            min_length=1,
            description="Vocal-tract lengths at which the network sees the recording; its outputs "
            "are averaged.",
        ),
    ] = (1.0,)
    temperature: Annotated[
        float,
        Field(
            ge=1.0,
            le=10.0,
            description="What the calibrated logits are divided by: above 1 for a model that is "
            "fitted on unknown speakers of its own corpora, and meant for recordings of others.",
        ),
    ] = 1.0
