"""Collision: contact of spheres, as elastic bodies with damping or as instantaneous impacts."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict
from pydantic import Field as PydanticField

from sensorium.components.particle import Particle
from sensorium.engine.cells import sort_rows
from sensorium.engine.component import Field
from sensorium.engine.errors import PhysicsError, ScenarioError
from sensorium.engine.grid import Box
from sensorium.engine.neighbors import Neighbors
from sensorium.engine.pairs import Pairs
from sensorium.engine.system import System, param
from sensorium.systems.contact_bodies import Bodies
from sensorium.systems.contact_damping import ContactDamping
from sensorium.systems.contact_guard import fastest_approach, overlaps, shortest_unit_contact
from sensorium.systems.contact_hertz import BY_COEFFICIENT, BY_RESTITUTION, NO_DAMPING, HertzContacts, damping_ratio
from sensorium.systems.contact_impulse import exchange_impulses

__all__ = ["Coefficient", "Collision", "Restitution"]

STEPS_PER_CONTACT = 25  # that a start must offer to the fastest impact
FEWEST_STEPS = 10  # with which a run goes on
DEEPEST_START = 0.1  # overlap at the start, in radii
SORT_EVERY = 100  # steps; fixed, because the order of rows shows in the last bits of other systems' sums
SORT_FROM = 8192  # rows; fewer stay in the cache in any order


class Restitution(BaseModel):
    """Damping given by what it leaves of the normal velocity of an impact."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    restitution: float = PydanticField(ge=0, le=1, description="coefficient of restitution e, the same at every speed")


