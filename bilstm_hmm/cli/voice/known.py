"""What the user says of who speaks in the recordings: a profile, or which are of one voice."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bilstm_hmm.cli.options import PredictOptions
from bilstm_hmm.cli.voice.groups import find_grouping
from bilstm_hmm.errors import ToolkitError

if TYPE_CHECKING:
    from bilstm_hmm.cli.labelling.voices import Channels
    from bilstm_hmm.inference.voice.profile import VoiceProfile


def read_voice(
    path: Path | None, channels: "Channels", speakers: Path | None
) -> "VoiceProfile | None":
    """Return the profile that ``--voice`` names; None where it names none.

    Raises
    ------
    ToolkitError
        It cannot be read; or it is to be that of several channels or speakers.
    """
    if path is None:
        return None
    if speakers is not None or channels == "split":
        raise ToolkitError(
            "--voice is that of one speaker: not with --channels split or --speakers, which label "
            "several."
        )
    from bilstm_hmm.inference.voice.profile import VoiceProfile

    return VoiceProfile.load(path)


def voice_settings(path: Path | None, profile: "VoiceProfile | None") -> Mapping[str, str]:
    """Return what of the results hangs on the profile, by the name of its option."""
    if path is None or profile is None:
        return {}
    return {"--voice": f"{path.name} ({profile.checksum})"}


def with_grouping(options: PredictOptions, voices: str | None) -> PredictOptions:
    """Return `options` with which of their recordings are of one voice, as ``--voices`` says.

    Raises
    ------
    ToolkitError
        As for `find_grouping`, or a profile says already who speaks in all of them.
    """
    if voices is not None and options.profile is not None:
        raise ToolkitError(
            "--voice says who speaks in all recordings, --voices which are of one voice; give one."
        )
    if voices is not None and options.explain:
        raise ToolkitError(
            "--explain is of one recording by itself, not with --voices; give --voice PROFILE."
        )
    grouping = find_grouping(voices, options.files, options.many)
    if grouping is None:
        return options
    settings = {**options.settings, "--voices": grouping.text}
    return replace(options, grouping=grouping, settings=settings)
