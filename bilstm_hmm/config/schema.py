"""The recipe: every key of a YAML configuration, its default, what it may be and what it means.

The descriptions are what ``docs/reference/configuration.md`` is generated from.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, Field, model_validator

from bilstm_hmm.config.back_end_settings import DecisionSettings, HmmSettings
from bilstm_hmm.config.network_settings import NetworkSettings
from bilstm_hmm.config.results_settings import BundleSettings, Tracking, TrackingUri
from bilstm_hmm.config.section import PositiveFloat, PositiveInt, Section
from bilstm_hmm.config.training_settings import (
    DistillationSettings,
    FineTuningSettings,
    PretrainingSettings,
    TrainingSettings,
)
from bilstm_hmm.config.voice_settings import VoiceSettings
from bilstm_hmm.features.settings.augmentation import AugmentationSettings
from bilstm_hmm.features.settings.extraction import WHISPER_RATE, FeatureSettings


class DataSettings(Section):
    """Which corpora, where they lie, and what is trained and tested on."""

    corpus: Annotated[
        str, Field(description="A corpus, as named by `bilstm-hmm corpora list`.")
    ] = "ravdess"
    also: Annotated[
        tuple[str, ...], Field(description="Further corpora, pooled with `data.corpus`.")
    ] = ()
    root: Annotated[Path | None, Field(description="The folder of `data.corpus`.")] = None
    roots: Annotated[
        dict[str, Path],
        Field(description="Folders of other corpora, as in `{emodb: /path/to/emodb}`."),
    ] = Field(default_factory=dict)
    home: Annotated[
        Path | None,
        Field(
            description="A folder that holds a folder for each corpus, named as the corpus; for "
            "those that no other key names."
        ),
    ] = None
    protocol: Annotated[
        str | None,
        Field(
            description="How clips are split; `null` takes the corpus's own protocol, or "
            "`speakers` for several corpora."
        ),
    ] = None
    test_corpus: Annotated[
        str | None, Field(description="The corpus that the protocol `cross-corpus` tests on.")
    ] = None
    fold: Annotated[PositiveInt, Field(description="The fold that `train` tests on.")] = 1
    speaker_dependent: Annotated[
        bool,
        Field(
            description="Allow a random split in which test speakers are in training too; every "
            "report then says so."
        ),
    ] = False
    label_map: Annotated[
        dict[str, str],
        Field(description="Emotions to rename or merge, as in `{calm: neutral}`."),
    ] = Field(default_factory=dict)
    classes: Annotated[
        tuple[str, ...] | None,
        Field(description="The classes to keep, after `data.label_map`; `null` keeps all."),
    ] = None


class TimelineSettings(Section):
    """How the timeline finds speech and switches between emotions; times in seconds."""

    expected_duration: Annotated[
        PositiveFloat | None,
        Field(
            validation_alias=AliasChoices("expected_duration", "dwell"),
            description="Expected duration of an emotion, in a recording of several speech "
            "segments or within an utterance; `null` takes 3 s and 4 s.",
        ),
    ] = None
    min_duration: Annotated[
        PositiveFloat | None,
        Field(
            validation_alias=AliasChoices("min_duration", "minimum"),
            description="Minimum duration of an emotion within an utterance; `null` takes 0.6 s.",
        ),
    ] = None
    utterance_duration: Annotated[
        PositiveFloat,
        Field(
            validation_alias=AliasChoices("utterance_duration", "evidence"),
            description="Seconds of an utterance whose frames count as much as all of a calibrated "
            "one: neighbouring frames are not independent.",
        ),
    ] = 2.0
    vad: Annotated[
        Literal["network", "energy"],
        Field(
            description="What parts speech from other sound: `network`, which learned it, or "
            "`energy`, for which all that is loud enough is speech."
        ),
    ] = "network"
    max_below_peak_db: Annotated[
        PositiveFloat,
        Field(
            validation_alias=AliasChoices("max_below_peak_db", "speech_db"),
            description="Speech lies at most so many decibels below the loudest around it.",
        ),
    ] = 35.0
    min_silence: Annotated[
        PositiveFloat,
        Field(
            validation_alias=AliasChoices("min_silence", "pause"),
            description="Silence that ends a speech segment, which is scored alone, as it begins.",
        ),
    ] = 0.2
    min_silence_at_max_speech: Annotated[
        PositiveFloat,
        Field(
            description="Silence that ends a speech segment near its greatest length; in between, "
            "the longer the segment, the shorter the silence."
        ),
    ] = 0.15
    max_speech: Annotated[
        float,
        Field(
            validation_alias=AliasChoices("max_speech", "longest_phrase"),
            ge=0.5,
            description="Longest speech segment; a longer one is cut where it is quietest.",
        ),
    ] = 3.0
    min_silence_segment: Annotated[
        PositiveFloat,
        Field(
            validation_alias=AliasChoices("min_silence_segment", "silence"),
            description="Silence between two speech segments that is labelled `no speech`; a "
            "shorter one is bridged.",
        ),
    ] = 1.5


class Recipe(Section):
    """A whole configuration."""

    name: Annotated[str, Field(description="Name of the model and of the run.")] = "bilstm-hmm"
    seed: Annotated[
        int, Field(ge=0, description="Seed of all random numbers: the same seed, the same result.")
    ] = 1
    jobs: Annotated[PositiveInt, Field(description="Threads and processes.")] = 2
    cache: Annotated[
        Path | None,
        Field(
            description="Folder that keeps extracted frames and pre-trained weights for the next "
            "run; `null` for none."
        ),
    ] = Path("runs/cache")
    tracking: Tracking = "tensorboard"
    tracking_uri: TrackingUri = None
    data: DataSettings = DataSettings()
    features: FeatureSettings = FeatureSettings()
    augmentation: AugmentationSettings = AugmentationSettings()
    network: NetworkSettings = NetworkSettings()
    pretraining: PretrainingSettings = PretrainingSettings()
    distillation: DistillationSettings = DistillationSettings()
    training: TrainingSettings = TrainingSettings()
    hmm: HmmSettings = HmmSettings()
    voice: VoiceSettings = VoiceSettings()
    decision: DecisionSettings = DecisionSettings()
    timeline: TimelineSettings = TimelineSettings()
    bundle: BundleSettings = BundleSettings()
    fine_tuning: FineTuningSettings = FineTuningSettings()

    @property
    def output_rate(self) -> float:
        """Output frames of the network a second."""
        return self.features.frame_rate / self.network.stride

    @property
    def teacher_features(self) -> FeatureSettings | None:
        """How the encoder of ``distillation`` is fed: clips as those of the features are."""
        encoder = self.distillation.encoder
        if encoder is None:
            return None
        features: FeatureSettings = self.features.model_copy(
            update={"streams": ("encoder",), "encoder": encoder, "deltas": 0}
        )
        return features

    @property
    def window_frames(self) -> int:
        """Frames of a window, those of ``training.max_seconds``: whole output frames a half."""
        stride = self.network.stride
        seconds = self.training.max_seconds
        return max(2, round(seconds * self.features.frame_rate / stride / 2) * 2) * stride

    @model_validator(mode="after")
    def _teachable(self) -> "Recipe":
        encoder = self.distillation.encoder
        if encoder is None:
            return self
        if encoder.input == "log-mel" and self.features.rate != WHISPER_RATE:
            raise ValueError(
                f"features.rate: must be {WHISPER_RATE} for the encoder of distillation.encoder"
            )
        if self.distillation.components > encoder.n_columns:
            raise ValueError(
                f"distillation.components: the encoder has {encoder.n_columns} columns; take at "
                "most as many"
            )
        return self

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
