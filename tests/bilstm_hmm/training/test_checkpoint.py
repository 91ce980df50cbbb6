from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.training.checkpoint import TrainingState, load_state, save_state


def some_state() -> TrainingState:
    rng = np.random.default_rng(0)
    return TrainingState(
        epoch=3,
        steps=12,
        learning_rate=0.1 / 3,
        best_score=61.5,
        best_epoch=2,
        best_loss=0.7,
        waited=1,
        history=[{"epoch": 1.0, "loss": 1 / 3}, {"epoch": 2.0, "loss": 0.1}],
        # More than ten arrays: their names must not be sorted as text.
        model=[rng.normal(size=(2, i)).astype(np.float32) for i in range(12)],
        optimizer=[np.array(7, np.int64), rng.normal(size=3)],
        average=[rng.normal(size=2)],
        best=[np.array([1, 2], np.uint32)],
    )


def same(left: TrainingState, right: TrainingState) -> bool:
    for name in TrainingState.__slots__:
        one, other = getattr(left, name), getattr(right, name)
        if name in {"model", "optimizer", "average", "best"}:
            if len(one) != len(other):
                return False
            for a, b in zip(one, other, strict=True):
                if a.dtype != b.dtype or not np.array_equal(a, b):
                    return False
        elif one != other:
            return False
    return True


def test_a_state_comes_back_exactly(tmp_path: Path) -> None:
    path = tmp_path / "work" / "fold1.npz"
    for state in (some_state(), TrainingState()):
        save_state(path, state)
        found = load_state(path)
        assert found is not None
        assert same(found, state)
    assert [p.name for p in path.parent.iterdir()] == ["fold1.npz"]


def test_there_is_no_state_yet(tmp_path: Path) -> None:
    assert load_state(tmp_path / "fold1.npz") is None
    assert load_state(tmp_path) is None


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04"])
def test_a_file_that_is_no_state_is_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "fold1.npz"
    path.write_bytes(content)
    assert load_state(path) is None


def test_other_arrays_are_no_state(tmp_path: Path) -> None:
    path = tmp_path / "fold1.npz"
    for arrays in (
        {"x": np.zeros(3)},
        {"scalars": np.array("[1]")},
        {"scalars": np.array("{")},
        {"scalars": np.array('{"unknown": 1}')},
        {"scalars": np.array('{"epoch": 1}'), "model.1": np.zeros(2)},
    ):
        np.savez(path, **arrays)
        assert load_state(path) is None


@given(data=st.data())
@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_damage_is_never_an_error_and_never_goes_unseen(
    tmp_path: Path, data: st.DataObject
) -> None:
    path = tmp_path / "fold1.npz"
    save_state(path, some_state())
    whole = bytearray(path.read_bytes())
    if data.draw(st.booleans(), label="cut"):
        damaged = whole[: data.draw(st.integers(0, len(whole) - 1), label="length")]
    else:
        damaged = bytearray(whole)
        for _ in range(data.draw(st.integers(1, 3))):
            place = data.draw(st.integers(0, len(whole) - 1), label="place")
            damaged[place] ^= data.draw(st.integers(1, 255), label="bits")
    path.write_bytes(damaged)
    found = load_state(path)
    assert found is None or same(found, some_state())


def test_a_state_that_cannot_be_written_is_told_and_the_older_one_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "fold1.npz"
    save_state(path, some_state())

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(ToolkitError, match="disk is full"):
        save_state(path, TrainingState())
    found = load_state(path)
    assert found is not None
    assert same(found, some_state())
    assert [p.name for p in tmp_path.iterdir()] == ["fold1.npz"]
