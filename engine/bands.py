"""Bands: which lines of an axis reach which tiles of sorted points.

A sum over points for each line, or over lines for each point, whose terms vanish beyond a distance, needs only the
pairs of a tile of points and a line that reaches it. The tiles are the same whether all pairs or only those are
listed, so both give the same bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sensorium.engine.primitives import LANES

__all__ = ["WIDTHS", "Bands"]

WIDTHS = (256, 128, 64, LANES)
PAIR_COST = 24.0  # of one (tile, line) pair beside its elements, in units of one element

Array = npt.NDArray[Any]


class Bands:
    """Lists of the pairs of tiles and lines.

    Parameters
    ----------
    points
        Sorted coordinates, ``(n,)``.
    centres, reaches
        Sorted coordinates of the lines and the distance beyond which each does nothing, ``(m,)``; inf is allowed.
    dense
        True lists every pair, False only those in reach; None takes what is cheaper.

    Attributes
    ----------
    width, tiles
        Points in a tile, and number of tiles. The last tile may lack points.
    dense
        Whether every pair is listed.
    first
        Where the pairs of each tile start, ``(tiles + 1,)`` int64.
    line
        Line of each pair, tile by tile and ascending, ``(pairs,)`` int32.
    start, shift
        The pairs of line k, sorted by tile, are numbered from ``start[k]`` to ``start[k + 1]``; that with tile t has
        the number ``shift[k] + t``. ``(m + 1,)`` and ``(m,)`` int64.
    """

    def __init__(self, points: Array, centres: Array, reaches: Array, *, dense: bool | None = None) -> None:
        self.width = self.best_width(points, centres, reaches)
        begin, end = _tile_ranges(points, centres, reaches, self.width)
        self.tiles = _tiles(len(points), self.width)
        everything = self.tiles * len(centres)
        # where most pairs are in reach anyway, the lists of all need no search when lines move
        self.dense = dense if dense is not None else int((end - begin).sum()) > 0.75 * everything
        if self.dense:
            begin, end = np.zeros_like(begin), np.full_like(end, self.tiles)
        count = end - begin
        self.start = np.concatenate([[0], np.cumsum(count)])
        self.shift = self.start[:-1] - begin
        lines = np.repeat(np.arange(len(centres), dtype=np.int32), count)
        tiles = np.arange(self.start[-1]) - np.repeat(self.shift, count)
        # numpy sorts 16-bit integers by radix
        order = np.argsort(tiles.astype(np.uint16 if self.tiles < 65536 else np.int64), kind="stable")
        self.line = lines[order]
        self.first = np.concatenate([[0], np.cumsum(np.bincount(tiles, minlength=self.tiles))]).astype(np.int64)

    @property
    def pairs(self) -> int:
        """Number of listed pairs."""
        return len(self.line)

    @staticmethod
    def best_width(points: Array, centres: Array, reaches: Array) -> int:
        """The width of tile that costs least: wide tiles have fewer pairs, but each reaches farther than it must."""

        def cost(width: int) -> float:
            begin, end = _tile_ranges(points, centres, reaches, width)
            return float((end - begin).sum()) * (width + PAIR_COST)

        fitting = [width for width in WIDTHS if width <= max(len(points), LANES)]
        return min(fitting, key=cost)


def _tiles(points: int, width: int) -> int:
    return -(-points // width)


def _tile_ranges(points: Array, centres: Array, reaches: Array, width: int) -> tuple[Array, Array]:
    """First tile, and one past the last, that each line reaches."""
    lowest = points[::width]
    highest = np.append(points[width - 1 :: width], points[-1:])[: len(lowest)]
    begin = np.searchsorted(highest, centres - reaches, side="left")
    end = np.searchsorted(lowest, centres + reaches, side="right")
    return begin, np.maximum(end, begin)
