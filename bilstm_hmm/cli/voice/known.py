"""What the user says of who speaks in the recordings: a profile."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

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
