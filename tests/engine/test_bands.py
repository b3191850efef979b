"""Bands: every pair in reach is listed, once, and numbered both ways."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorium.engine.bands import Bands

reals = st.floats(-10, 10, allow_nan=False, width=32)


def listed(bands: Bands) -> set[tuple[int, int]]:
    return {(t, int(k)) for t in range(bands.tiles) for k in bands.line[bands.first[t] : bands.first[t + 1]]}


@settings(deadline=None, max_examples=150)
@given(
    st.lists(reals, min_size=0, max_size=400),
    st.lists(st.tuples(reals, st.floats(0, 5)), max_size=12),
    st.sampled_from([True, False, None]),
)
def test_pairs_in_reach_are_listed(points: list[float], lines: list[tuple[float, float]], dense: bool | None) -> None:
    axis = np.sort(np.array(points, float))
    lines = sorted(lines)
    centres, reaches = np.array([c for c, _ in lines]), np.array([r for _, r in lines])
    bands = Bands(axis, centres, reaches, dense=dense)
    pairs = listed(bands)
    assert len(pairs) == bands.pairs
    for k, (centre, reach) in enumerate(lines):
        near = np.flatnonzero(np.abs(axis - centre) <= reach) // bands.width
        assert {(int(t), k) for t in near} <= pairs
    if dense:
        assert bands.pairs == bands.tiles * len(lines)
    if dense is False:
        for t, k in pairs:
            tile = axis[t * bands.width : (t + 1) * bands.width]
            assert tile[0] <= centres[k] + reaches[k]
            assert tile[-1] >= centres[k] - reaches[k]


def numbered(rng: Any) -> Bands:
    return Bands(np.sort(rng.random(3000)), np.sort(rng.random(40)), np.full(40, 0.03))


def test_numbers_run_along_each_line() -> None:
    """The parts of a line lie one after the other, tile by tile: what `fold` sums in order."""
    bands = numbered(np.random.default_rng(1))
    numbers = {(t, k): bands.shift[k] + t for t, k in listed(bands)}
    assert sorted(numbers.values()) == list(range(bands.pairs))
    for k in range(40):
        own = [number for (_, line), number in sorted(numbers.items()) if line == k]
        assert own == list(range(bands.start[k], bands.start[k + 1]))


def test_lines_of_a_tile_ascend() -> None:
    bands = numbered(np.random.default_rng(2))
    assert all((np.diff(bands.line[a:b]) > 0).all() for a, b in zip(bands.first[:-1], bands.first[1:], strict=True))


@pytest.mark.parametrize("count", [100, 10_000, 100_000])
def test_tiles_fit_the_reach(count: int) -> None:
    """Narrow lines get narrow tiles: at most a third of the listed elements is out of reach."""
    axis = np.linspace(0, 1, count)
    centres = np.linspace(0, 1, 1000)
    bands = Bands(axis, centres, np.full(1000, 100 / count))
    wanted = 1000 * 200
    assert bands.pairs * bands.width < 1.5 * wanted


def test_the_width_does_not_depend_on_how_pairs_are_listed() -> None:
    """Otherwise dense and banded sums would differ in the last bits."""
    rng = np.random.default_rng(3)
    axis, centres, reaches = np.sort(rng.random(5000)), np.sort(rng.random(30)), rng.random(30) * 0.1
    assert Bands(axis, centres, reaches, dense=True).width == Bands(axis, centres, reaches, dense=False).width
