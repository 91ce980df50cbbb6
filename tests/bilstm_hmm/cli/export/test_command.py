"""The command writes one file that says what it is, and never over another unasked."""

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from bilstm_hmm.features.encoder.store import find_encoder
from bilstm_hmm.features.settings.encoder_catalogue import WHISPER_TINY

from bilstm_hmm import __version__
from bilstm_hmm.cli.main import program
from tests.docs.pages import DOCS, python_blocks
from tests.oracle import RATE, say


def export(*arguments: str | Path) -> int:
    """Run the command in this process; returns its exit status."""
    with pytest.raises(SystemExit) as caught:
        program()(["export", *map(str, arguments)])
    status = caught.value.code
    assert isinstance(status, int)
    return status


def test_export_writes_a_file_that_says_what_it_is(
    oracle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "new" / "oracle.onnx"
    assert export("--model", oracle, "--output", output) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith(f"{output}: oracle-0123abcd, ")
    known = onnxruntime.InferenceSession(output).get_modelmeta().custom_metadata_map
    manifest = json.loads((oracle / "bundle.json").read_text("utf-8"))
    assert json.loads(known["labels"]) == manifest["classes"]
    assert known["model"] == manifest["model"]
    assert known["bundle_sha256"] == manifest["seal"]
    assert (known["sample_rate"], known["frame_rate"]) == ("16000", "25")
    assert known["version"] == __version__
    assert known["card"] == "# Card\n"
    assert [path.name for path in output.parent.iterdir()] == ["oracle.onnx"]


def test_the_card_of_a_model_that_ships_goes_with_it(tmp_path: Path) -> None:
    output = tmp_path / "default.onnx"
    assert export("--output", output, "--emotions", "happy, sad") == 0
    known = onnxruntime.InferenceSession(output).get_modelmeta().custom_metadata_map
    assert json.loads(known["labels"]) == ["happy", "sad"]
    assert json.loads(known["encoder"]) is None
    assert 0.0 < json.loads(known["figures"])["ua"] < 100.0
    assert json.loads(known["protocol"])["clips"] > 1000
    assert "Commercial use: not allowed" in known["licence"]
    assert {source["name"] for source in json.loads(known["corpora"])} >= {"ravdess", "crema-d"}


@pytest.mark.skipif(find_encoder(WHISPER_TINY.sha256) is None, reason="its encoder was not fetched")
def test_an_encoder_goes_into_the_file_with_its_licence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "accurate.onnx"
    assert export("--model", "open-accurate", "--output", output) == 0
    assert "It holds the encoder whisper-tiny" in capsys.readouterr().out
    known = onnxruntime.InferenceSession(output).get_modelmeta().custom_metadata_map
    encoder = json.loads(known["encoder"])
    assert (encoder["name"], encoder["sha256"]) == ("whisper-tiny", WHISPER_TINY.sha256)
    assert encoder["licence"] == WHISPER_TINY.licence
    assert known["licence"].endswith(f"Encoder: {WHISPER_TINY.title}: {WHISPER_TINY.licence}.")


def test_errors_are_a_sentence_and_nothing_is_lost(
    oracle: Path, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "x.onnx"
    output.write_text("mine")
    assert export("--model", oracle, "--output", output) == 2
    assert "x.onnx exists already; replace it with --overwrite" in capsys.readouterr().err
    assert output.read_text() == "mine"
    assert export("--model", oracle, "--output", output, "--overwrite") == 0
    assert output.stat().st_size > 10000
    capsys.readouterr()
    other = tmp_path / "y.onnx"
    assert export("--model", "accurate", "--output", other) == 2
    assert "The encoder whisper-tiny is not on this machine" in capsys.readouterr().err
    assert export("--model", oracle, "--output", other, "--emotions", "happy,bored") == 2
    assert "has no emotion 'bored'" in capsys.readouterr().err
    assert not other.exists()


def test_the_code_of_the_page_runs(
    oracle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert export("--model", oracle, "--output", tmp_path / "default.onnx") == 0
    monkeypatch.chdir(tmp_path)
    (block,) = python_blocks(DOCS / "guide" / "export.md")
    names: dict[str, object] = {"samples": say("angry").astype(np.float32)}
    exec(compile(block, "export.md", "exec"), names)
    assert names["rate"] == RATE
    answer = names["answer"]
    assert isinstance(answer, dict)
    assert max(answer, key=answer.__getitem__) == "angry"
