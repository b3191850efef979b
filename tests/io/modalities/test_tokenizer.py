"""Universal Tokenizer: the statistics of its ids, frequencies and phases (paper, equation 15)."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from sensorium.engine.errors import ScenarioError
from sensorium.io.modalities.text import Tokens, read_text
from sensorium.io.modalities.tokenizer import Tokenizer, mix64


@pytest.mark.parametrize("vocabulary", [256, 1024, 4096, 65536])
def test_distinct_ids(vocabulary: int) -> None:
    """n different tokens fill V (1 - (1 - 1/V)^n) of V ids; the bound is 4 standard deviations of that count."""
    n = 5000
    tokens = Tokens.of(np.random.default_rng(1).integers(0, 256, n, np.uint8).tobytes())
    tokenizer = Tokenizer(vocabulary)
    expected = vocabulary * (1 - (1 - 1 / vocabulary) ** n)
    empty, both = (1 - 1 / vocabulary) ** n, (1 - 2 / vocabulary) ** n
    variance = vocabulary * empty + vocabulary * (vocabulary - 1) * both - (vocabulary * empty) ** 2
    found = len(np.unique(tokenizer.ids(tokens.byte, tokens.index)))
    assert abs(found - expected) <= 4 * math.sqrt(variance) + 1e-9
    assert tokenizer.expected_distinct(n) == pytest.approx(expected, rel=1e-12)


def test_ids_are_uniform_for_every_byte_and_index() -> None:
    """Chi-squared over 64 bins of all bytes at 400 indices: 63 degrees of freedom, 99.99% below 116."""
    byte, index = np.meshgrid(np.arange(256), np.arange(400))
    counts = np.bincount(Tokenizer(64).ids(byte, index).ravel(), minlength=64)
    expected = byte.size / 64
    assert ((counts - expected) ** 2 / expected).sum() < 116


def test_neighbouring_tokens_have_unrelated_ids() -> None:
    index = np.arange(20_000)
    for left, right in ((Tokenizer(2**20).ids(65, index), Tokenizer(2**20).ids(66, index)),
                        (Tokenizer(2**20).ids(65, index), Tokenizer(2**20).ids(65, index + 1))):  # fmt: skip
        assert abs(np.corrcoef(left, right)[0, 1]) < 4 / math.sqrt(20_000)


def test_mixing_moves_every_bit() -> None:
    """Avalanche: flipping any input bit flips each output bit with probability 1/2 (4 sd of 4,000 trials)."""
    words = np.random.default_rng(0).integers(0, 2**63, 4000, np.uint64)
    for bit in range(0, 64, 7):
        changed = mix64(words) ^ mix64(words ^ np.uint64(1 << bit))
        share = np.unpackbits(changed.view(np.uint8)).reshape(4000, 64).mean(axis=0)
        assert np.abs(share - 0.5).max() < 4.5 * 0.5 / math.sqrt(4000)


def test_the_same_token_is_the_same_id_everywhere() -> None:
    tokenizer = Tokenizer(4096)
    together = tokenizer.ids(np.array([72, 105]), np.array([0, 1]))
    assert together.tolist() == [int(tokenizer.ids(72, 0)), int(tokenizer.ids(105, 1))]
    # fixed for ever: stored runs and memories name oscillators by these numbers
    assert tokenizer.ids([0, 72, 255], [0, 0, 10**12]).tolist() == GOLDEN


GOLDEN = [1863, 1310, 468]


def test_other_hashes() -> None:
    byte, index = np.array([0, 1, 255, 0]), np.array([0, 0, 0, 1])
    assert Tokenizer(1000, "author_linear").ids(byte, index).tolist() == [0, 31, 905, 1]
    assert Tokenizer(10**6, "lattice").ids(byte, index).tolist() == [0, 1, 255, 256]
    assert Tokenizer(10**6, "lattice", guard=10).ids(byte, index).tolist() == [0, 1, 255, 266]
    assert Tokenizer.spanning(7, hash="lattice", guard=4).vocabulary == 7 * 260
    assert Tokenizer.spanning(7).vocabulary == 4096


def test_lattice_keeps_bytes_in_order() -> None:
    tokenizer = Tokenizer.spanning(3, hash="lattice", band=(0.0, 3.0), guard=64)
    frequency = tokenizer.frequencies(tokenizer.ids(np.arange(256), 1))
    steps = np.diff(frequency)
    np.testing.assert_allclose(steps, 1 / 320, rtol=1e-9)
    assert frequency[0] - tokenizer.frequencies(tokenizer.ids(255, 0)) > 64 * steps[0]


def test_frequencies_span_the_band_without_its_ends() -> None:
    tokenizer = Tokenizer(100, band=(0.0, 2.0))
    found = tokenizer.frequencies(np.arange(100))
    assert 0 < found[0] < found[-1] < 2
    np.testing.assert_allclose(np.diff(found), 0.02, rtol=1e-12)


def test_phases_are_uniform_and_independent_of_ids() -> None:
    tokenizer, index = Tokenizer(64), np.arange(50_000)
    byte = np.random.default_rng(3).integers(0, 256, len(index))
    phases = tokenizer.phases(byte, index)
    assert 0 <= phases.min() < phases.max() < 2 * math.pi
    # mean resultant length of n uniform phases is about 1/sqrt(n)
    assert abs(np.exp(1j * phases).mean()) < 4 / math.sqrt(len(index))
    # tokens that collide add incoherently
    sums = np.bincount(tokenizer.ids(byte, index), np.cos(phases), 64)
    assert np.abs(sums).max() < 5 * math.sqrt(len(index) / 64 / 2)
    assert (Tokenizer(64, phase="zero").phases(byte, index) == 0).all()


@pytest.mark.parametrize(
    "options",
    [{"vocabulary": 0}, {"band": (1, 1)}, {"band": (0, math.inf)}, {"guard": -1}, {"hash": "md5"}],
)
def test_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        Tokenizer(**options)  # type: ignore[arg-type]


def test_tokens_that_are_none() -> None:
    with pytest.raises(ValueError, match=r"0\.\.255"):
        Tokenizer().ids([256], [0])
    with pytest.raises(ValueError, match=">= 0"):
        Tokenizer().ids([1], [-1])


def test_read_text(tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    path.write_bytes(b"abcdef")
    tokens = read_text(path, 3, 2)
    assert (bytes(tokens.byte), tokens.index.tolist(), len(tokens)) == (b"cde", [0, 1, 2], 3)
    assert bytes(read_text(path).byte) == b"abcdef"
    for bad in ({"length": 7}, {"offset": 6}, {"length": 3, "offset": 4}):
        with pytest.raises(ScenarioError, match="6 bytes"):
            read_text(path, **bad)
    with pytest.raises(ScenarioError, match="cannot be read"):
        read_text(tmp_path / "none.txt")
    with pytest.raises(ScenarioError, match="is not a file"):
        read_text(tmp_path)
