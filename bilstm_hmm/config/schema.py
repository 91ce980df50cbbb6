"""The recipe: every key of a YAML configuration, its default and what it may be."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bilstm_hmm.features.settings.augmentation import AugmentationSettings
from bilstm_hmm.features.settings.extraction import FeatureSettings

Fraction = Annotated[float, Field(ge=0.0, lt=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
Warp = Annotated[float, Field(ge=0.5, le=2.0)]
System = Literal["bilstm", "hmm", "hybrid"]


class Section(BaseModel):
    """A part of the recipe: immutable, and strict about unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DataSettings(Section):
    """Which corpora, where they lie, and what is trained and tested on.

    `also` names corpora that are pooled with `corpus`. `root` is where `corpus` lies, `roots`
    where others do, and `home` a folder with a folder a corpus, for those that have no root.
    `protocol` None takes the corpus's own (see ``python -m data list``), or ``speakers`` where
    several are pooled; `test_corpus` is what ``cross-corpus`` tests on. `label_map` renames
    emotions, so that classes can be merged; `classes` keeps only the classes named.
    """

    corpus: str = "ravdess"
    also: tuple[str, ...] = ()
    root: Path | None = None
    roots: dict[str, Path] = Field(default_factory=dict)
    home: Path | None = None
    protocol: str | None = None
    test_corpus: str | None = None
    fold: Annotated[int, Field(ge=1)] = 1
    speaker_dependent: bool = False
    label_map: dict[str, str] = Field(default_factory=dict)
    classes: tuple[str, ...] | None = None


class ConvolutionSettings(Section):
    """One convolution in front of the recurrent layers.

    Over time alone it may take steps of `stride` frames. Over an image (`NetworkSettings.image`)
    it is `kernel` x `kernel`, and the largest of each `pool` of frames x bands is kept.
    """

    filters: Annotated[int, Field(ge=1, le=1024)] = 128
    kernel: Annotated[int, Field(ge=1, le=31)] = 5
    stride: Annotated[int, Field(ge=1, le=8)] = 1
    pool: tuple[Annotated[int, Field(ge=1, le=8)], Annotated[int, Field(ge=1, le=16)]] = (1, 1)

    @model_validator(mode="after")
    def _odd_kernel(self) -> "ConvolutionSettings":
        if self.kernel % 2 == 0:
            raise ValueError("kernel must be odd, so that a frame stays at its own time")
        return self


class Conv2dSettings(Section):
    """The features seen as an image of frames x bands.

    `channels` streams of equally many features each, such as MFCC, chroma and mel, lie on top
    of each other. With `chunk`, the convolutions see each stretch of that many frames by
    itself, every stretch half over the one before, and the recurrent layers see one vector a
    stretch. `projection` is the width of a layer between the image and the recurrent layers,
    0 for none.
    """

    channels: Annotated[int, Field(ge=1, le=32)] = 1
    chunk: Annotated[int, Field(ge=4, le=1024, multiple_of=4)] | None = None
    projection: Annotated[int, Field(ge=0, le=1024)] = 0


class NetworkSettings(Section):
    """The recurrent network; `convolutions` are used by the two cnn families only.

    `stack` joins that many neighbouring frames into one before the first layer, which divides
    the length of the sequence, and the training time, by the same number. With `image`, the
    convolutions run over time and frequency, otherwise over time.
    """

    family: Literal["bilstm", "cnn_bilstm", "cnn_lstm"] = "bilstm"
    stack: Annotated[int, Field(ge=1, le=16)] = 1
    image: Conv2dSettings | None = None
    convolutions: tuple[ConvolutionSettings, ...] = (
        ConvolutionSettings(stride=2),
        ConvolutionSettings(stride=4),
    )
    units: Annotated[tuple[Annotated[int, Field(ge=1, le=1024)], ...], Field(min_length=1)] = (
        128,
        64,
    )
    dense: Annotated[int, Field(ge=0, le=1024)] = 0
    dropout: Fraction = 0.3
    attention: bool = True

    @model_validator(mode="after")
    def _one_kind_of_convolution(self) -> "NetworkSettings":
        if self.image is None:
            if any(convolution.pool != (1, 1) for convolution in self.convolutions):
                raise ValueError("convolutions with pool need image; use stride or set image")
        elif self.family == "bilstm":
            raise ValueError("image needs the family cnn_bilstm or cnn_lstm; change family")
        elif self.stack > 1:
            raise ValueError("image takes the frames one by one; set stack to 1 and use pool")
        elif any(convolution.stride > 1 for convolution in self.convolutions):
            raise ValueError("convolutions of an image are shortened by pool; leave stride at 1")
        return self

    @property
    def stride(self) -> int:
        """How many input frames make one output frame."""
        if self.image is not None and self.image.chunk is not None:
            return self.image.chunk // 2
        total = self.stack
        if self.family != "bilstm":
            for convolution in self.convolutions:
                total *= convolution.stride * convolution.pool[0]
        return total


class PretrainingSettings(Section):
    """Other corpora that the network is trained on first; none where `corpora` is empty.

    Each lies where ``data.roots`` or ``data.home`` says. Corpora that the recipe trains or tests
    on are passed over, and speakers of them in other corpora as well.
    """

    corpora: tuple[str, ...] = ()
    epochs: Annotated[int, Field(ge=1)] = 12
    batch_size: Annotated[int, Field(ge=1)] = 64
    learning_rate: Positive = 2e-3


