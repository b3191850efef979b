"""Checkpoints: exact, whole or absent, two generations, and the way back when one is damaged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from toy_run import OUTPUT, toy

from sensorium.engine.errors import OutputError
from sensorium.engine.simulation import Simulation
from sensorium.io.checkpoint import CheckpointWriter, restore_run
from sensorium.io.h5md import TrajectoryWriter
from sensorium.io.output import record, resume
from sensorium.io.parts import Parts
from sensorium.io.statefile import DamagedState, load_state, save_state, state_facts

KEYS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12)
ARRAYS = hnp.arrays(
    st.sampled_from(["f8", "f4", "i8", "i4", "u8", "u1", "i1", "?"]),
    hnp.array_shapes(min_dims=1, max_dims=3, min_side=0),
)
LEAVES = st.one_of(
    st.integers(-(2**63), 2**63 - 1), st.floats(), st.booleans(), st.none(), ARRAYS,
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=20),
)  # fmt: skip
STATES = st.recursive(
    st.dictionaries(KEYS, LEAVES, max_size=4),
    lambda inner: st.dictionaries(KEYS, inner | LEAVES, max_size=3),
    max_leaves=8,
)


def same(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, float):
        return isinstance(b, float) and np.float64(a).tobytes() == np.float64(b).tobytes()
    return type(a) is type(b) and bool(a == b)


@settings(max_examples=60, deadline=None)
@given(state=STATES)
def test_every_bit_comes_back(tmp_path_factory: pytest.TempPathFactory, state: dict[str, Any]) -> None:
    path = tmp_path_factory.mktemp("state") / "state.h5"
    save_state(path, state, {"step": 3})
    assert same(state, load_state(path))
    assert state_facts(path)["step"] == 3
    assert [p.name for p in path.parent.iterdir()] == ["state.h5"]


def test_it_is_plain_hdf5(tmp_path: Path) -> None:
    save_state(tmp_path / "state.h5", {"a": {"b": np.arange(3.0)}}, {})
    with h5py.File(tmp_path / "state.h5") as file:
        assert file["a/b"][()].tolist() == [0, 1, 2]


def test_what_cannot_be_stored_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="'thing' of type object"):
        save_state(tmp_path / "state.h5", {"thing": object()}, {})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("where", [0.05, 0.3, 0.6, 0.95])
def test_a_flipped_bit_is_found(tmp_path: Path, where: float) -> None:
    path = tmp_path / "state.h5"
    save_state(path, {"x": np.arange(1000.0)}, {})
    raw = bytearray(path.read_bytes())
    raw[int(where * len(raw))] ^= 1
    path.write_bytes(raw)
    with pytest.raises(DamagedState, match="damaged"):
        load_state(path)


def test_a_cut_file_is_found(tmp_path: Path) -> None:
    path = tmp_path / "state.h5"
    save_state(path, {"x": np.arange(1000.0)}, {})
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(OutputError):
        load_state(path)


# ---- runs -----------------------------------------------------------------------------------------------------


def checkpointed(path: Path, steps: int) -> tuple[Simulation, Parts]:
    """A run that stopped at `steps` of 120, with checkpoints at 37, 74 and 111."""
    sim = toy(120)
    writer = record(sim, path, OUTPUT)

    class Cut(Exception):
        pass

    def cut(sim: Simulation) -> None:
        if sim.world.clock.step == steps:
            raise Cut

    with pytest.raises(Cut):
        sim.run(progress=cut)
    return sim, writer.parts


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("straight") / "run.h5"
    sim = toy(120)
    record(sim, path, OUTPUT)
    sim.run()
    return path.read_bytes()


def test_two_generations(tmp_path: Path) -> None:
    _, parts = checkpointed(tmp_path / "run.h5", 119)
    assert [p.name for p in parts.checkpoints()] == ["checkpoint-000000000111.h5", "checkpoint-000000000074.h5"]


def test_a_damaged_generation_falls_back_to_the_one_before(tmp_path: Path, straight: bytes) -> None:
    path = tmp_path / "run.h5"
    _, parts = checkpointed(path, 119)
    newest = parts.checkpoints()[0]
    raw = bytearray(newest.read_bytes())
    raw[len(raw) // 2] ^= 0xFF
    newest.write_bytes(raw)
    sim = toy(120)
    record(sim, path, OUTPUT)
    assert resume(sim, path) == 74
    sim.run()
    assert path.read_bytes() == straight


def test_all_generations_damaged_is_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    _, parts = checkpointed(path, 119)
    for checkpoint in parts.checkpoints():
        checkpoint.write_bytes(b"not a checkpoint")
    sim = toy(120)
    record(sim, path, OUTPUT)
    with pytest.raises(OutputError, match="damaged") as caught:
        resume(sim, path)
    assert caught.value.exit_code == 5


def test_a_missing_segment_is_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    _, parts = checkpointed(path, 119)
    parts.segment(0).unlink()
    sim = toy(120)
    record(sim, path, OUTPUT)
    with pytest.raises(OutputError, match=r"segment-0000\.h5 is missing"):
        resume(sim, path)


@pytest.mark.parametrize("step", [1, 2, 37, 38, 75, 119])
def test_restart_is_exact_wherever_it_was_cut(tmp_path: Path, straight: bytes, step: int) -> None:
    path = tmp_path / "run.h5"
    checkpointed(path, step)
    sim = toy(120)
    record(sim, path, OUTPUT)
    resume(sim, path)
    sim.run()
    assert path.read_bytes() == straight


def test_no_segment_is_left_over(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    _, parts = checkpointed(path, 119)
    sim = toy(120)
    record(sim, path, OUTPUT)
    resume(sim, path)
    assert [p.name for p in parts.sealed()] == ["segment-0000.h5", "segment-0001.h5", "segment-0002.h5"]
    assert parts.open_segment() is None


def test_checkpoints_without_a_trajectory(tmp_path: Path) -> None:
    parts = Parts(tmp_path / "state")
    sim = toy(50)
    sim.add_writer(CheckpointWriter(parts, 20))
    sim.run()
    other = toy(50)
    other.add_writer(CheckpointWriter(Parts(tmp_path / "state"), 20))
    parts.release()
    assert restore_run(other, other.writers[0].parts) == 40  # type: ignore[attr-defined]
    other.run()
    a, b = (s.world.population("gas") for s in (sim, other))
    np.testing.assert_array_equal(a.ids, b.ids)
    for field in a.fields:
        np.testing.assert_array_equal(a.column(field), b.column(field))


def test_the_status_file_tells_how_far_it_is(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    sim = toy(30)
    writer = TrajectoryWriter(path, 10)
    sim.add_writer(writer)
    told: list[dict[str, Any]] = []
    sim.run(progress=lambda s: told.append(json.loads((writer.parts.folder / "status.json").read_text())))
    assert told[0]["state"] == "running"
    assert told[0]["steps"] == 30
    assert told[0]["populations"]["gas"] == 50