class Coefficient(BaseModel):
    """Damping given by its coefficient: F_d = -gamma m* sqrt(R* delta) v_n."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    coefficient: float = PydanticField(ge=0, description="gamma [1 / (length time)]")


class Collision(System):
    """Contact of every two spheres whose distance is below the sum of their radii, in all populations together.

    ``hertz``: F = (4/3) E* sqrt(R*) delta^(3/2) along the line of centres, accumulated in phase ``force``, and
    viscoelastic damping in phase ``friction``. ``impulse``: bodies that touch and approach exchange momentum at once,
    with the given restitution. Either way momentum is conserved pair by pair and the energy that an impact takes from
    the motion goes half to the heat of each body.

    The two friction half-steps around a step boundary see the same positions; both are taken at once, in the one that
    ends a step. What one sees is the symmetric scheme damp/2, kick, drift, kick, damp/2, half a damping later:
    positions are the same and of second order, and so are velocities when a contact has ended.

    Forces, impulses and energies do not depend on the order of rows or of pairs, on the age of the neighbour lists, or
    on threads: not in a single bit. Spheres of radius 0 have no contacts.

    A start is refused if the time step gives the fastest possible impact fewer than 25 steps, if spheres overlap by
    more than a tenth of a radius, or if a sphere spans more than half of the box; the run stops when speeds have grown
    so far that an impact has fewer than 10 steps.
    """

    reads = (Particle.position, Particle.radius, Particle.mass)
    writes = (Particle.velocity, Particle.heat)
    accumulates = (Particle.force,)
    phase = ("friction", "force")
    after = ("drag",)
    potentials = ("contact",)

    model: Literal["hertz", "impulse"] = param("hertz", doc="elastic spheres, or instantaneous impacts")
    modulus: float = param(1000.0, gt=0, unit="energy/length^3", doc="effective modulus E* of a contact (hertz)")
    damping: Restitution | Coefficient | Literal["none"] | None = param(
        Restitution(restitution=0.8), doc="{restitution: e}, {coefficient: gamma} or none"
    )
    broad_phase: Literal["cells", "brute_force"] = param("cells", doc="how pairs are found; brute_force is for tests")

    @classmethod
    def access(cls, phase: str) -> tuple[tuple[Field, ...], tuple[Field, ...], tuple[Field, ...]]:
        """Forces need positions only; damping changes velocities and heats, and leaves the forces alone."""
        if phase == "force":
            return cls.reads, (), cls.accumulates
        return cls.reads, cls.writes, ()

    def setup(self) -> None:
        """Make the workspaces; nothing is found before the first evaluation."""
        law, strength = self._law()
        if self.model == "impulse" and law == BY_COEFFICIENT:
            raise ScenarioError(f"{self.instance}: model impulse takes damping {{restitution: e}} or none")
        self._restitution = self.damping.restitution if isinstance(self.damping, Restitution) else 1.0
        edges = self.world.resource(Box).edges if self.world.has(Box) else (0.0, 0.0, 0.0)
        brute = self.broad_phase == "brute_force"
        self._neighbors = Neighbors(self.device, edges, self.instance, brute_force=brute)
        self._contacts = HertzContacts(self.device, self.modulus, law, strength)
        self._damping = ContactDamping(self.device)
        self._found = False  # whether contacts are known that wait to be damped
        self._touching = Pairs(self.device)  # of model impulse
        self._due = 0.0  # the half-step that waits for the end of the step
        self._starting = False
        self._version: Any = None  # of the rows that the lists and contacts speak of
        self._members: list[str] = []
        self._unit_contact: float | None = None
        self._energy = 0.0

    def _law(self) -> tuple[int, float]:
        if isinstance(self.damping, Coefficient):
            return BY_COEFFICIENT, self.damping.coefficient
        if isinstance(self.damping, Restitution) and self.damping.restitution < 1:
            return BY_RESTITUTION, damping_ratio(self.damping.restitution)
        return NO_DAMPING, 0.0

    def check(self, dt: float) -> None:
        """Refuse spheres too large for the box, deep overlaps, and a time step too long for the fastest impact."""
        bodies = self._bodies()
        if bodies is None:
            return
        position, radius = bodies.columns("position", "radius")
        pairs = self._neighbors.touching(position, radius, bodies.n)
        rows, depth = overlaps(pairs, position, radius, self._neighbors.edges)
        deep = depth > DEEPEST_START
        if deep.any():
            order = np.argsort(-depth[deep], kind="stable")
            ids = bodies.ids(rows[:, deep][:, order].T)
            shown = ", ".join(f"{i}-{j}" for i, j in ids[:5].tolist())
            raise PhysicsError(
                self.instance,
                f"{deep.sum()} pairs overlap by more than {DEEPEST_START} of their smaller radius, the deepest by"
                f" {depth.max():.3g}: {shown}{', ...' if deep.sum() > 5 else ''}",
                rows=np.unique(ids),
            )
        self._check_time_step(bodies, dt, STEPS_PER_CONTACT, None)

    def _check_time_step(self, bodies: Bodies, dt: float, steps: int, step: int | None) -> None:
        if self.model != "hertz" or dt <= 0:
            return
        mass, radius, velocity = (self.device.host(c)[: bodies.n] for c in bodies.columns("mass", "radius", "velocity"))
        if self._unit_contact is None:
            self._unit_contact = shortest_unit_contact(mass, radius, self.modulus)
        speed, fastest = fastest_approach(velocity)
        duration = self._unit_contact * speed**-0.2 if speed else math.inf
        if dt * steps > duration * (1 + 1e-9):
            raise PhysicsError(
                self.instance,
                f"dt = {dt:g} is too long for contact: the fastest impact would last {duration:.4g},"
                f" and dt may be at most 1/{steps} of that, {duration / steps:.4g}",
                step=step,
                rows=bodies.ids([fastest]),
            )

    # ---- the step ---------------------------------------------------------------------------------------------

    def _bodies(self) -> Bodies | None:
        """The rows that can touch, or None; notices when they are others than before."""
        found = self.query(Particle)
        version = tuple(population.version for population, _ in found)
        if version != self._version:
            self._version = version
            self._neighbors.invalidate()
            self._found, self._unit_contact = False, None
            self._members = [p.name for p, particle in found if p.n and float(particle.radius.max()) != 0]
        members = [(population, view) for population, view in found if population.name in self._members]
        return Bodies(self.device, members) if members else None

    def force(self, dt: float) -> None:
        """Find what touches at the new positions; add the elastic forces."""
        if self.world.clock.step % SORT_EVERY == 0:
            self._sort()
        bodies = self._bodies()
        self._energy = 0.0
        if bodies is None:
            return
        rebuilds = self._neighbors.rebuilds
        self._find(bodies)
        self._found = True
        if self._neighbors.rebuilds != rebuilds:
            self._check_time_step(bodies, dt, FEWEST_STEPS, self.world.clock.step)
        if self.model == "hertz":
            self._energy = self._contacts.energy
            self._contacts.add_forces(bodies)
            bodies.give_back("force")
        self._starting = dt == 0

    def _find(self, bodies: Bodies) -> None:
        """Find and evaluate what touches."""
        neighbors, position, radius = self._neighbors, bodies.column("position"), bodies.column("radius")
        if self.model == "hertz":
            pairs = neighbors.update(position, radius, bodies.n)
            self._contacts.evaluate(pairs, bodies, neighbors.largest, neighbors.geometry)
        else:
            self._touching = neighbors.touching(position, radius, bodies.n)

    def _sort(self) -> None:
        """Keep rows that are close in space close in memory; nothing else depends on it."""
        bodies, neighbors, unit_contact = self._bodies(), self._neighbors, self._unit_contact
        if bodies is None:
            return
        reach = neighbors.reach_of(bodies.column("radius"), bodies.n)
        orders = {
            population.name: sort_rows(population, particle.position, neighbors.edges, reach)
            for population, particle in self.query(Particle)
            if population.n >= SORT_FROM
        }
        if len(self._members) == 1 and self._members[0] in orders:  # the lists are of these rows, and follow them
            neighbors.reorder(orders[self._members[0]])
            self._version = tuple(population.version for population, _ in self.query(Particle))
        self._bodies()
        self._unit_contact = unit_contact  # holds for any order of the rows

    def friction(self, dt: float) -> None:
        """Damp the contacts, or carry out the impacts, for the whole step at once: see the class."""
        if self.model == "hertz" and self._contacts.law == NO_DAMPING:
            return
        bodies = self._bodies()
        if bodies is not None and not self._found and self.world.clock.step == 0 and not self._due:
            self._find(bodies)  # a run that goes on from the state before the first step
            self._contacts.drop_forces()
            self._found = self._starting = True
        if bodies is None or not self._found:
            self._due = dt
            return
        due = self._due + dt
        # the very first half-step is taken by itself, and counts again in the whole one that follows
        self._found, self._due = False, dt if self._starting else 0.0
        if self.model == "impulse":
            exchange_impulses(self.device, self._touching, bodies, self._restitution, self._neighbors.geometry)
        else:
            self._damping.apply(self._contacts, bodies, due)
        bodies.give_back("velocity", "heat")

    def stores(self) -> dict[str, float]:
        """The elastic energy of all contacts."""
        return {"contact": self._energy} if self.model == "hertz" else {}
