"""Gravity: the field of all particles on the mesh, and its pull on each."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal

from sensorium.components.particle import Particle
from sensorium.engine.errors import PhysicsError, ScenarioError
from sensorium.engine.grid import Box
from sensorium.engine.mesh import Mesh, Source
from sensorium.engine.mesh_gradient import SpectralGradient
from sensorium.engine.mesh_multigrid import MultigridPoisson
from sensorium.engine.mesh_poisson import FourierPoisson
from sensorium.engine.mesh_relaxation import JacobiPoisson, NotConvergedError
from sensorium.engine.mesh_slope import Slopes
from sensorium.engine.system import System, param
from sensorium.engine.world import Constants

__all__ = ["Gravity"]


class Gravity(System):
    """Particle-mesh gravity in a periodic box: ``lap phi = 4 pi G (rho - mean rho)``, ``F = -m grad phi`` (paper, 7).

    Mass goes to the grid in cloud-in-cell shares, the acceleration comes back with the same weights: no particle
    pulls itself, and momentum is conserved (with ``multigrid`` as far as `tolerance` goes, for its coarse grids have
    places of their own). On scales of a few cells the force is that of clouds of cell size: of two point masses six
    cells apart it is good to about 1%, at two cells it is a third too weak.

    The default, true Laplacian with four-point differences, has the smallest error. ``jacobi`` is the paper's
    solver; with ``multigrid`` it starts from the potential of the step before, works on the seven-point Laplacian
    whatever `kernel` says, and stops at `tolerance`. ``fft`` is exact and the fastest of the three.

    The store is ``E = sum m phi / 2``, with phi the potential over that of a uniform background of the same mass.
    """

    reads = (Particle.position, Particle.mass)
    accumulates = (Particle.force,)
    phase = "force"
    potentials = ("gravitational",)

    G: float | None = param(
        None, ge=0, unit="length^3/(mass time^2)", doc="gravitational constant; constants.gravitational by default"
    )
    solver: Literal["fft", "jacobi", "multigrid"] = param("fft", doc="how Poisson's equation is solved")
    kernel: Literal["spectral", "seven_point"] = param("spectral", doc="Laplacian of the fft solver")
    gradient: Literal["four_point", "centred", "spectral"] = param("four_point", doc="derivative of the potential")
    tolerance: float = param(
        1e-6, gt=0, lt=1, doc="rms residual over rms source at which jacobi and multigrid stop, rounding permitting"
    )

    def setup(self) -> None:
        """Make the grids."""
        if not self.world.has(Box):
            raise ScenarioError(f"{self.instance}: gravity needs a box with a grid (box: {{edges: ..., grid: ...}})")
        mesh = self._mesh = Mesh.of(self.world)
        self._potential = mesh.grid()
        self._energy = 0.0
        self._direct = FourierPoisson(mesh, self.kernel)
        self._iterative: JacobiPoisson | MultigridPoisson | None = None
        if self.solver != "fft":
            kind = JacobiPoisson if self.solver == "jacobi" else MultigridPoisson
            self._iterative = kind(mesh, self.tolerance)
        self._slopes = Slopes(mesh, self.gradient, -1.0) if self.gradient != "spectral" else None
        self._spectral = SpectralGradient(mesh, -1.0) if self.gradient == "spectral" else None
        self._acceleration = mesh.vectors() if self._spectral is not None else None

    def step(self, dt: float) -> None:
        """Add the force at the present positions."""
        mesh = self._mesh
        particles = [(p, view) for p, view in self.query(Particle) if p.n]
        for population, particle in particles:
            mesh.keep_sorted(population, particle.position, self.world.clock.step)
        sources = [Source(p, view.position, view.mass) for p, view in particles]
        density, _ = mesh.density(sources, self.world.stamp(Particle.position, Particle.mass))
        self._solve(density)
        self._energy = 0.5 * mesh.box.cell_volume * mesh.dot(density, self._potential)
        for source, (_, particle) in zip(sources, particles):
            if self._slopes is not None:
                self._slopes.gather(source, particle.force)
            else:
                mesh.gather_vector(source, self._acceleration, particle.force)

    def _solve(self, density: Any) -> None:
        """Potential of a density, and what the gather of accelerations reads."""
        constant = self.world.resource(Constants).gravitational
        strength = 4 * math.pi * (constant if self.G is None else self.G)
        if self._iterative is not None:
            try:
                self._iterative.solve(density, strength, self._potential)
            except NotConvergedError as error:
                raise PhysicsError(self.instance, str(error), step=self.world.clock.step) from None
            if self._spectral is not None:
                fourier = self._mesh.fourier
                fourier.forward(self._potential)[...] *= 1 / fourier.size
        elif self._spectral is not None:
            self._direct.transform(density, strength)
        else:
            self._direct.solve(density, strength, self._potential)
        if self._spectral is not None:
            self._spectral(self._mesh.fourier.spectrum, self._acceleration)
            if self._iterative is None:
                self._mesh.fourier.backward(self._potential)
        if self._slopes is not None:
            self._slopes.read(self._potential)

    def stores(self) -> dict[str, float]:
        """``gravitational``."""
        return {"gravitational": self._energy}

    def fields(self) -> dict[str, Callable[[], Any]]:
        """``potential`` [energy/mass], at the nodes, for trajectories."""
        return {"potential": lambda: self._potential}

    def observe(self) -> dict[str, float]:
        """``gravity/sweeps`` (Jacobi sweeps or V-cycles of the last step) and ``gravity/residual``."""
        if self._iterative is None:
            return {}
        return {"gravity/sweeps": float(self._iterative.sweeps), "gravity/residual": self._iterative.residual}

    def state(self) -> dict[str, Any]:
        """The energy, and the potential that the next solution starts from."""
        if self._iterative is None:
            return {"energy": self._energy}
        return {"energy": self._energy, "potential": self._mesh.device.host(self._potential).copy()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over :meth:`state`."""
        self._energy = float(state["energy"])
        if "potential" in state:
            self._potential[...] = self._mesh.device.array(state["potential"])
