"""Pressure: the push of a hot gas on itself, paid for by its heat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from sensorium.components.oscillator import Oscillator
from sensorium.components.particle import Particle
from sensorium.engine.companion import Companion
from sensorium.engine.component import Field
from sensorium.engine.device import Rows
from sensorium.engine.errors import ScenarioError
from sensorium.engine.grid import Box
from sensorium.engine.kernel import device, kernel
from sensorium.engine.mesh import Mesh, Source
from sensorium.engine.mesh_gradient import Differences
from sensorium.engine.primitives import for_each, nonnegative
from sensorium.engine.reduce import Sum
from sensorium.engine.system import System, param
from sensorium.engine.world import Constants
from sensorium.systems.internal_energy import InternalEnergies
from sensorium.systems.levy import Levy

__all__ = ["Pressure"]


@device
def face(pressure, density, other_pressure, other_density):
    """Pressure on the face between two nodes; none where one of them is empty: a gas does not push on vacuum."""
    return 0.5 * (pressure + other_pressure) if density > 0.0 and other_density > 0.0 else 0.0


@device
def push_node(k, below, above, out, p, r, p_west, r_west, p_east, r_east, p_south, r_south, p_north, r_north, per):
    """Acceleration of node `k` of a line: pressure on its lower faces less that on the upper, over what it holds."""
    here, held = p[k], r[k]
    x = face(here, held, p_west[k], r_west[k]) - face(here, held, p_east[k], r_east[k])
    y = face(here, held, p_south[k], r_south[k]) - face(here, held, p_north[k], r_north[k])
    z = face(here, held, p[below], r[below]) - face(here, held, p[above], r[above])
    specific = 1.0 / held if held > 0.0 else 0.0
    out[k, 0] = per[0] * (x * specific)
    out[k, 1] = per[1] * (y * specific)
    out[k, 2] = per[2] * (z * specific)
    out[k, 3] = 0.0


@device
def push_inner(k, out, p, r, p_west, r_west, p_east, r_east, p_south, r_south, p_north, r_north, per):
    """As :func:`push_node`, away from the ends of the line."""
    lines = (p, r, p_west, r_west, p_east, r_east, p_south, r_south, p_north, r_north)
    push_node(k, nonnegative(k - 1), k + 1, out, *lines, per)


@kernel(tasks=True)
def push_nodes(t, out, pressure, density, per_x, per_y, per_z, nx, ny, nz):
    """Acceleration of each node of the line ``t = (i, j)`` by pressure."""
    i, j = nonnegative(t // ny), nonnegative(t % ny)
    west, east = nonnegative((i + nx - 1) % nx), nonnegative((i + 1) % nx)
    south, north = nonnegative((j + ny - 1) % ny), nonnegative((j + 1) % ny)
    into, per = out[i, j], (per_x, per_y, per_z)
    lines = (
        pressure[i, j], density[i, j], pressure[west, j], density[west, j], pressure[east, j], density[east, j],
        pressure[i, south], density[i, south], pressure[i, north], density[i, north],
    )  # fmt: skip
    for_each(push_inner, 1, nz - 1, (into, *lines, per))
    for each in range(min(2, nz)):  # the two ends of the line, whose neighbours lie around the ring
        k = nonnegative(each * (nz - 1))
        push_node(k, nonnegative((k + nz - 1) % nz), nonnegative((k + 1) % nz), into, *lines, per)


@device
def work(i, push, velocity, force, mass, dt):
    """What the pressure does in a kick that is about to happen: its force times the mean velocity of the kick."""
    half = 0.5 * dt / mass[i]
    x = push[i, 0] * (velocity[i, 0] + half * force[i, 0])
    y = push[i, 1] * (velocity[i, 1] + half * force[i, 1])
    z = push[i, 2] * (velocity[i, 2] + half * force[i, 2])
    return dt * (x + y + z)


@device
def pay(i, heat, push, velocity, force, mass, dt):
    """Take the work from the heat, which may go below zero."""
    due = work(i, push, velocity, force, mass, dt)
    heat[i] -= due
    return due


sum_work = Sum(work)
sum_paid = Sum(pay)


class Pressure(System):
    """Ideal-gas pressure ``P = rho k_B T``, ``F = -(m / rho) grad P`` (paper, equations 7 to 9).

    With T = U / (rho c_v), P is k_B / c_v times the density of internal energy, and vacuum has none. In form ``node``
    nodes push on each other through the faces between them, and particles take the acceleration of their nodes with
    the very weights of the deposit: momentum is conserved to rounding, and no particle pushes itself. In form
    ``gather`` the gradient and the density are read at the particle and divided there: smoother for fewer than four
    particles per cell, momentum is conserved only as far as the gas is smooth.

    The work of the pressure in each kick is taken from the heat of the particle, or of those around it when it has
    none left (``work: debit``), so that the first law closes; what nobody around has either enters the ledger as
    channel ``pressure``. With ``work: ignore``, the paper's form, all of it does.
    """

    reads = (Particle.position, Particle.velocity, Particle.mass, Oscillator.energy)
    writes = (Particle.heat,)
    accumulates = (Particle.force,)
    phase = ("force", "kick")
    before = ("motion", "collision")

    form: Literal["node", "gather"] = param("node", doc="divide by the density at the nodes, or at the particle")
    work: Literal["debit", "ignore"] = param("debit", doc="who pays for the work of the pressure: heat, or nobody")

    @classmethod
    def access(cls, phase: str) -> tuple[tuple[Field, ...], tuple[Field, ...], tuple[Field, ...]]:
        """Forces read places and energies; kicks read motion and write heat."""
        if phase == "force":
            return (Particle.position, Particle.mass, Particle.heat, Oscillator.energy), (), (Particle.force,)
        return (Particle.position, Particle.velocity, Particle.force, Particle.mass), (Particle.heat,), ()

    def setup(self) -> None:
        """Make the grids."""
        if not self.world.has(Box):
            raise ScenarioError(f"{self.instance}: pressure needs a box with a grid (box: {{edges: ..., grid: ...}})")
        mesh = self._mesh = Mesh.of(self.world)
        self._pressure = mesh.grid()
        self._acceleration = mesh.vectors()
        self._gradient = Differences(mesh, "centred", -1.0)
        self._push = {p.name: Companion(p, 3) for p, _ in self.query(Particle)}
        self._internal, self._levy = InternalEnergies(), Levy(mesh)

    def force(self, dt: float) -> None:
        """Add the force at the present positions and temperatures."""
        mesh, constants = self._mesh, self.world.resource(Constants)
        particles = [(p, view) for p, view in self.query(Particle) if p.n]
        for population, particle in particles:
            mesh.keep_sorted(population, particle.position, self.world.clock.step)
        stamp = self.world.stamp(Particle.position, Particle.mass)
        masses = [Source(p, view.position, view.mass) for p, view in particles]
        density, scale = mesh.density(masses, stamp)
        gas_constant = constants.boltzmann / constants.specific_heat
        energies = [Source(p, view.position, u) for (p, view), u in zip(particles, self._internal.columns(self))]
        mesh.deposit(energies, self._pressure, factor=gas_constant / mesh.box.cell_volume, stamp=stamp)
        if self.form == "node":
            nx, ny, nz = mesh.box.cells
            per = (1 / h for h in mesh.box.spacing)
            push_nodes(Rows(nx * ny, self.device), self._acceleration, self._pressure, density, *per, nx, ny, nz)
        else:
            self._gradient(self._pressure, self._acceleration)
        for source, (population, particle) in zip(masses, particles):
            push = self._push[population.name].fresh()
            if self.form == "node":
                mesh.gather_shares(source, scale, self._acceleration, particle.force, push)
            else:
                mesh.gather_ratio(source, self._acceleration, density, particle.force, push)

    def kick(self, dt: float) -> None:
        """Settle what the pressure does in the kick that follows."""
        ledger, done = self.world.ledger, 0.0
        particles = [(p, view) for p, view in self.query(Particle) if p.n]
        for population, particle in particles:
            push = self._push[population.name].current()
            motion = (push, particle.velocity, particle.force, particle.mass, dt)
            if self.work == "ignore":
                done += sum_work(population, *motion)
            else:
                done += sum_paid(population, particle.heat, *motion)
        # motion books the work of the whole force to `integrator`; this part does not come from a potential
        ledger.book("integrator", -done)
        if self.work == "ignore":
            ledger.book("pressure", done)
            return
        heats = [Source(p, view.position, view.heat) for p, view in particles]
        unpaid = self._levy.settle(heats, self.world.stamp(Particle.position, Particle.mass))
        if unpaid:
            ledger.book("pressure", unpaid)

    def state(self) -> dict[str, Any]:
        """The force of the pressure on each row, which the next kick needs."""
        return {name: push.state() for name, push in self._push.items()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over :meth:`state`."""
        for name, push in self._push.items():
            push.restore(state[name])
