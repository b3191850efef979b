"""Anchors: as many as each carrier has, in flat arrays."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorium import World
from sensorium.components.anchors import Anchors

lists = st.lists(st.integers(0, 40), max_size=6, unique=True)
commands = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 8), lists),
        st.tuples(st.just("carriers"), st.just(0), lists),
        st.tuples(st.just("oscillators"), st.just(0), lists),
    ),
    max_size=25,
)


@settings(deadline=None)
@given(commands)
def test_it_is_a_dict_of_lists(steps: list[tuple[str, int, list[int]]]) -> None:
    anchors, model = Anchors(), {}
    for kind, carrier, ids in steps:
        if kind == "put":
            anchors.put(carrier, ids, 0.5, np.arange(len(ids)))
            model[carrier] = list(zip(ids, range(len(ids)), strict=True))
        elif kind == "carriers":
            anchors.drop(carriers=ids)
            model = {k: v for k, v in model.items() if k not in ids}
        else:
            anchors.drop(oscillators=ids)
            model = {k: [(i, p) for i, p in v if i not in ids] for k, v in model.items()}
    model = {k: v for k, v in model.items() if v}
    assert anchors.carriers.tolist() == sorted(model)
    assert (np.diff(anchors.carrier) >= 0).all()
    for k, (carrier, pairs) in enumerate(sorted(model.items())):
        rows = anchors.rows_of(carrier)
        assert [rows.start, rows.stop] == anchors.offsets[k : k + 2].tolist()
        assert anchors.oscillator[rows].tolist() == [i for i, _ in pairs]
        assert anchors.phase[rows].tolist() == [float(p) for _, p in pairs]


def test_it_survives_a_restart() -> None:
    anchors = Anchors()
    anchors.put(7, [3, 1, 2], [0.1, 0.2, 0.3], [1.0, 2.0, 3.0])
    other = Anchors()
    other.restore(anchors.state())
    assert other.oscillator.tolist() == [3, 1, 2]
    assert other.rows_of(7) == slice(0, 3)
    assert other.rows_of(6) == slice(0, 0)


def test_one_per_world() -> None:
    world = World()
    assert Anchors.of(world) is Anchors.of(world)
