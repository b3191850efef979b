"""Mesh: the workspace in which the particles of a world meet its grid."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from sensorium.engine.device import Device, Rows
from sensorium.engine.grid import Box
from sensorium.engine.kernel import kernel, real
from sensorium.engine.kernel_threads import threads
from sensorium.engine.mesh_cloud import (
    deposit_order,
    deposit_rows,
    deposit_slabs,
    gather_ratio,
    gather_scalar,
    gather_shares,
    gather_vector,
)
from sensorium.engine.mesh_convolution import PlaneConvolution
from sensorium.engine.mesh_fourier import Fourier
from sensorium.engine.mesh_order import cell_order, disorder, slab_lists
from sensorium.engine.population import Population
from sensorium.engine.primitives import LANES, dot, nonnegative
from sensorium.engine.world import World

__all__ = ["Mesh", "Scale", "Source"]

CHUNK = 2048  # rows of a task
LISTED_FROM = 16384  # rows from which lists for several threads pay
SORTED_FROM = 65536  # rows from which sorting pays: fewer, and the grid around them stays in cache anyway
LOOK_EVERY = 16  # steps between two looks at the order of rows
DISORDER = 4.0  # planes off its place, on average, from which a sort pays for itself in a few steps


@kernel(tasks=True, signature="i8[:], real[:], real, int, int")
def sum_quanta(t, total, values, scale, n, chunk):
    """Whole numbers no smaller than ``values * scale``, added up over one chunk of rows."""
    found = 0
    for row in range(t * chunk, min(n, (t + 1) * chunk)):
        found += int(abs(values[nonnegative(row)]) * scale) + 1
    total[t] = found


@kernel
def drain(c, grid, quanta, value):
    """Quanta to reals; the sums are left at zero for the next deposit."""
    grid[c] = real(quanta[c]) * value
    quanta[c] = 0


@kernel(tasks=True)
def multiply_up(t, total, a, b, n, chunk):
    """Sum of ``a * b`` over one chunk of nodes, in lanes of fixed order."""
    first = t * chunk
    count = min(n - first, chunk)
    whole = count - count % LANES
    found = dot(a, first, b, first, whole)
    for node in range(first + whole, first + count):
        found += a[nonnegative(node)] * b[nonnegative(node)]
    total[t] = found


@dataclass(frozen=True)
class Source:
    """What the rows of one population bring to the grid.

    Attributes
    ----------
    population
        The rows.
    position
        ``(n, 3)`` [length]; anywhere: positions outside of the box are wrapped.
    values
        ``(n,)`` what each row deposits; all of one sign.
    """

    population: Population
    position: Any
    values: Any

    def block(self, column: Any) -> Any:
        """The contiguous array behind a column view."""
        return self.population.storage.get(id(column), column)


@dataclass(frozen=True)
class Scale:
    """Quanta per unit of a deposited value, a power of two."""

    quanta: float

    @property
    def value(self) -> float:
        """What one quantum is worth."""
        return 1 / self.quanta


class Mesh:
    """Deposits and gathers on the grid of a box, with the arrays that they need; one per world.

    Parameters
    ----------
    box
        The box; :class:`~sensorium.engine.grid.Box` says where nodes lie.
    device
        Where grids live.
    """

    def __init__(self, box: Box, device: Device) -> None:
        self.box, self.device = box, device
        self._lists: dict[str, tuple[Any, Any]] = {}
        self._density: tuple[Any, Any, Scale] | None = None
        self._inverses = tuple(1 / spacing for spacing in box.spacing)

    @classmethod
    def of(cls, world: World) -> Mesh:
        """The mesh of a world; made for its box when first asked for.

        Raises
        ------
        KeyError
            If the world has no box.
        """
        box = world.resource(Box)
        if not world.has(cls) or world.resource(cls).box != box:
            world.insert(cls(box, world.device))
        return world.resource(cls)

    def grid(self) -> Any:
        """A new array of node values, of the shape of the box's cells."""
        return self.device.zeros(self.box.cells)

    def vectors(self) -> Any:
        """A new array of three values for each node, ``(nx, ny, nz, 4)``: a fourth makes up a vector register."""
        return self.device.zeros((*self.box.cells, 4))

    @cached_property
    def _quanta(self) -> Any:
        """Sums of a deposit in the making; zero between deposits."""
        return self.device.zeros(self.box.nodes, np.int64)

    @cached_property
    def fourier(self) -> Fourier:
        """Real transforms of grids of this mesh."""
        return Fourier(self.box.cells, self.device)

    @cached_property
    def convolution(self) -> PlaneConvolution | Fourier:
        """What multiplies the waves of a grid by real numbers: the faster way where it fits."""
        fits = PlaneConvolution.fits(self.box.cells, self.device)
        return PlaneConvolution(self.box.cells, self.device) if fits else self.fourier

    def dot(self, a: Any, b: Any) -> float:
        """Sum over the nodes of ``a * b``: partial sums in the working precision, their sum in double."""
        a, b, n = a.reshape(-1), b.reshape(-1), self.box.nodes
        if self.device.kind == "cuda":
            return float(self.device.xp.vdot(a, b))
        parts = np.empty(-(-n // CHUNK), self.device.real)
        multiply_up(Rows(len(parts), self.device), parts, a, b, n, CHUNK)
        return math.fsum(parts.tolist())

    # ---- particles to grid ------------------------------------------------------------------------------------

    def scale(self, sources: Sequence[Source]) -> Scale:
        """Quanta for a deposit: as many as keep the sum of everything below 2^62, whatever the order of rows."""
        total = sum(self._bound(source) for source in sources)
        if not (math.isfinite(total) and total > 0):
            return Scale(1.0)
        power = min(62 - math.frexp(total)[1], 126 if self.device.precision == "single" else 1000)
        return Scale(2.0**power)

    def _bound(self, source: Source) -> float:
        """An upper bound of the sum of |values|, tight to one part in 2^30 and free of the order of rows."""
        n, values = source.population.n, source.values
        if not n:
            return 0.0
        highest, lowest = float(values.max()), float(values.min())
        most = max(highest, -lowest)
        if highest == lowest or not (math.isfinite(most) and most > 0):
            return n * most
        scale = 2.0 ** (62 - math.frexp(most)[1] - n.bit_length())
        if self.device.precision == "single":
            scale = min(scale, 2.0**126)
        if self.device.kind == "cuda":
            total = int((abs(values) * scale).astype(np.int64).sum()) + n
        else:
            parts = np.empty(-(-n // CHUNK), np.int64)
            sum_quanta(Rows(len(parts), self.device), parts, source.block(values), scale, n, CHUNK)
            total = int(parts.sum())
        return total / scale

    def deposit(self, sources: Sequence[Source], out: Any, *, factor: float = 1.0, stamp: Any = None) -> Scale:
        """Sum of ``value_i W_ic`` at every node, times `factor`.

        Parameters
        ----------
        sources
            Populations and what they bring.
        out
            Array of node values; overwritten. The same bits for any number of threads and any order of rows.
        factor
            1 gives what a node holds; ``1 / box.cell_volume`` gives a density.
        stamp
            ``world.stamp(position)``, if lists of rows may be shared among deposits of equal stamp.

        Returns
        -------
        Scale
            The quanta used, for :meth:`gather_shares` and :meth:`gather_scalar`.
        """
        scale = self.scale(sources)
        for source in sources:
            self._add(source, scale.quanta, stamp)
        drain(Rows(self.box.nodes, self.device), out.reshape(-1), self._quanta, scale.value * factor)
        return scale

    def density(self, sources: Sequence[Source], stamp: Any) -> tuple[Any, Scale]:
        """The density of `sources`, and the scale of its deposit, made once for all who ask with an equal `stamp`.

        The grid is shared: read it, do not write it.
        """
        if self._density is None:
            self._density = (None, self.grid(), Scale(1.0))
        if self._density[0] != stamp:
            grid = self._density[1]
            scale = self.deposit(sources, grid, factor=1 / self.box.cell_volume, stamp=stamp)
            self._density = (stamp, grid, scale)
        return self._density[1:]

    def _add(self, source: Source, scale: float, stamp: Any) -> None:
        n, box, on = source.population.n, self.box, self.device
        position, values = source.block(source.position), source.block(source.values)
        place = (*self._inverses, *box.cells)
        if on.kind == "cuda":
            deposit_rows(Rows(n, on), self._quanta, position, values, scale, *place)
        elif n < LISTED_FROM or threads() == 1:
            whole = np.array([0, n])
            deposit_slabs(Rows(1, on), self._quanta, position, values, scale, whole, 0, 1, *place)
        else:
            order, start = self._list(source, position, stamp)
            slabs = len(start) - 1
            for colour in range(min(2, slabs)):
                each = Rows(max(1, slabs // 2), on)
                deposit_order(each, self._quanta, position, values, scale, order, start, colour, 2, *place)

    def _list(self, source: Source, position: Any, stamp: Any) -> Any:
        """Rows of the source by slab; kept while the stamp lasts."""
        name = source.population.name
        known = self._lists.get(name)
        if known is None or stamp is None or known[0] != stamp:
            known = self._lists[name] = (stamp, slab_lists(position, source.population.n, self.box, self.device))
        return known[1]

    def keep_sorted(self, population: Population, position: Any, step: int) -> bool:
        """Sort the rows of a large population by cell when they have drifted far apart; true if it did.

        The order of rows is no part of the physics; deposits and gathers are several times faster when particles
        that are close in the box are close in memory.
        """
        n = population.n
        if n < SORTED_FROM or step % LOOK_EVERY or self.device.kind == "cuda":
            return False
        block = population.storage.get(id(position), position)
        if disorder(block, n, self.box, self.device) < min(DISORDER, self.box.cells[0] / 8):
            return False
        population.reorder(cell_order(block, n, self.box, self.device))
        return True

    # ---- grid to particles ------------------------------------------------------------------------------------

    def _tasks(self, n: int) -> tuple[Rows, int]:
        """Tasks over `n` rows, and the rows of each: one on a GPU, where a task is a thread."""
        chunk = 1 if self.device.kind == "cuda" else CHUNK
        return Rows(-(-n // chunk), self.device), chunk

    def gather_vector(self, source: Source, vectors: Any, out: Any) -> None:
        """``out_i += value_i * sum_c W_ic vector_c``, with `vectors` as of :meth:`vectors` and `out` ``(n, 3)``."""
        n = source.population.n
        tasks, chunk = self._tasks(n)
        position, values = source.block(source.position), source.block(source.values)
        place = (n, chunk, *self._inverses, *self.box.cells)
        gather_vector(tasks, source.block(out), position, values, vectors.reshape(-1, 4), *place)

    def gather_shares(self, source: Source, scale: Scale, vectors: Any, out: Any, kept: Any) -> None:
        """As :meth:`gather_vector`, with the very weights that the deposit of `source` at `scale` rounded to.

        The sum over rows is then ``sum_c deposit_c vector_c`` to rounding, even at nodes that hold next to nothing.
        What is added to `out` is also written to `kept`.
        """
        n = source.population.n
        tasks, chunk = self._tasks(n)
        position, values = source.block(source.position), source.block(source.values)
        place = (n, chunk, *self._inverses, *self.box.cells)
        kept = source.block(kept)
        gather_shares(
            tasks, source.block(out), kept, position, values, scale.quanta, scale.value, vectors.reshape(-1, 4), *place
        )

    def gather_scalar(self, source: Source, scale: Scale, grid: Any, out: Any) -> None:
        """``out_i = sum_c (value_i W_ic) grid_c`` with the weights of :meth:`gather_shares`."""
        n = source.population.n
        tasks, chunk = self._tasks(n)
        position, values = source.block(source.position), source.block(source.values)
        place = (n, chunk, *self._inverses, *self.box.cells)
        gather_scalar(tasks, source.block(out), position, values, scale.quanta, scale.value, grid.reshape(-1), *place)

    def gather_ratio(self, source: Source, vectors: Any, divisor: Any, out: Any, kept: Any) -> None:
        """``kept_i = value_i (sum_c W_ic vector_c) / (sum_c W_ic divisor_c)``, also added to `out`."""
        n = source.population.n
        tasks, chunk = self._tasks(n)
        position, values = source.block(source.position), source.block(source.values)
        place = (n, chunk, *self._inverses, *self.box.cells)
        out, kept = source.block(out), source.block(kept)
        gather_ratio(tasks, out, kept, position, values, vectors.reshape(-1, 4), divisor.reshape(-1), *place)
