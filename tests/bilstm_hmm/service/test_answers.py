"""The service says what the command says, to the last digit, of whatever the command takes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bilstm_hmm.inference.model import Model
from bilstm_hmm.output.formats import FORMATS
from tests.bilstm_hmm.service.harness import in_loop, problem, serving, wav
from tests.media import encode
from tests.oracle import RATE, say, talk

FORMAT_NAMES = [name for name in FORMATS if name != "png"]
MANY = ("text", "json", "jsonl", "csv", "tsv", "rttm")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings in several formats, and some that are none."""
    folder = tmp_path_factory.mktemp("recordings")
    sounds = {
        "short.wav": wav(say("sad")),
        "float.wav": wav(say("happy", 2), subtype="FLOAT"),
        "stereo.flac": wav(talk("angry", "neutral").repeat(2).reshape(-1, 2), format="FLAC"),
        "speech.ogg": wav(say("fearful", 3), format="OGG"),
        "speech.mp3": wav(say("happy", 3), format="MP3"),
        "long.wav": wav(talk("happy", 0.8, "sad", 0.8, "angry", "happy", 0.7, "sad", "neutral")),
        "silence.wav": wav(talk(1.0)),
        "none.wav": b"no audio",
        "empty.wav": b"",
    }
    for name, content in sounds.items():
        (folder / name).write_bytes(content)
    encode(folder / "speech.m4a", say("sad", 4))
    encode(folder / "speech.webm", say("angry", 4))
    return folder


def said(command: Callable[..., Any], oracle: Path, folder: Path, *arguments: str) -> Any:
    return command("predict.py", "--model", oracle, "--jobs", "1", *arguments, cwd=folder)


@pytest.mark.parametrize(
    "name",
    [
        *("short.wav", "float.wav", "stereo.flac", "speech.ogg", "speech.mp3"),
        *("speech.m4a", "speech.webm", "long.wav", "silence.wav"),
    ],
)
@in_loop
async def test_a_recording_gets_the_answer_of_the_command(
    name: str, model: Model, oracle: Path, files: Path, command: Callable[..., Any]
) -> None:
    done = said(command, oracle, files, "--file", name, "--format", "json")
    assert done.returncode == 0, done.stderr
    content = (files / name).read_bytes()
    async with serving(model) as served:
        as_form = await served.post("/v1/predict", files={"file": (name, content)})
        raw = await served.post("/v1/predict", content=content)
    assert as_form.status_code == 200
    assert as_form.text == done.stdout
    assert raw.json() == {**json.loads(done.stdout), "file": "-"}


@pytest.mark.parametrize("format", FORMAT_NAMES)
@in_loop
async def test_every_format_is_that_of_the_command(
    format: str, model: Model, oracle: Path, files: Path, command: Callable[..., Any]
) -> None:
    arguments = ("--file", "long.wav", "--format", format, "--timeline", "--abstain", "0.7")
    done = said(command, oracle, files, *arguments)
    content = (files / "long.wav").read_bytes()
    async with serving(model) as served:
        response = await served.post(
            f"/v1/predict?format={format}&timeline=true&abstain=0.7",
            files={"file": ("long.wav", content)},
        )
    assert (response.status_code, response.text) == (200, done.stdout)


@in_loop
async def test_a_picture_is_a_picture(model: Model) -> None:
    async with serving(model) as served:
        response = await served.post("/v1/predict?format=png", content=wav(say("sad")))
    assert response.headers["content-type"] == "image/png"
    assert response.content.startswith(b"\x89PNG")


@pytest.mark.parametrize("format", MANY)
@in_loop
async def test_several_are_answered_as_a_folder_is(
    format: str, model: Model, oracle: Path, files: Path, command: Callable[..., Any]
) -> None:
    names = ["short.wav", "none.wav", "long.wav", "empty.wav", "speech.ogg"]
    done = said(command, oracle, files, *names, "--format", format, "--timeline")
    sent = [("file", (name, (files / name).read_bytes())) for name in names]
    async with serving(model) as served:
        response = await served.post(f"/v1/predict/batch?format={format}&timeline=true", files=sent)
    assert (response.status_code, response.text) == (200, done.stdout)


