"""What goes in and out, for those who read the description of the service (OpenAPI)."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

_PROBABILITIES = {"angry": 0.0312, "happy": 0.0207, "neutral": 0.1381, "sad": 0.81}
_SEGMENT = {"start": 0.1, "end": 1.84, "emotion": "sad", "confidence": 0.81}
_UPDATE = {
    "heard": 2.5,
    "time": 1.5,
    "emotion": "sad",
    "confidence": 0.7712,
    "probabilities": _PROBABILITIES,
    "closed": [_SEGMENT],
}
_PREDICTION = {
    "file": "talk.wav",
    "emotion": "sad",
    "confidence": 0.81,
    "probabilities": _PROBABILITIES,
    "shares": {"sad": 1.0},
    "duration": 1.96,
    "segments": [_SEGMENT],
    "warnings": [],
    "notes": ["resampled from 44100 Hz"],
    "model": "default-c8f2a1d4",
}
_PROBLEM = {
    "type": "urn:bilstm-hmm:problem:recording",
    "title": "Unprocessable Entity",
    "status": 422,
    "detail": "talk.wav is empty (0 bytes); record or copy it again.",
    "instance": "urn:uuid:0b6f3f0e-5d1f-4a57-9a3c-6b0a2c1d7e55",
}
_FIRST: dict[str, Any] = {"rate": 16000, "format": "pcm16"}
_CARD: dict[str, Any] = {
    "name": "default",
    "model": "default-c8f2a1d4",
    "corpora": [{"name": "emodb", "title": "Emo-DB", "licence": "free"}],
    "emotions": ["angry", "happy", "neutral", "sad"],
    "ua": 61.1,
    "ua_interval": [58.1, 62.5],
    "ece": 0.023,
    "commercial_use": "no",
    "encoder": None,
}


def _with(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [example]})


class PredictQuery(BaseModel):
    """What is asked for, as the options of ``predict``."""

    model_config = ConfigDict(extra="forbid")

    model: Annotated[
        str | None, Field(description="Name of a model of /v1/models (default: the first).")
    ] = None
    format: Annotated[
        str,
        Field(
            description="text, json, jsonl, csv, tsv, rttm, audacity, textgrid, srt or png.",
            examples=["json"],
        ),
    ] = "json"
    timeline: Annotated[bool, Field(description="Whether text has the segments as well.")] = False
    curves: Annotated[
        bool,
        Field(
            description="Whether the JSON of one recording has the probabilities over time as "
            "well: `curves`, with `times` in seconds and a list of `probabilities` an emotion."
        ),
    ] = False
    top: Annotated[int, Field(ge=1, description="How many emotions text names.")] = 1
    emotions: Annotated[
        str | None,
        Field(
            max_length=1000,
            description="Choose from these alone, parted by commas (default: all).",
            examples=["angry,happy,neutral"],
        ),
    ] = None
    abstain: Annotated[
        float | None,
        Field(ge=0.0, le=1.0, description="Confidence below which the answer is unsure."),
    ] = None
    at_least: Annotated[
        float | None,
        Field(
            ge=0.0,
            le=1.0,
            description="Share of right ones wanted among the answers; the rest is unsure.",
        ),
    ] = None


class VoiceQuery(BaseModel):
    """Of what a voice is to be known."""

    model_config = ConfigDict(extra="forbid")

    model: Annotated[
        str | None, Field(description="Name of a model of /v1/models (default: the first).")
    ] = None


class SegmentSchema(BaseModel):
    """A stretch of one emotion."""

    model_config = _with(_SEGMENT)

    start: Annotated[float, Field(description="Seconds from the beginning of the recording.")]
    end: Annotated[float, Field(description="Seconds from the beginning of the recording.")]
    emotion: Annotated[str, Field(description="Or `no speech`, or `unsure`.")]
    confidence: Annotated[float, Field(description="Probability of the emotion, 0 to 1.")]


class PredictionSchema(BaseModel):
    """The answer to a recording, the same as of ``predict --format json``."""

    model_config = _with(_PREDICTION)

    file: Annotated[str, Field(description="What the client calls it; - where it has no name.")]
    emotion: Annotated[str | None, Field(description="null where nobody speaks, or if unsure.")]
    unsure: Annotated[bool, Field(description="There where it is true alone.")] = False
    confidence: Annotated[float | None, Field(description="Calibrated probability, 0 to 1.")]
    probabilities: Annotated[
        dict[str, float], Field(description="Of each emotion; 0 to 1, their sum is 1.")
    ]
    shares: Annotated[
        dict[str, float], Field(description="Of each emotion in the speaking time; 0 to 1.")
    ]
    duration: Annotated[float, Field(description="Of the recording, in seconds.")]
    segments: Annotated[list[SegmentSchema], Field(description="The timeline.")]
    warnings: Annotated[list[str], Field(description="What makes the answer worse.")]
    notes: Annotated[list[str], Field(description="What else was done to the recording.")]
    model: Annotated[str, Field(description="Name and checksum of the model.")]
    novelty: Annotated[
        float | None,
        Field(description="Distance from the training clips: 0 is usual, from 1 on it warns."),
    ] = None


class FailureSchema(BaseModel):
    """A recording of several that could not be labelled."""

    file: Annotated[str, Field(description="What the client calls it.")]
    error: Annotated[str, Field(description="Why, and what to do.")]


class UpdateSchema(BaseModel):
    """A message of a stream, the same as of ``predict --live --format jsonl``."""

    model_config = _with(_UPDATE)

    heard: Annotated[float, Field(description="Seconds of sound so far.")]
    time: Annotated[float, Field(description="The moment that is meant, in seconds.")]
    emotion: Annotated[str, Field(description="Then; or `no speech`, or `unsure`.")]
    confidence: Annotated[float, Field(description="Probability of the emotion, 0 to 1.")]
    probabilities: Annotated[dict[str, float], Field(description="Of each emotion; 0 to 1.")]
    closed: Annotated[list[SegmentSchema], Field(description="Final since the last message.")]


class StreamSchema(BaseModel):
    """The first message of a stream."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [_FIRST]},
    )

    rate: Annotated[int, Field(ge=4000, le=384_000, description="Samples a second, in Hz.")]
    format: Annotated[
        str,
        Field(
            pattern="^(pcm16|float32)$",
            description="Of the samples, little-endian: pcm16, or float32 with full scale at 1.",
        ),
    ] = "pcm16"
    channels: Annotated[
        int, Field(ge=1, le=8, description="Whose samples follow each other; they are averaged.")
    ] = 1
    model: Annotated[str | None, Field(description="Name of a model (default: the first).")] = None
    emotions: Annotated[
        str | None, Field(max_length=1000, description="Choose from these alone.")
    ] = None
    interval: Annotated[
        float, Field(ge=0.1, le=60.0, description="Seconds between two updates.")
    ] = 0.5
    lookahead: Annotated[
        float, Field(ge=0.0, le=60.0, description="Seconds of sound after the moment of an update.")
    ] = 1.0
    abstain: Annotated[
        float | None,
        Field(ge=0.0, le=1.0, description="Confidence below which a moment is unsure."),
    ] = None
    voice: Annotated[
        str | None, Field(description="The content of a voice profile, as /v1/voice gives it.")
    ] = None
    token: Annotated[
        str | None,
        Field(max_length=4096, description="Where one is asked and no header can be sent."),
    ] = None


