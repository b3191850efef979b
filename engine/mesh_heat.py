"""Diffusion of heat on the grid, over nodes that hold different masses or none.

The energy u of a node (per volume) is its density rho times its specific energy e, which stands for the temperature.
Heat flows down the slope of e with conductivity alpha rho, so that a medium of even density obeys
``de/dt = alpha lap e``; what leaves one node enters another, an even e stays even, and empty nodes take no part.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sensorium.engine.device import Rows
from sensorium.engine.kernel import device, kernel
from sensorium.engine.math import sqrt
from sensorium.engine.mesh import Mesh
from sensorium.engine.mesh_poisson import laplacian_symbol
from sensorium.engine.primitives import for_each, nonnegative

__all__ = ["HeatFaces", "HeatKernel", "even_density", "stability"]

EVEN = 1e-6  # relative spread of density up to which a medium counts as even
CHUNK = 8192  # nodes of a task


@kernel(tasks=True)
def count_uneven(t, found, density, first, tolerance, n, chunk):
    """Nodes of one chunk whose density is not that of the first node."""
    count = 0
    for node in range(t * chunk, min(n, (t + 1) * chunk)):
        count += 1 if abs(density[nonnegative(node)] - first) > tolerance else 0
    found[t] = count


def even_density(mesh: Mesh, density: Any) -> float:
    """The density that all nodes have, but for rounding and a hint of displacement; 0 if there is none."""
    flat, n = density.reshape(-1), mesh.box.nodes
    first = float(flat[0])
    found = mesh.device.zeros(-(-n // CHUNK), np.int64)
    count_uneven(Rows(len(found), mesh.device), found, flat, first, EVEN * first, n, CHUNK)
    return 0.0 if found.any() else first


def stability(mesh: Mesh, diffusivity: float, dt: float) -> float:
    """The part of its energy difference that a node gives up in one explicit step, over the largest that is stable.

    ``alpha dt / h^2`` over 1/6 on cubic cells; axes of a single node carry no heat.
    """
    return diffusivity * dt * sum(2 / h**2 for h, n in zip(mesh.box.spacing, mesh.box.cells) if n > 1)


@kernel
def specific(c, out, energy, density):
    """e = u / rho; zero in vacuum."""
    out[c] = energy[c] / density[c] if density[c] > 0.0 else 0.0


@kernel
def balance(c, weight, product, density, smooth):
    """g = 1 / sqrt(K rho), and g rho; both zero in vacuum."""
    g = 1.0 / sqrt(smooth[c]) if density[c] > 0.0 and smooth[c] > 0.0 else 0.0
    weight[c] = g
    product[c] = g * density[c]


@kernel
def weigh_energy(c, product, weight, energy):
    product[c] = weight[c] * energy[c]


@kernel
def exchange(c, change, weight, energy, density, smooth):
    """de = g (K(g u) - e K(g rho)), from `change` = K(g u): what one node gains another loses."""
    e = energy[c] / density[c] if density[c] > 0.0 else 0.0
    change[c] = weight[c] * (change[c] - e * smooth[c])


def left(x: Any, y: Any, z: Any) -> Any:
    """What is left of a wave, from what is left of it along each axis."""
    return x * y * z


def lost(x: Any, y: Any, z: Any) -> Any:
    """Minus what a wave has lost."""
    return x * y * z - 1


class HeatKernel:
    """Exchange of heat between all nodes, by the kernel of the diffusion equation itself.

    An even medium is solved in Fourier space, exactly: each wave decays by ``exp(-alpha k^2 dt)``. Otherwise two
    nodes exchange ``rho g K g' rho' (e' - e)``, K being the heat kernel of the seven-point Laplacian, which is
    positive everywhere, and ``g = 1 / sqrt(K rho)`` the balance that makes it a mean of the neighbours for any
    density. For small dt that is the flux form with the geometric mean of the two densities; for any dt it conserves
    energy and is stable. Vacuum holds nothing and so exchanges nothing, but gaps narrower than the reach of the
    kernel, ``sqrt(2 alpha dt)``, do not insulate.

    Parameters
    ----------
    mesh
        Gives box, transforms and device.
    diffusivity
        alpha [length^2/time].
    """

    def __init__(self, mesh: Mesh, diffusivity: float) -> None:
        self.mesh, self.diffusivity = mesh, diffusivity
        self._axes = [laplacian_symbol(mesh.box, kernel) for kernel in ("spectral", "seven_point")]
        self._tables: dict[bool, tuple[float, Any]] = {}
        self._work = [mesh.grid() for _ in range(3)]

    def _table(self, dt: float, even: bool) -> Any:
        """What each wave loses in `dt` in an even medium, by the true Laplacian; what is left of it in any other."""
        known = self._tables.get(even)
        if known is None or known[0] != dt:
            rate = self.diffusivity * dt
            decays = tuple(np.exp(-rate * axis) for axis in self._axes[0 if even else 1])
            symbol = lost if even else left
            known = self._tables[even] = dt, self.mesh.convolution.table(symbol, decays)
        return known[1]

    def _smooth(self, grid: Any, dt: float, out: Any) -> None:
        """out = K grid."""
        self.mesh.convolution.convolve(grid, self._table(dt, even=False), 1.0, out)

    def change_even(self, energy: Any, density: float, dt: float, out: Any) -> None:
        """As :meth:`change`, in a medium of one density: exact."""
        self.mesh.convolution.convolve(energy, self._table(dt, even=True), 1 / density, out)

    def change(self, energy: Any, density: Any, dt: float, out: Any) -> None:
        """Write the change of the specific energy of each node in `dt` into `out`."""
        nodes = Rows(self.mesh.box.nodes, self.mesh.device)
        weight, product, smooth = self._work
        if even := even_density(self.mesh, density):
            self.change_even(energy, even, dt, out)
            return
        self._smooth(density, dt, smooth)
        balance(nodes, *(grid.reshape(-1) for grid in (weight, product, density, smooth)))
        self._smooth(product, dt, smooth)
        weigh_energy(nodes, *(grid.reshape(-1) for grid in (product, weight, energy)))
        self._smooth(product, dt, out)
        exchange(nodes, *(grid.reshape(-1) for grid in (out, weight, energy, density, smooth)))


@kernel(tasks=True, signature="real[:,:,:], real[:,:,:], real, real, real, int, int, int")
def flow_even(t, change, e, per_x, per_y, per_z, nx, ny, nz):
    """The seven-point Laplacian, each axis times its factor, on the line of nodes ``t = (i, j)``."""
    i, j = nonnegative(t // ny), nonnegative(t % ny)
    west, east = e[nonnegative((i + nx - 1) % nx), j], e[nonnegative((i + 1) % nx), j]
    south, north = e[i, nonnegative((j + ny - 1) % ny)], e[i, nonnegative((j + 1) % ny)]
    line, into = e[i, j], change[i, j]
    whole = 2.0 * (per_x + per_y + per_z)
    for each in range(1, nz - 1):
        k = nonnegative(each)
        around = per_x * (west[k] + east[k]) + per_y * (south[k] + north[k]) + per_z * (line[k - 1] + line[k + 1])
        into[k] = around - whole * line[k]
    for each in range(min(2, nz)):  # the two ends of the line, whose neighbours lie around the ring
        k = nonnegative(each * (nz - 1))
        ends = line[nonnegative((k + nz - 1) % nz)] + line[nonnegative((k + 1) % nz)]
        into[k] = per_x * (west[k] + east[k]) + per_y * (south[k] + north[k]) + per_z * ends - whole * line[k]


@device
def face(a, b, density_a, density_b):
    """Flow from `b` to `a` through their face, for unit conductance: the harmonic mean of the densities conducts."""
    both = density_a * density_b
    return 2.0 * both / (density_a + density_b) * (b - a) if both > 0.0 else 0.0


@device
def flow_into(k, below, above, change, e, r, e_west, r_west, e_east, r_east, e_south, r_south, e_north, r_north, per):
    """Heat that flows into node `k` of a line from its six neighbours, per mass."""
    here, held = e[k], r[k]
    x = face(here, e_west[k], held, r_west[k]) + face(here, e_east[k], held, r_east[k])
    y = face(here, e_south[k], held, r_south[k]) + face(here, e_north[k], held, r_north[k])
    z = face(here, e[below], held, r[below]) + face(here, e[above], held, r[above])
    change[k] = (per[0] * x + per[1] * y + per[2] * z) / held if held > 0.0 else 0.0


@device
def flow_inside(k, change, e, r, e_west, r_west, e_east, r_east, e_south, r_south, e_north, r_north, per):
    """As :func:`flow_into`, away from the ends of the line."""
    lines = (e, r, e_west, r_west, e_east, r_east, e_south, r_south, e_north, r_north)
    flow_into(k, nonnegative(k - 1), k + 1, change, *lines, per)


@kernel(tasks=True)
def flow_faces(t, change, e, density, per_x, per_y, per_z, nx, ny, nz):
    """Heat that flows into each node of the line ``t = (i, j)``, per mass."""
    i, j = nonnegative(t // ny), nonnegative(t % ny)
    west, east = nonnegative((i + nx - 1) % nx), nonnegative((i + 1) % nx)
    south, north = nonnegative((j + ny - 1) % ny), nonnegative((j + 1) % ny)
    into, per = change[i, j], (per_x, per_y, per_z)
    lines = (
        e[i, j], density[i, j], e[west, j], density[west, j], e[east, j], density[east, j],
        e[i, south], density[i, south], e[i, north], density[i, north],
    )  # fmt: skip
    for_each(flow_inside, 1, nz - 1, (into, *lines, per))
    for each in range(min(2, nz)):  # the two ends of the line, whose neighbours lie around the ring
        k = nonnegative(each * (nz - 1))
        flow_into(k, nonnegative((k + nz - 1) % nz), nonnegative((k + 1) % nz), into, *lines, per)


@kernel
def advance(c, e, change, total):
    e[c] += change[c]
    total[c] += change[c]


class HeatFaces:
    """Explicit flow of heat through the faces between nodes; no flow where one of them is empty.

    In an even medium one step is ``e + alpha dt lap e`` with the seven-point Laplacian. Otherwise the harmonic mean
    of two densities conducts, which can be twice that of the lighter node: the step is then made in two halves where
    it needs them to stay stable, so that the bound on dt is that of the even medium.

    Parameters
    ----------
    mesh
        Gives box and device.
    diffusivity
        alpha [length^2/time].
    """

    def __init__(self, mesh: Mesh, diffusivity: float) -> None:
        self.mesh, self.diffusivity = mesh, diffusivity
        self._e, self._flow = mesh.grid(), mesh.grid()

    def change_even(self, energy: Any, density: float, dt: float, out: Any) -> None:
        """As :meth:`change`, in a medium of one density."""
        nx, ny, nz = self.mesh.box.cells
        per = (self.diffusivity * dt / h**2 / density for h in self.mesh.box.spacing)
        flow_even(Rows(nx * ny, self.mesh.device), out, energy, *per, nx, ny, nz)

    def change(self, energy: Any, density: Any, dt: float, out: Any) -> None:
        """Write the change of the specific energy of each node in `dt` into `out`."""
        if even := even_density(self.mesh, density):
            self.change_even(energy, even, dt, out)
            return
        box, on = self.mesh.box, self.mesh.device
        nx, ny, nz = box.cells
        lines, nodes = Rows(nx * ny, on), Rows(box.nodes, on)
        per = [self.diffusivity * dt / h**2 for h in box.spacing]
        specific(nodes, self._e.reshape(-1), energy.reshape(-1), density.reshape(-1))
        parts = 1 if 2 * stability(self.mesh, self.diffusivity, dt) <= 1 else 2
        out[...] = 0
        for _ in range(parts):
            flow_faces(lines, self._flow, self._e, density, *(part / parts for part in per), nx, ny, nz)
            advance(nodes, self._e.reshape(-1), self._flow.reshape(-1), out.reshape(-1))
