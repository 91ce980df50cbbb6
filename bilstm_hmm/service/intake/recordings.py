"""A recording that was sent: bytes that nobody vouches for, in a file that is gone soon.

The file has a name of its own and no suffix; what the client calls it only stands in the answer.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath

from bilstm_hmm.features.audio.decoding.files import file_source
from bilstm_hmm.features.audio.inputs import RecordingInput
from bilstm_hmm.features.audio.sources import Blocks, Source
from bilstm_hmm.features.errors import AudioError
from bilstm_hmm.inference.voice.learner import NOTHING_KNOWN, KnownVoice

#: What a recording is called that has no name, as standard input is.
NAMELESS = "-"
_MAX_LETTERS = 200
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
#: Samples a second, of all channels together, up to which a recording's length alone counts: 24
#: channels at 8 kHz or two at 96 kHz. A small file may hold any number of them.
_SAMPLES_A_SECOND = 192_000
#: Seconds of sound up to which recordings are labelled together with others.
SHORT_SECONDS = 30.0
_UNCOMPRESSED_BYTES_A_SECOND = 8000


@dataclass(eq=False, slots=True)
class SentRecording:
    """A recording in a temporary file.

    Attributes
    ----------
    path
        Where it lies.
    name
        What its sender calls it.
    max_seconds
        Beyond which it is not labelled.
    too_long
        Whether that was found.
    known
        What is known of who speaks in it.
    given_up
        Set where nobody waits for the answer any more: it is read no further then.
    """

    path: Path
    name: str
    max_seconds: float
    known: KnownVoice = field(default=NOTHING_KNOWN, init=False)
    too_long: bool = field(default=False, init=False)
    given_up: bool = field(default=False, init=False)

    def input(self, rate: int) -> RecordingInput:
        """Return it as something that can be opened; `rate` is what to resample to, in Hz."""
        return RecordingInput(self.name, self._source, rate)

    def sentence(self, text: str) -> str:
        """Return a message about the file as one about what its sender calls it."""
        name = "The recording" if self.name == NAMELESS else self.name
        return text.replace(str(self.path), name)

    def _source(self) -> Source:
        source = file_source(self.path)
        return Source(source.name, source.rate, source.n_channels, lambda: self._blocks(source))

    def _blocks(self, source: Source) -> Blocks:
        """Yield the blocks of the file, as long as it is not too long and somebody waits."""
        if self.given_up:
            raise AudioError(f"{source.name} is not waited for any more.")
        a_second = min(source.rate, _SAMPLES_A_SECOND / source.n_channels)
        # A decoder's padding does not count.
        most, n_samples = (self.max_seconds + 0.1) * a_second, 0
        blocks = source.blocks()
        try:
            while True:
                block = next(blocks)
                n_samples += len(block)
                if n_samples > most:
                    self.too_long = True
                    raise AudioError(f"{source.name} is longer than {self.max_seconds:g} s.")
                if self.given_up:
                    raise AudioError(f"{source.name} is not waited for any more.")
                yield block
        except StopIteration as end:
            damage: tuple[str, ...] = end.value
            return damage

    def is_short(self) -> bool:
        """Say whether it is labelled quickly, by its header."""
        import soundfile

        try:
            return bool(soundfile.info(str(self.path)).duration <= SHORT_SECONDS)
        except (soundfile.SoundFileError, TypeError):
            # FFmpeg's, or nothing that can be read.
            return self.size() <= SHORT_SECONDS * _UNCOMPRESSED_BYTES_A_SECOND / 4

    def size(self) -> int:
        """Return its bytes."""
        return self.path.stat().st_size

    def remove(self) -> None:
        """Take the file away."""
        self.path.unlink(missing_ok=True)


def clean_name(name: str | None) -> str:
    """Return what a client calls a file as a name without folders that can be shown."""
    if not name:
        return NAMELESS
    last = PureWindowsPath(PurePosixPath(name).name).name
    shown = _UNPRINTABLE.sub("", last)[-_MAX_LETTERS:].strip()
    return NAMELESS if shown in ("", ".", "..") else shown
