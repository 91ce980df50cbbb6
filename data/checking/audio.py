"""What is wrong with the audio of single clips."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .collection import Entry
from .finding import Finding
from .sound import Sound, Unreadable

#: Below this peak, -60 dB of full scale, nothing was recorded.
SILENT_PEAK = 1e-3


@dataclass(frozen=True, slots=True)
class Limits:
    """What a clip and a class must have; durations in seconds.

    A training takes at most 10 s of a clip at a time; a fine-tuning takes 5 clips a class.
    """

    shortest: float = 0.4
    longest: float = 20.0
    clips: int = 5


def audio_findings(
    entries: Sequence[Entry], sounds: Sequence[Sound | Unreadable], limits: Limits
) -> Iterator[Finding]:
    """Yield what is wrong with each clip, and how the recordings differ."""
    for entry, sound in zip(entries, sounds, strict=True):
        name = entry.clip.name
        if isinstance(sound, Unreadable):
            yield Finding("unreadable", name, sound.reason, (name,))
            continue
        if sound.damage is not None:
            yield Finding("truncated", name, sound.damage.partition(",")[0], (name,))
        if sound.peak < SILENT_PEAK:
            yield Finding("silent", name, "its peak is below -60 dB of full scale", (name,))
            continue
        if sound.seconds < limits.shortest:
            yield Finding("too-short", name, f"{sound.seconds:.2f} s", (name,))
        elif sound.speech_seconds == 0.0:
            yield Finding("no-speech", name, "no voice was found in it", (name,))
        if sound.seconds > limits.longest:
            yield Finding("too-long", name, f"{sound.seconds:.1f} s", (name,))
        if sound.is_clipped:
            yield Finding("clipped", name, "its loudest parts are cut off flat", (name,))
    yield from _mixed_rates(entries, sounds)


def _mixed_rates(
    entries: Sequence[Entry], sounds: Sequence[Sound | Unreadable]
) -> Iterator[Finding]:
    """Yield a note where classes differ in their rates: a model may learn the recorder."""
    by_label: dict[str, Counter[int]] = {}
    for entry, sound in zip(entries, sounds, strict=True):
        if isinstance(sound, Sound):
            by_label.setdefault(entry.clip.emotion, Counter())[sound.rate] += 1
    usual = {label: rates.most_common(1)[0][0] for label, rates in by_label.items()}
    if len(set(usual.values())) > 1:
        said = ", ".join(f"{label} {rate} Hz" for label, rate in sorted(usual.items()))
        yield Finding("rates", "rates", f"differ by class ({said})")
