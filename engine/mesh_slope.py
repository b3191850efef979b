"""The slope of a grid at particles, straight from the grid: what differences at the nodes and then a gather would give.

Where there are fewer particles than nodes that spares most of the differences, and anywhere an array of vectors, which
is too large for the cache. The grid is read from a copy with a halo of nodes from around the ring: a cloud then finds
its neighbours at fixed distances, wherever it is.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sensorium.engine.device import Rows
from sensorium.engine.kernel import device, kernel
from sensorium.engine.mesh import CHUNK, Mesh, Source
from sensorium.engine.mesh_cloud import bracket
from sensorium.engine.mesh_gradient import stencil_weights
from sensorium.engine.primitives import for_each, nonnegative, slopes

__all__ = ["Slopes"]

HALO = 5  # nodes that the copy has more along an axis: two before it, three behind
RUN = 8  # the same along z, where `slopes` reads eight at once, of which it uses six
BATCH = 64  # rows that are located side by side in vector registers


@device
def copy_node(k, target, source):
    """Node `k` of a line behind the halo before it."""
    target[k + 2] = source[k]


@kernel(tasks=True)
def surround(t, halo, field, nx, ny, nz):
    """Line ``t = (i, j)`` of the copy of `field`."""
    i, j = nonnegative(t // (ny + 5)), nonnegative(t % (ny + 5))
    into, source = halo[i, j], field[nonnegative((i + 2 * nx - 2) % nx), nonnegative((j + 2 * ny - 2) % ny)]
    for_each(copy_node, 0, nz, (into, source))
    for each in range(8):
        k = nonnegative(each if each < 2 else nz + each)
        into[k] = source[nonnegative((k + 2 * nz - 2) % nz)]


@device
def locate(k, base, position, first, fraction, plane, line, inverse_x, inverse_y, inverse_z, nx, ny, nz):
    """Where the stencil of row ``base + k`` starts in the halo, and the fractions of its cloud."""
    i = nonnegative(base + k)
    x, _, fraction[0, k] = bracket(position[i, 0], inverse_x, nx)
    y, _, fraction[1, k] = bracket(position[i, 1], inverse_y, ny)
    z, _, fraction[2, k] = bracket(position[i, 2], inverse_z, nz)
    first[k] = x * plane + y * line + z


@kernel(tasks=True)
def gather_slopes(
    t, out, position, values, halo, first, fraction, near_x, near_y, near_z, far_x, far_y, far_z,
    n, chunk, plane, line, inverse_x, inverse_y, inverse_z, nx, ny, nz,
):  # fmt: skip
    """out_i += value_i * (sum over nodes of W_ic slope_c); task `t` takes `chunk` rows."""
    last, batch = min(n, (t + 1) * chunk), first.shape[1]
    place, part, near, far = first[t], fraction[t], (near_x, near_y, near_z), (far_x, far_y, far_z)
    for start in range(t * chunk, last, batch):
        base = nonnegative(start)
        count = min(batch, last - base)
        where = (base, position, place, part, plane, line, inverse_x, inverse_y, inverse_z, nx, ny, nz)
        for_each(locate, 0, count, where)
        for each in range(count):
            k = nonnegative(each)
            i = nonnegative(base + k)
            cloud = values[i], part[0, k], part[1, k], part[2, k]
            x, y, z = slopes(halo, place[k], plane, line, near, far, cloud)
            out[i, 0] += x
            out[i, 1] += y
            out[i, 2] += z


@kernel(
    cost=40.0,
    signature="real[:,:], real[:,:], real[:], real[:], real, real, real, real, real, real, int, int, real, real, real, "
    "int, int, int",
)
def gather_slope(
    i, out, position, values, halo, near_x, near_y, near_z, far_x, far_y, far_z,
    plane, line, inverse_x, inverse_y, inverse_z, nx, ny, nz,
):  # fmt: skip
    """As :func:`gather_slopes`, one row per thread of a GPU."""
    x, _, f = bracket(position[i, 0], inverse_x, nx)
    y, _, g = bracket(position[i, 1], inverse_y, ny)
    z, _, h = bracket(position[i, 2], inverse_z, nz)
    near, far, cloud = (near_x, near_y, near_z), (far_x, far_y, far_z), (values[i], f, g, h)
    along_x, along_y, along_z = slopes(halo, x * plane + y * line + z, plane, line, near, far, cloud)
    out[i, 0] += along_x
    out[i, 1] += along_y
    out[i, 2] += along_z


class Slopes:
    """Centred differences of one grid along the three axes, at particles.

    Parameters
    ----------
    mesh
        Gives box and device.
    stencil
        As of :class:`~sensorium.engine.mesh_gradient.Differences`.
    factor
        Multiplies the result; -1 turns a potential into an acceleration.
    """

    def __init__(self, mesh: Mesh, stencil: str, factor: float = 1.0) -> None:
        self.mesh = mesh
        self._weights = stencil_weights(mesh.box, stencil, factor)
        nx, ny, nz = mesh.box.cells
        self._halo = mesh.device.zeros((nx + HALO, ny + HALO, nz + RUN))

    def read(self, field: Any) -> None:
        """Take over the node values of `field`."""
        cells = self.mesh.box.cells
        surround(Rows((cells[0] + HALO) * (cells[1] + HALO), self.mesh.device), self._halo, field, *cells)

    def gather(self, source: Source, out: Any) -> None:
        """``out_i += value_i * sum_c W_ic slope_c``, with `out` ``(n, 3)``."""
        mesh, n, halo = self.mesh, source.population.n, self._halo
        columns = (*(source.block(each) for each in (out, source.position, source.values)), halo.reshape(-1))
        place = (halo.shape[1] * halo.shape[2], halo.shape[2], *(1 / h for h in mesh.box.spacing), *mesh.box.cells)
        if mesh.device.kind == "cuda":
            gather_slope(Rows(n, mesh.device), *columns, *self._weights, *place)
            return
        tasks = -(-n // CHUNK)
        first, fraction = np.empty((tasks, BATCH), np.int64), np.empty((tasks, 3, BATCH), mesh.device.real)
        gather_slopes(Rows(tasks, mesh.device), *columns, first, fraction, *self._weights, n, CHUNK, *place)
