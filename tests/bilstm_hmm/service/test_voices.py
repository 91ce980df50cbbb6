"""A voice that is learned over HTTP is the one that the command learns, and is used like it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bilstm_hmm.inference.model import Model
from bilstm_hmm.inference.stream import EmotionStream
from bilstm_hmm.inference.voice.profile import VoiceProfile
from bilstm_hmm.output.formats import json_line
from tests.bilstm_hmm.service.harness import Socket, in_loop, limited, pcm16, problem, serving, wav
from tests.oracle import RATE, say, talk

Files = list[tuple[str, tuple[str, bytes]]]


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    (folder / "one.wav").write_bytes(wav(say("sad")))
    (folder / "two.wav").write_bytes(wav(talk("happy", 0.8, "angry")))
    (folder / "silent.wav").write_bytes(wav(talk(1.0)))
    return folder


@pytest.fixture(scope="module")
def files(clips: Path) -> Files:
    return [("file", (path.name, path.read_bytes())) for path in sorted(clips.iterdir())]


@pytest.fixture(scope="module")
def profile(clips: Path, voice_model: Model) -> str:
    return voice_model.voice(*(str(path) for path in sorted(clips.iterdir()))).text


@in_loop
async def test_a_voice_is_the_one_that_is_learned_without_the_service(
    voice_model: Model, files: Files, profile: str
) -> None:
    async with serving(voice_model) as served:
        response = await served.post("/v1/voice", files=files)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    # That of the command, as its own tests say.
    assert response.text == profile


@in_loop
async def test_a_recording_is_labelled_by_the_voice_beside_it(
    voice_model: Model, profile: str
) -> None:
    content, voice = wav(say("fearful", 2)), VoiceProfile.parse(profile.encode())
    own = voice_model.predict(say("fearful", 2), RATE).to_dict()
    known = voice_model.predict(say("fearful", 2), RATE, voice=voice).to_dict()
    assert known["probabilities"] != own["probabilities"]
    form = [("voice", ("v", profile.encode())), ("file", ("a.wav", content))]
    async with serving(voice_model) as served:
        one = (await served.post("/v1/predict", files=form)).json()
        # Wherever the voice stands in the form.
        many = (await served.post("/v1/predict/batch", files=[form[1], form[1], form[0]])).json()
        without = (await served.post("/v1/predict", files=form[1:])).json()
    assert one["probabilities"] == known["probabilities"]
    assert [answer["probabilities"] for answer in many] == [known["probabilities"]] * 2
    assert without["probabilities"] == own["probabilities"]


@in_loop
async def test_a_stream_takes_a_voice(voice_model: Model, profile: str) -> None:
    samples = talk("happy", 0.8, "sad")
    stream = EmotionStream(voice_model, RATE, voice=VoiceProfile.parse(profile.encode()))
    whole = pcm16(samples)
    async with serving(voice_model) as served:
        socket = Socket(served.app)
        socket.send({"rate": RATE, "format": "pcm16", "voice": profile})
        socket.send(whole)
        socket.send({"end": True})
        said = await socket.rest()
        refused = Socket(served.app)
        refused.send({"rate": RATE, "voice": "{}"})
        (sentence,) = await refused.rest()
    taken = np.frombuffer(whole, "<i2").astype(np.float32) / 32768
    updates = [*stream.push(taken), stream.close()]
    assert [f"{line}\n" for line in said] == [json_line(one.to_dict()) for one in updates]
    assert "not a voice profile" in json.loads(sentence)["detail"]


@in_loop
async def test_what_is_no_voice_is_refused(
    voice_model: Model, model: Model, profile: str, files: Files
) -> None:
    recording = ("file", ("a.wav", wav(say("sad"))))
    voice = ("voice", ("my.voice", profile.encode()))
    async with serving(voice_model, limited(max_seconds=1.0), plain=model) as served:

        async def refused(*form: tuple[str, tuple[str, bytes]], query: str = "") -> Any:
            return await served.post(f"/v1/predict{query}", files=list(form))

        broken = problem(await refused(("voice", ("x.voice", b"{}")), recording), 422, "voice")
        assert broken["detail"].startswith("x.voice: not a voice profile")
        other = problem(await refused(voice, recording, query="?model=plain"), 422, "voice")
        assert "not trained to know voices" in other["detail"]
        problem(await refused(voice, voice, recording), 400, "form")
        problem(await refused(voice), 400, "form")
        unknown = await served.post("/v1/voice?model=plain", files=files)
        assert "not trained to know voices" in problem(unknown, 422, "query")["detail"]
        problem(await served.post("/v1/voice?model=none", files=files), 404, "model")
        long = problem(await served.post("/v1/voice", files=files), 413, "recording-too-long")
        assert long["detail"].startswith("one.wav is longer than 1 s")
        none = [("file", ("none.wav", b"no audio"))]
        unread = problem(await served.post("/v1/voice", files=none), 422, "recording")
        assert unread["detail"].startswith("none.wav")
        silent = [("file", ("silent.wav", wav(talk(0.9))))]
        nobody = problem(await served.post("/v1/voice", files=silent), 422, "recording")
        assert nobody["detail"].startswith("Nobody speaks")


@in_loop
async def test_curves_are_the_probabilities_over_time_of_one_recording(model: Model) -> None:
    sound = talk("happy", 0.8, "sad", 0.8, "angry", 0.8, "happy", 0.7, "sad", "neutral")
    form = {"file": ("a.wav", wav(sound))}
    async with serving(model) as served:
        answer = (await served.post("/v1/predict?curves=true", files=form)).json()
        plain = (await served.post("/v1/predict", files=form)).json()
        problem(await served.post("/v1/predict?curves=true&format=csv", files=form), 422, "query")
        batch = await served.post("/v1/predict/batch?curves=true", files=form)
        problem(batch, 422, "query")
    curves = answer.pop("curves")
    assert answer == plain
    assert list(curves["probabilities"]) == list(plain["probabilities"])
    assert curves["times"] == sorted(curves["times"])
    spoken = [one for one in plain["segments"] if one["emotion"] != "no speech"]
    assert len({one["emotion"] for one in spoken}) > 2
    for segment in spoken:
        middle = np.argmin(
            np.abs(np.array(curves["times"]) - np.mean([segment["start"], segment["end"]]))
        )
        shares = {name: values[middle] for name, values in curves["probabilities"].items()}
        assert max(shares, key=shares.__getitem__) == segment["emotion"]
        assert sum(shares.values()) == pytest.approx(1.0, abs=1e-3)
