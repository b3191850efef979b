"""Random numbers: known answers, an open interval, the right distributions, and no dependence on anything else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from sensorium.engine.device import Device, Rows
from sensorium.engine.kernel import kernel
from sensorium.engine.random import _unit, normal, normal_pair, philox, uniform

PRECISIONS = ["double", "single"]
ROWS = 100_000
FULL = 0xFFFFFFFF


@kernel
def words(i, counter, key, out):
    out[i, 0], out[i, 1], out[i, 2], out[i, 3] = philox(
        counter[i, 0], counter[i, 1], counter[i, 2], counter[i, 3], key[i, 0], key[i, 1]
    )


@kernel(cost=5.0)
def draw(i, ids, out, seed, step, stream, number):
    out[i, 0] = uniform(seed, ids[i], step, stream, number)
    out[i, 1], out[i, 2] = normal_pair(seed, ids[i], step, stream, number)
    out[i, 3] = normal(seed, ids[i], step, stream, number)


@kernel
def extremes(i, word, out):
    out[i] = _unit(word[i], word[i])


def drawn(precision: Any, ids: Any = None, seed: int = 1, step: int = 2, stream: int = 3, number: int = 4) -> Any:
    """(4, n): uniform, the two normals, and the first of them again."""
    device = Device("cpu", precision)
    ids = np.arange(ROWS) if ids is None else np.asarray(ids)
    out = device.zeros((4, max(2, len(ids))))
    draw(Rows(len(ids), device), ids, out.T, seed, step, stream, number)
    return out[:, : len(ids)]


def test_known_answers_of_random123() -> None:
    """kat_vectors of Random123 1.14: philox4x32, 10 rounds."""
    counter = [[0] * 4, [FULL] * 4, [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344]]
    key = [[0] * 2, [FULL] * 2, [0xA4093822, 0x299F31D0]]
    out = np.zeros((3, 4), np.uint64)
    words(Rows(3, Device("cpu", "double")), np.array(counter, np.uint64), np.array(key, np.uint64), out)
    assert out.tolist() == [
        [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8],
        [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD],
        [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
    ]


def test_counter_and_key_are_what_they_are_said_to_be() -> None:
    """counter = (id, step, stream, draw), key = seed; double precision takes the upper 52 of words 0 and 1."""
    seed, number, step, stream, draws = 0x0123456789ABCDEF, 77, 88, 99, 5
    a, b, _, _ = (
        int(w) for w in philox(*(np.uint64(v) for v in (number, step, stream, draws, seed & FULL, seed >> 32)))
    )
    cell = (a << 20) | (b >> 12)
    assert drawn("double", [number], seed, step, stream, draws)[0, 0] == (cell + 0.5) / 2**52


@pytest.mark.parametrize(("precision", "bits"), [("double", 53), ("single", 24)])
def test_uniform_is_in_the_open_interval(precision: Any, bits: int) -> None:
    device = Device("cpu", precision)
    out = device.zeros(2)
    extremes(Rows(2, device), np.array([0, FULL], np.uint64), out)
    assert out.tolist() == [2.0**-bits, 1.0 - 2.0**-bits]
    values = drawn(precision)[0].astype(np.float64)
    assert (values * 2**bits % 2 == 1).all()  # the middle of a cell, exactly


@pytest.mark.parametrize("precision", PRECISIONS)
def test_distributions(precision: Any) -> None:
    """Kolmogorov-Smirnov on 1e5 samples of a fixed seed: p is a number, not a chance; below 1e-3 something is wrong."""
    u, x, y, again = drawn(precision).astype(np.float64)
    assert stats.kstest(u, "uniform").pvalue > 1e-3
    assert stats.kstest(x, "norm").pvalue > 1e-3
    assert stats.kstest(y, "norm").pvalue > 1e-3
    assert np.array_equal(x, again)
    # the correlation of n independent pairs is normal with deviation 1/sqrt(n): five of them
    assert abs(np.corrcoef(x, y)[0, 1]) < 5 / np.sqrt(ROWS)
    assert abs(np.corrcoef(u[:-1], u[1:])[0, 1]) < 5 / np.sqrt(ROWS)
    assert stats.kurtosis(x) == pytest.approx(0, abs=5 * np.sqrt(24 / ROWS))


@pytest.mark.parametrize("change", ["seed", "step", "stream", "number"])
def test_every_argument_gives_other_numbers(change: str) -> None:
    first = drawn("double", np.arange(1000))[0]
    other = drawn("double", np.arange(1000), **{change: 17})[0]
    assert not np.isin(first, other).any()


def test_numbers_belong_to_ids_not_to_rows_or_calls() -> None:
    ids = np.random.default_rng(0).permutation(ROWS)
    assert np.array_equal(drawn("double", ids), drawn("double")[:, ids])
    assert np.array_equal(drawn("double", [42])[:, 0], drawn("double")[:, 42])


def test_large_seeds_ids_and_steps_count_with_all_their_bits() -> None:
    values = {
        drawn("double", [number], seed, step)[0, 0]
        for number in (5, 5 + 2**32) for seed in (7, 7 + 2**32, 7 + 2**62) for step in (9, 9 + 2**32)
    }  # fmt: skip
    assert len(values) == 12


def test_precisions_see_the_same_path() -> None:
    """Single precision is the same random sequence, rounded: its uniform is the same within a cell of 2^-23."""
    assert np.abs(drawn("double")[0] - drawn("single")[0]).max() <= 2.0**-23
