"""Faults planted in copies of real clips, each with what must name it."""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from bilstm_hmm.data.clip import Clip
from bilstm_hmm.features.audio.reading import read_audio
from bilstm_hmm.features.frames import FloatArray
from numpy.random import Generator

RATE = 16000
SPLITS = ("train", "test")


@dataclass(frozen=True, slots=True)
class Planted:
    """A fault: what it is called, the kinds of finding that count, what one of them must name.

    `name` is a clip, a label, a speaker or a line, as in a finding's subject or clips.
    """

    what: str
    kinds: tuple[str, ...]
    name: str


@dataclass(frozen=True, slots=True)
class Item:
    """A file of a collection, with what is written of it."""

    name: str
    emotion: str
    speaker: str
    split: str
    content: FloatArray | bytes
    rate: int = RATE
    subtype: str | None = None

    def write(self, root: Path) -> None:
        """Write the file below `root`."""
        path = root / self.name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(self.content, bytes):
            path.write_bytes(self.content)
            return
        soundfile.write(path, self.content, self.rate, subtype=self.subtype)


@dataclass(slots=True)
class Bed:
    """A collection in the making: its files, the lines of its manifest, and what was planted."""

    rng: Generator
    items: list[Item]
    n_clean: int
    planted: list[Planted] = field(default_factory=list)
    extra_lines: list[str] = field(default_factory=list)
    number: int = 0
    used: set[str] = field(default_factory=set)

    def take(self) -> Item:
        """Return a clean item that no other fault has touched."""
        free = [item for item in self.items[: self.n_clean] if item.name not in self.used]
        item = free[int(self.rng.integers(len(free)))]
        self.used.add(item.name)
        return item

    def other(self, item: Item, key: str) -> str:
        """Return another emotion, speaker or split than the item's, of those there are."""
        values = sorted({getattr(one, key) for one in self.items[: self.n_clean]})
        values.remove(getattr(item, key))
        return str(values[int(self.rng.integers(len(values)))])

    def add(self, like: Item, content: FloatArray | bytes, suffix: str = ".wav") -> Item:
        """Add a file with the labels of another and a name of its own."""
        self.number += 1
        name = f"clips/planted_{self.number:03d}{suffix}"
        item = replace(like, name=name, content=content)
        self.items.append(item)
        return item

    def note(self, what: str, name: str, *kinds: str) -> None:
        """Remember a fault."""
        self.planted.append(Planted(what, kinds, name))


def clean_bed(clips: Sequence[Clip], rng: Generator) -> Bed:
    """Return a collection of real clips, without faults; a speaker is in one split alone."""
    speakers = sorted({clip.speaker for clip in clips})
    items = []
    for number, clip in enumerate(clips):
        split = SPLITS[speakers.index(clip.speaker) % 2]
        name = f"clips/{number:04d}.wav"
        voice = f"voice {'abcdefghijklmnopqrstuvwxyz'[speakers.index(clip.speaker)] * 3}"
        samples = read_audio(clip.path, RATE).samples
        items.append(Item(name, clip.emotion, voice, split, samples))
    return Bed(rng, items, len(items))


def plant(bed: Bed, counts: dict[str, int], first: int) -> None:
    """Plant so many faults of each kind of `PLANTERS`; `first` is the number of each's first."""
    for what, count in counts.items():
        for turn in range(first, first + count):
            PLANTERS[what](bed, turn)


def _samples(item: Item) -> FloatArray:
    assert not isinstance(item.content, bytes)
    return item.content


def _unreadable(bed: Bed, turn: int) -> None:
    junk = (b"", b"no audio at all\n" * 40, b"RIFF\x24\x00\x00\x00WAVEfmt ", bed.rng.bytes(5000))
    added = bed.add(bed.take(), junk[turn % len(junk)])
    bed.note("unreadable", added.name, "unreadable")


def _truncated(bed: Bed, turn: int) -> None:
    item, file = bed.take(), io.BytesIO()
    kind = ("WAV", "FLAC")[turn % 2]
    soundfile.write(file, _samples(item), RATE, format=kind)
    content = file.getvalue()
    added = bed.add(item, content[: round(0.7 * len(content))], f".{kind.lower()}")
    bed.note("cut off", added.name, "truncated", "unreadable")


def _silent(bed: Bed, turn: int) -> None:
    item = bed.take()
    level = (0.0, 1e-4)[turn % 2]
    noise = level * bed.rng.standard_normal(2 * RATE)
    added = bed.add(item, noise.astype(np.float32))
    bed.note("silent", added.name, "silent")


def _no_speech(bed: Bed, turn: int) -> None:
    seconds = np.arange(3 * RATE) / RATE
    noise = 0.05 * bed.rng.standard_normal(len(seconds))
    hum = 0.1 * np.sin(2 * np.pi * 50 * seconds) + 0.05 * np.sin(2 * np.pi * 150 * seconds)
    added = bed.add(bed.take(), (noise, hum + 0.02 * noise)[turn % 2].astype(np.float32))
    bed.note("no speech", added.name, "no-speech")