@pytest.mark.parametrize("name", ["none.wav", "empty.wav"])
@in_loop
async def test_what_cannot_be_labelled_has_the_sentence_of_the_command(
    name: str, model: Model, oracle: Path, files: Path, command: Callable[..., Any]
) -> None:
    done = said(command, oracle, files, "--file", name)
    content = (files / name).read_bytes()
    async with serving(model) as served:
        response = await served.post("/v1/predict", files={"file": (name, content)})
        raw = await served.post("/v1/predict", content=content)
    assert problem(response, 422, "recording")["detail"] == done.stderr.strip()
    assert problem(raw, 422, "recording")["detail"].startswith("The recording ")


@pytest.mark.parametrize(
    ("query", "status", "name", "words"),
    [
        ("format=doc", 422, "query", "format 'doc' is not known; choose from text, json"),
        ("model=../x", 404, "model", "model '../x' is not here; choose from oracle, other."),
        ("emotions=sad,bored", 422, "query", "has no emotion 'bored'"),
        ("abstain=0.2&at_least=0.5", 422, "query", "."),
        ("abstain=2", 422, "query", "abstain: "),
        ("top=0", 422, "query", "top: "),
        ("jobs=4", 422, "query", "jobs: "),
    ],
)
@in_loop
async def test_a_query_that_makes_no_sense_is_refused_in_a_sentence(
    query: str, status: int, name: str, words: str, model: Model
) -> None:
    async with serving(model, other=model) as served:
        response = await served.post(f"/v1/predict?{query}", content=wav(say("sad")))
    assert words in problem(response, status, name)["detail"]


@in_loop
async def test_a_format_of_one_recording_is_refused_for_several(model: Model) -> None:
    async with serving(model) as served:
        response = await served.post(
            "/v1/predict/batch?format=srt", files=[("file", ("a.wav", b"a"))]
        )
    assert "srt" in problem(response, 422, "query")["detail"]


@in_loop
async def test_models_and_emotions_are_chosen(model: Model) -> None:
    other = model.restricted(["happy", "sad"])
    async with serving(model, other=other) as served:
        chosen = await served.post("/v1/predict?model=other", content=wav(say("sad")))
        same = await served.post("/v1/predict?emotions=happy,sad", content=wav(say("sad")))
        cards = (await served.get("/v1/models")).json()
    assert set(chosen.json()["probabilities"]) == {"happy", "sad"}
    assert chosen.text == same.text
    assert [card["name"] for card in cards] == ["oracle", "other"]
    assert cards[0]["ua"] == 50.0


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\anna\\talk.wav", "talk.wav"),
        ("a\x1b[31m\u202eb.wav", "a[31mb.wav"),
        ("..", "-"),
        ("/", "-"),
        ("Füße 日本.wav", "Füße 日本.wav"),
        ("x" * 500 + ".wav", "x" * 196 + ".wav"),
    ],
)
@in_loop
async def test_a_file_name_is_shown_and_no_more(sent: str, shown: str, model: Model) -> None:
    from bilstm_hmm.service.intake.recordings import clean_name

    assert clean_name(sent) == shown
    async with serving(model) as served:
        name = sent.replace("\x1b", "").replace("\\", "/")
        files = {"file": (name, wav(say("sad"), RATE))}
        response = await served.post("/v1/predict", files=files)
    assert response.status_code == 200
    assert "/" not in response.json()["file"]


@in_loop
async def test_the_description_has_units_examples_and_no_other_host(model: Model) -> None:
    async with serving(model) as served:
        described = (await served.get("/openapi.json")).json()
        page = await served.get("/docs")
    schemas = described["components"]["schemas"]
    assert "in seconds" in schemas["PredictionSchema"]["properties"]["duration"]["description"]
    for name in ("PredictionSchema", "UpdateSchema", "StreamSchema", "ProblemSchema"):
        assert schemas[name]["examples"], name
    assert {"/v1/predict", "/v1/predict/batch", "/v1/models"} <= set(described["paths"])
    assert "//" not in page.text
    assert "StreamSchema" in page.text


@in_loop
async def test_an_answer_has_what_its_schema_says(model: Model) -> None:
    from bilstm_hmm.service.description.schemas import PredictionSchema

    async with serving(model) as served:
        answer = (await served.post("/v1/predict", content=wav(say("sad")))).json()
    assert set(answer) - set(PredictionSchema.model_fields) == set()
    PredictionSchema.model_validate(answer, strict=True)