class CardSchema(BaseModel):
    """A model that is loaded, and the figures of its card."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [_CARD]})

    name: Annotated[str, Field(description="By which requests name it.")]
    model: Annotated[str, Field(description="Name and checksum.")]
    emotions: Annotated[list[str], Field(description="That it knows.")]
    unknown: Annotated[
        str, Field(description="What the figures are of that it does not know: speakers, corpora.")
    ] = "speakers"
    ua: Annotated[float | None, Field(description="Mean recall of the emotions, in percent.")] = (
        None
    )
    ua_interval: Annotated[
        list[float] | None, Field(description="95 % interval over speakers, in percent.")
    ] = None
    ece: Annotated[float | None, Field(description="Calibration error, 0 to 1.")] = None
    voices: Annotated[bool, Field(description="Whether it takes a voice profile.")] = False
    corpus_mean: Annotated[
        dict[str, float] | None,
        Field(description="UA and ECE as means over corpora that it does not know, and how many."),
    ] = None


class ProblemSchema(BaseModel):
    """A refusal (RFC 9457)."""

    model_config = _with(_PROBLEM)

    type: Annotated[str, Field(description="Which problem it is, for programs.")]
    title: Annotated[str, Field(description="The phrase of the status.")]
    status: Annotated[int, Field(description="Of HTTP.")]
    detail: Annotated[str, Field(description="What is wrong, and what to do.")]
    instance: Annotated[str, Field(description="Of this request, as in the log.")]