class TrainingSettings(Section):
    """The optimisation of the network.

    A network is trained for `epochs`, or for as many as make at least `steps` batches, where that
    is more: a few hundred clips need more epochs than ten thousand. Batches that are `bucketed`
    have clips of like length, which leaves little padding to compute, but also fewer voices and
    emotions in each than those drawn by chance, whose clips share rows unless the network sees
    images. With `keep` at ``best``, the networks of the inner folds keep the epoch that is best
    on the speakers held out, and `refit` trains the final network on every training speaker for
    the median of these epochs; without it, the final network keeps `validation_fraction` of the
    training speakers back and its best weights on them. With ``last`` every network keeps its
    last epoch, and no held-out clip decides on anything. With `clips_per_speaker` an epoch has no
    more than so many clips of a speaker, drawn anew in each; null takes all. `weight_average` is
    the momentum of the running mean of the weights, which is what is validated and kept (0 keeps
    the weights themselves).
    """

    epochs: Annotated[int, Field(ge=1)] = 40
    steps: Annotated[int, Field(ge=1)] | None = None
    batch_size: Annotated[int, Field(ge=1)] = 30
    bucketed: bool = True
    learning_rate: Positive = 1e-3
    weight_decay: Annotated[float, Field(ge=0.0)] = 1e-4
    gradient_clip: Positive = 1.0
    weight_average: Fraction = 0.99
    schedule: Literal["cosine", "plateau", "constant"] = "cosine"
    reduce_factor: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.5
    reduce_patience: Annotated[int, Field(ge=1)] = 4
    stop_patience: Annotated[int, Field(ge=1)] = 12
    frame_loss_weight: Annotated[float, Field(ge=0.0)] = 0.3
    label_smoothing: Fraction = 0.1
    class_weights: bool = True
    clips_per_speaker: Annotated[int, Field(ge=1)] | None = None
    validation_fraction: Annotated[float, Field(gt=0.0, lt=0.9)] = 0.2
    keep: Literal["best", "last"] = "best"
    refit: bool = True
    max_seconds: Annotated[float, Field(gt=0.5)] = 10.0


class HmmSettings(Section):
    """One Gaussian HMM an emotion, fitted on out-of-fold outputs of the network."""

    input: Literal["pca", "lda", "logits"] = "pca"
    dimensions: Annotated[int, Field(ge=1, le=128)] | None = None
    states: Annotated[int, Field(ge=1, le=32)] = 3
    topology: Literal["left-right", "ergodic"] = "ergodic"
    covariance: Literal["diag", "full", "tied", "spherical"] = "diag"
    covariance_floor: Positive = 0.05
    transition_prior: Annotated[float, Field(gt=1.0)] = 2.0
    iterations: Annotated[int, Field(ge=1)] = 15
    inner_folds: Annotated[int, Field(ge=2)] = 3


class DecisionSettings(Section):
    """Which system labels an utterance, and on how many views of it.

    The network hears the recording once for each of `warps`, as if the vocal tract were so much
    shorter (above 1) or longer, and its outputs are averaged.
    """

    system: System = "hybrid"
    warps: Annotated[tuple[Warp, ...], Field(min_length=1)] = (1.0,)


class TimelineSettings(Section):
    """How the timeline switches between emotions; times in seconds.

    `dwell` and `minimum` None are fitted on the training speakers. `evidence` is how much speech
    tells as much as one calibrated utterance, where nothing was fitted and in single utterances:
    neighbouring frames tell nearly the same, and counted in full they would be far too sure.

    Speech is what lies at most `speech_db` below the loudest around it. A `pause` in it ends a
    phrase, which is heard on its own, and is cut where it is longer than `longest_phrase`.
    `silence` or more between two phrases is a segment without speech.
    """

    dwell: Positive | None = None
    minimum: Positive | None = None
    evidence: Positive = 2.0
    speech_db: Positive = 35.0
    pause: Positive = 0.15
    longest_phrase: Annotated[float, Field(ge=0.5)] = 2.0
    silence: Positive = 1.5


class BundleSettings(Section):
    """What a bundle holds beyond what every one does; `int8` is a second, quantised network."""

    int8: bool = False


class Recipe(Section):
    """A whole configuration."""

    name: str = "bilstm-hmm"
    seed: Annotated[int, Field(ge=0)] = 1
    jobs: Annotated[int, Field(ge=1)] = 2
    cache: Path | None = Path("runs/cache")
    data: DataSettings = DataSettings()
    features: FeatureSettings = FeatureSettings()
    augmentation: AugmentationSettings = AugmentationSettings()
    network: NetworkSettings = NetworkSettings()
    pretraining: PretrainingSettings = PretrainingSettings()
    training: TrainingSettings = TrainingSettings()
    hmm: HmmSettings = HmmSettings()
    decision: DecisionSettings = DecisionSettings()
    timeline: TimelineSettings = TimelineSettings()
    bundle: BundleSettings = BundleSettings()

    @model_validator(mode="after")
    def _nothing_to_warp(self) -> "Recipe":
        if not self.features.has_encoder:
            return self
        if self.decision.warps != (1.0,):
            raise ValueError(
                "decision.warps: an encoder has no filter banks to warp; leave it at [1.0]"
            )
        if self.augmentation.vocal_tract.probability > 0.0:
            raise ValueError(
                "augmentation.vocal_tract: an encoder has no filter banks to warp; set its "
                "probability to 0, and use speed or pitch_shift, which change the waveform"
            )
        return self