def _clipped(bed: Bed, turn: int) -> None:
    samples = _samples(bed.take())
    gain = (2.0, 4.0)[turn % 2] / np.abs(samples).max()
    flat = np.clip(gain * samples, -1.0, 1.0) * (1.0, 0.5)[turn // 2 % 2]
    added = bed.add(bed.take(), flat.astype(np.float32))
    bed.note("clipped", added.name, "clipped")


def _short(bed: Bed, turn: int) -> None:
    samples = _samples(bed.take())
    length = round((0.05, 0.15, 0.3)[turn % 3] * RATE)
    start = int(np.abs(samples).argmax()) - length // 2
    added = bed.add(bed.take(), samples[max(0, start) : max(0, start) + length])
    bed.note("too short", added.name, "too-short", "silent")


def _long(bed: Bed, _turn: int) -> None:
    parts: list[FloatArray] = []
    while sum(map(len, parts)) < 25 * RATE:
        parts.append(_samples(bed.items[int(bed.rng.integers(bed.n_clean))]))
    added = bed.add(bed.take(), np.concatenate(parts))
    bed.note("too long", added.name, "too-long")


def _copy(what: str, kind: str, key: str | None) -> Callable[[Bed, int], None]:
    """Return what plants the same samples once more, with another label, speaker or split."""

    def planter(bed: Bed, turn: int) -> None:
        item = bed.take()
        changes: dict[str, Any] = {} if key is None else {key: bed.other(item, key)}
        added = bed.add(replace(item, **changes), _samples(item), (".flac", ".wav")[turn % 2])
        bed.note(what, added.name, kind, *(("duplicate-label",) if key else ()))

    return planter


def _changed_copy(bed: Bed, turn: int) -> None:
    item = bed.take()
    samples = _samples(item)
    like = replace(item, emotion=bed.other(item, "emotion"))
    way = ("level", "mp3", "opus", "vorbis", "rate", "ends", "stereo")[turn % 7]
    suffix = {"mp3": ".mp3", "opus": ".ogg", "vorbis": ".ogg"}.get(way, ".wav")
    if way == "level":
        samples = (0.3 * samples).astype(np.float32)
    elif way == "rate":
        samples = soxr.resample(samples, RATE, 11025)
    elif way == "ends":
        zeros = np.zeros(3333, np.float32)
        samples = np.concatenate([zeros, samples[1000:]])
    elif way == "stereo":
        samples = np.stack([samples, 0.8 * samples], axis=1)
    added = bed.add(like, samples, suffix)
    subtype = {"opus": "OPUS", "vorbis": "VORBIS", "mp3": "MPEG_LAYER_III"}.get(way)
    rate = 11025 if way == "rate" else RATE
    bed.items[-1] = replace(added, rate=rate, subtype=subtype)
    bed.note(f"changed copy ({way})", added.name, "duplicate-label")


_WORDS = (
    *("hapy", "Wut", "saad", "Freude", "angryy", "tristesse", "dissgust", "miedo"),
    *("neutrall", "Traurigkeit", "suprised", "gniew", "fearfull", "happi", "Angst", "nuetral"),
)


def _label(bed: Bed, turn: int) -> None:
    """Give some clips a label that is nearly a word for an emotion, or one of a language."""
    word = _WORDS[(turn + 4 * int(bed.rng.integers(4))) % len(_WORDS)]
    while any(fault.name == word for fault in bed.planted):
        word = _WORDS[int(bed.rng.integers(len(_WORDS)))]
    for _ in range(2):
        item = bed.take()
        bed.items[bed.items.index(item)] = replace(item, emotion=word)
    bed.note("label", word, "label")


def _few(bed: Bed, turn: int) -> None:
    word = ("proud", "ironic")[turn % 2]
    item = bed.take()
    bed.items[bed.items.index(item)] = replace(item, emotion=word)
    bed.note("few clips", word, "few-clips")


def _speaker(bed: Bed, turn: int) -> None:
    """Write the speaker of two clips another way."""
    item = bed.take()
    name = item.speaker
    ways = (name.upper(), f"{name}_1", name.replace(" ", "_"), f"{name} (2)", name.title())
    named = {fault.name for fault in bed.planted}
    free = [way for way in ways if way not in named]
    way = free[turn % len(free)] if free else f"{name}_{turn + 2}"
    bed.items[bed.items.index(item)] = replace(item, speaker=way)
    bed.note("speaker's name", way, "speaker-name")


def _leak(bed: Bed, _turn: int) -> None:
    named = {fault.name for fault in bed.planted if fault.what == "speaker leak"}
    while True:
        item = bed.take()
        if item.speaker not in named:
            break
    other = bed.other(item, "split")
    bed.items[bed.items.index(item)] = replace(item, split=other)
    bed.note("speaker leak", item.speaker, "speaker-leak")


def _line(bed: Bed, turn: int) -> None:
    item = bed.take()
    lines = (
        f"clips/missing_{turn}.wav,happy,{item.speaker},train",
        f"{item.name},happy,{item.speaker},train",
        f"clips/nothing_{turn}.wav",
    )
    bed.extra_lines.append(lines[turn % 3])
    name = lines[turn % 3].partition(",")[0]
    bed.note("line of the manifest", name, "manifest")


#: What plants a fault, by what it is called; it is given its number among those of its kind.
PLANTERS: dict[str, Callable[[Bed, int], None]] = {
    "unreadable": _unreadable,
    "cut off": _truncated,
    "silent": _silent,
    "no speech": _no_speech,
    "clipped": _clipped,
    "too short": _short,
    "too long": _long,
    "copy": _copy("copy", "duplicate", None),
    "copy, two labels": _copy("copy, two labels", "duplicate-label", "emotion"),
    "copy, two speakers": _copy("copy, two speakers", "duplicate-speaker", "speaker"),
    "copy, two splits": _copy("copy, two splits", "duplicate-split", "split"),
    "changed copy": _changed_copy,
    "label": _label,
    "few clips": _few,
    "speaker's name": _speaker,
    "speaker leak": _leak,
    "line of the manifest": _line,
}


def manifest_lines(bed: Bed) -> Iterator[str]:
    """Yield the lines of the manifest."""
    yield "path,emotion,speaker,split"
    for item in bed.items:
        yield f"{item.name},{item.emotion},{item.speaker},{item.split}"
    yield from bed.extra_lines
