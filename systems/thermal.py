"""Thermal: heat diffuses through the gas."""

from __future__ import annotations

from typing import Literal

from sensorium.components.oscillator import Oscillator
from sensorium.components.particle import Particle
from sensorium.engine.companion import Companion
from sensorium.engine.errors import PhysicsError, ScenarioError
from sensorium.engine.grid import Box
from sensorium.engine.kernel import kernel
from sensorium.engine.mesh import Mesh, Source
from sensorium.engine.mesh_heat import HeatFaces, HeatKernel, stability
from sensorium.engine.system import System, param
from sensorium.systems.internal_energy import InternalEnergies
from sensorium.systems.levy import Levy

__all__ = ["Thermal"]


@kernel
def receive(i, heat, gain):
    heat[i] += gain[i, 0]


@kernel(signature="real[:], real")
def scale(i, heat, factor):
    heat[i] *= factor


class Thermal(System):
    """Heat conduction ``dT/dt = alpha lap T`` on the grid, with ``T = U / (rho c_v)`` (paper, section 7.2.1).

    Mass and internal energy go to the nodes, heat is exchanged there, and only the change comes back, in the shares
    in which mass was given: ``dQ_i = sum_c (m_i W_ic / m_c) dU_c``. The sum of all heat stays what it was. Where
    density varies, ``rho dT/dt = div(alpha rho grad T)``: an even temperature stays even, and vacuum cools nothing.

    ``spectral`` is exact for any dt in an even medium, and stable and conservative in any; ``explicit`` is local, and
    is refused beyond ``alpha dt / h^2 = 1/6``. Heat never goes below zero: where the internal energy of a particle is
    that of its oscillator, those around it give what it cannot.
    """

    reads = (Particle.position, Particle.mass, Oscillator.energy)
    writes = (Particle.heat,)
    phase = "exchange"

    diffusivity: float = param(0.1, ge=0, unit="length^2/time", doc="thermal diffusivity alpha")
    solver: Literal["spectral", "explicit"] = param(
        "spectral", doc="exchange through the heat kernel, or through faces"
    )

    def setup(self) -> None:
        """Make the grids."""
        if not self.world.has(Box):
            raise ScenarioError(f"{self.instance}: thermal needs a box with a grid (box: {{edges: ..., grid: ...}})")
        mesh = self._mesh = Mesh.of(self.world)
        kind = HeatKernel if self.solver == "spectral" else HeatFaces
        self._solver: HeatKernel | HeatFaces = kind(mesh, self.diffusivity)
        self._energy, self._change = mesh.grid(), mesh.grid()
        self._gain = {p.name: Companion(p, 1) for p, _ in self.query(Particle)}
        self._internal, self._levy = InternalEnergies(), Levy(mesh)

    def check(self, dt: float) -> None:
        """Refuse an explicit step beyond its stability limit."""
        if self.solver != "explicit":
            return
        used = stability(self._mesh, self.diffusivity, dt)
        if used > 1 + 1e-12:
            raise PhysicsError(
                self.instance,
                f"explicit heat is unstable: alpha dt / h^2 = {used / 6:.4g} > 1/6 = 0.1667;"
                f" take dt <= {dt / used:.4g}, a coarser grid, or solver: spectral",
            )

    def step(self, dt: float) -> None:
        """Diffuse for `dt`."""
        mesh = self._mesh
        particles = [(p, view) for p, view in self.query(Particle) if p.n]
        if not particles:
            return
        stamp = self.world.stamp(Particle.position, Particle.mass)
        masses = [Source(p, view.position, view.mass) for p, view in particles]
        density, quanta = mesh.density(masses, stamp)
        energies = [Source(p, view.position, u) for (p, view), u in zip(particles, self._internal.columns(self))]
        mesh.deposit(energies, self._energy, factor=1 / mesh.box.cell_volume, stamp=stamp)
        self._solver.change(self._energy, density, dt, self._change)
        for source, (population, particle) in zip(masses, particles):
            gain = self._gain[population.name].fresh()
            mesh.gather_scalar(source, quanta, self._change, gain[:, 0])
            receive(population, particle.heat, gain)
        heats = [Source(p, view.position, view.heat) for p, view in particles]
        unpaid = self._levy.settle(heats, stamp)
        if unpaid > 0:  # nobody nearby has any heat: all who have give the same part of it
            keep = max(0.0, 1 - unpaid / self._levy.total) if self._levy.total > 0 else 0.0
            for population, particle in particles:
                scale(population, particle.heat, keep)
