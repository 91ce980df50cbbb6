"""Answers of the service against what the command writes for the same recordings, byte for byte."""

import asyncio
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.campaigns.wire import Address, exchange, form, request

#: What is compared.
FORMATS = ("json", "jsonl", "csv", "tsv", "rttm")
#: What recordings are sent as, in turn: suffix, and format and subtype as libsndfile calls them.
CONTAINERS = (
    (".wav", "WAV", "PCM_16"),
    (".flac", "FLAC", "PCM_16"),
    (".ogg", "OGG", "VORBIS"),
    (".opus", "OGG", "OPUS"),
    (".mp3", "MP3", "MPEG_LAYER_III"),
)
_PATIENCE = 60.0


def write_copies(clips: Sequence[Path], folder: Path) -> list[str]:
    """Write recordings into a folder, in each of the containers in turn; return their names."""
    import soundfile

    names = []
    for number, clip in enumerate(clips):
        suffix, container, subtype = CONTAINERS[number % len(CONTAINERS)]
        samples, rate = soundfile.read(clip, dtype="float32")
        names.append(f"{number:04d}{suffix}")
        soundfile.write(folder / names[-1], samples, rate, format=container, subtype=subtype)
    return names


def of_each(text: str, format: str, names: Sequence[str]) -> dict[str, str]:
    """Return what the command writes for each of several recordings, as it would for one alone."""
    if format == "json":
        entries = json.loads(text)
        return {
            entry["file"]: json.dumps(entry, ensure_ascii=False, indent=2) + "\n"
            for entry in entries
        }
    lines = text.splitlines(keepends=True)
    if format == "jsonl":
        return {json.loads(line)["file"]: line for line in lines}
    if format == "rttm":
        found: dict[str, str] = {}
        for line in lines:
            stem = line.split()[1]
            found[stem] = found.get(stem, "") + line
        return {name: found.get(Path(name).stem, "") for name in names}
    delimiter = {"csv": ",", "tsv": "\t"}[format]
    return {line.partition(delimiter)[0]: lines[0] + line for line in lines[1:]}


def command(names: Sequence[str], folder: Path, format: str, model: str) -> str:
    """Return what ``predict`` writes for recordings of a folder."""
    arguments = ("-m", "bilstm_hmm", "predict", "--model", model, "--format", format, "--jobs", "1")
    return subprocess.run(
        [sys.executable, *arguments, *names],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
    ).stdout.decode("utf-8")


async def sent(
    url: str, names: Sequence[str], folder: Path, format: str, connections: int
) -> dict[str, str]:
    """Return what the service answers to each recording; its status where it is refused."""
    address, answers, left = Address.of(url), {}, iter(names)

    async def send_on() -> None:
        for name in left:
            body = form(name, (folder / name).read_bytes())
            data = request(
                f"/v1/predict?format={format}".encode(), body, b"multipart/form-data; boundary=x"
            )
            answer = await exchange(address, data, _PATIENCE)
            answers[name] = (
                answer.body.decode("utf-8") if answer.outcome == "200" else answer.outcome
            )

    await asyncio.gather(*(send_on() for _ in range(connections)))
    return answers


def compared(expected: Mapping[str, str], answers: Mapping[str, str]) -> list[str]:
    """Return the names of the recordings that are answered otherwise."""
    return [name for name, text in answers.items() if expected.get(name) != text]


async def compare(url: str, clips: Sequence[Path], model: str, connections: int) -> dict[str, Any]:
    """Ask for each recording in every format; return how many answers are those of the command.

    Parameters
    ----------
    model
        That the service answers with by default.
    connections
        Requests under way at a time.
    """
    same: dict[str, int] = {}
    differ: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory(prefix="bilstm-hmm-answers-") as name:
        folder = Path(name)
        names = write_copies(clips, folder)
        for format in FORMATS:
            text = await asyncio.to_thread(command, names, folder, format, model)
            expected = of_each(text, format, names)
            answers = await sent(url, names, folder, format, connections)
            wrong = compared(expected, answers)
            same[format] = len(answers) - len(wrong)
            for one in wrong[:3]:
                differ[f"{one} {format}"] = [expected.get(one, ""), answers[one]]
    containers = Counter(Path(name).suffix for name in names)
    return {"sent_as": dict(containers), "same": same, "differ": differ}
