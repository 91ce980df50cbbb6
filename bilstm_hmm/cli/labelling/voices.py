"""Which voices of each recording are labelled: its channels, or those who speak in it."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from bilstm_hmm.cli.options import PredictOptions
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.features.audio.decoding.files import file_source
from bilstm_hmm.features.audio.rttm import speakers_of
from bilstm_hmm.features.audio.sources import MAX_CHANNELS
from bilstm_hmm.features.audio.voices import Voice
from bilstm_hmm.features.errors import AudioError

Channels = Literal["mix", "split"] | int


def parse_channels(text: str, is_stream: bool = False) -> Channels:
    """Return what ``--channels`` says, of a file or of a stream.

    Raises
    ------
    ToolkitError
        It is no number of a channel, nor ``mix`` or ``split``; or a stream is to be split.
    """
    if text == "split" and is_stream:
        raise ToolkitError("--channels split parts a file: name a recording.")
    if text == "mix":
        return "mix"
    if text == "split":
        return "split"
    if text.isdecimal() and 1 <= int(text) <= MAX_CHANNELS:
        return int(text)
    raise ToolkitError(f"--channels {text}: give mix, split or a number from 1 to {MAX_CHANNELS}.")


def with_voices(
    options: PredictOptions, channels: Channels, speakers: Path | None
) -> PredictOptions:
    """Return `options` with what is listened to in each of its files.

    Several answers to one recording take the form of several recordings' results.

    Parameters
    ----------
    speakers
        An RTTM file for a single recording, or a folder with one for each, named after it.

    Raises
    ------
    ToolkitError
        Options that do not go together, or a file with who speaks in several recordings.
    AudioError
        The RTTM file of the only recording cannot be used.
    """
    if speakers is None and channels == "mix":
        return options
    if speakers is not None and channels == "split":
        raise ToolkitError("--speakers parts a recording as --channels split does; give one.")
    given = {
        "--channels": None if channels == "mix" else str(channels),
        "--speakers": None if speakers is None else str(speakers),
    }
    changed = {name: value for name, value in given.items() if value is not None}
    options = replace(options, settings={**options.settings, **changed})
    if isinstance(channels, int) and speakers is None:
        return replace(options, voices={path: (Voice(channels),) for path in options.files})
    return _with_several_voices(options, channels, speakers)


def _with_several_voices(
    options: PredictOptions, channels: Channels, speakers: Path | None
) -> PredictOptions:
    if speakers is not None and options.many and not speakers.is_dir():
        raise ToolkitError(
            f"--speakers {speakers}: it tells of one recording; give a folder with an RTTM file "
            "for each of several."
        )
    voices: dict[Path, tuple[Voice, ...]] = {}
    problems = dict(options.problems)
    for path in options.files:
        if path in problems:
            continue
        try:
            voices[path] = _voices(path, channels, speakers)
        except AudioError as error:
            if not options.many:
                raise
            problems[path] = str(error)
    column = "channel" if speakers is None else "speaker"
    return replace(options, many=True, voices=voices, problems=problems, voice_column=column)


def _voices(path: Path, channels: Channels, speakers: Path | None) -> tuple[Voice, ...]:
    if speakers is None:
        return tuple(Voice(number) for number in range(1, file_source(path).n_channels + 1))
    if speakers.is_dir():
        speakers = speakers / f"{path.stem}.rttm"
    return speakers_of(speakers, str(path), None if channels == "mix" else int(channels))


def voice_suffixes(voices: Sequence[Voice]) -> list[str]:
    """Return what tells the files of these voices apart, fit to be part of a file's name."""
    names = [str(voice.speaker or voice.channel) for voice in voices]
    suffixes = [re.sub(r"[^\w-]", "_", name) for name in names]
    if len(set(map(str.casefold, suffixes))) < len(suffixes):
        suffixes = [str(number) for number in range(1, len(voices) + 1)]
    return [f".{suffix}" for suffix in suffixes]
