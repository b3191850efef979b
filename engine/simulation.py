"""Simulation: a world, its systems, and the loop that advances them and tells the writers."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

from sensorium.engine.debug import guarded
from sensorium.engine.errors import PhysicsError, ScheduleError
from sensorium.engine.ledger import Ledger
from sensorium.engine.schedule import Schedule, Spent
from sensorium.engine.system import System
from sensorium.engine.world import World

__all__ = ["Simulation", "Writer"]


class Writer(Protocol):
    """Something that looks at the simulation after each step: a trajectory, a checkpoint, a plot."""

    def open(self, sim: Simulation) -> None:
        """Before the first step of this process; the state at hand is that of ``sim.world.clock.step``."""

    def write(self, sim: Simulation) -> None:
        """After each step; the writer decides by its own trigger whether it is its turn."""

    def close(self, sim: Simulation) -> None:
        """After the last step, also when the run was stopped or failed."""

    def state(self) -> dict[str, Any]:
        """What must survive a restart."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over :meth:`state`."""


class Simulation:
    """A thin driver: what happens in a step is the list of systems.

    Parameters
    ----------
    world
        Populations and resources, complete.
    systems
        In the order of the scenario.
    dt
        Time step.
    steps
        Default length of :meth:`run`, in steps from step 0.
    debug
        Enforce declared access; also switched on by ``SENSORIUM_DEBUG=1``.
    provenance
        Texts that writers store: ``scenario``, ``resolved``, ...

    Raises
    ------
    ScheduleError
        If the systems have no single order.
    """

    def __init__(
        self,
        world: World,
        systems: Iterable[System],
        *,
        dt: float,
        steps: int = 0,
        debug: bool = False,
        provenance: Mapping[str, str] | None = None,
    ) -> None:
        if not (math.isfinite(dt) and dt > 0):
            raise ScheduleError(f"dt = {dt}: the time step must be finite and > 0")
        self.world, self.dt, self.steps = world, float(dt), int(steps)
        self.debug = debug or os.environ.get("SENSORIUM_DEBUG", "") not in ("", "0")
        self.provenance = dict(provenance or {})
        self.systems = tuple(systems)
        for system in self.systems:
            system.attach(world)
        self.schedule = Schedule(self.systems, wrap=guarded if self.debug else None)
        self._storing = [s for s in self.systems if type(s).stores is not System.stores]
        self.writers: list[Writer] = []
        self._potentials = tuple(dict.fromkeys(name for system in self.systems for name in system.potentials))
        self._ready = self._restored = self._stop = False
        world.events.on("stop", lambda event: self.stop())

    def __repr__(self) -> str:
        lines = [f"Simulation at step {self.world.clock.step}, t = {self.world.clock.time:g}, dt = {self.dt:g}"]
        lines += [f"  {population!r}" for population in self.world.populations]
        lines += [f"  {phase:<9} {', '.join(s.instance for s in systems)}" for phase, systems in self.schedule]
        return "\n".join(lines)

    @property
    def ledger(self) -> Ledger:
        """The energy ledger of the world."""
        return self.world.ledger

    def system(self, name: str) -> System:
        """The system whose instance is named `name`."""
        for system in self.systems:
            if system.instance == name:
                return system
        raise KeyError(f"no system '{name}' (there are: {', '.join(s.instance for s in self.systems)})")

    def add_writer(self, writer: Writer) -> None:
        """Add a writer; it is opened when the run starts."""
        self.writers.append(writer)

    # ---- running ----------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Set systems up, check their guards, evaluate the first forces and take the energy baseline. Idempotent.

        Raises
        ------
        PhysicsError
            If a value is out of the bounds of its field, or a system refuses to start.
        """
        if self._ready:
            return
        for system in self.systems:
            system.setup()
        if not self._restored:
            self._check_bounds()
            for system in self.systems:
                system.check(self.dt)
            self.schedule.evaluate(self.world, "force")
            self.ledger.measure(self._stores())
        self._ready = True

    def step(self) -> None:
        """Advance by one step.

        Raises
        ------
        PhysicsError
            If an energy is not finite any more; names the columns, who writes them, and the rows.
        """
        self.prepare()
        world = self.world
        world.events.begin(world.clock.step)
        self.schedule.advance(world, self.dt)
        world.clock.step += 1
        world.clock.time = world.clock.step * self.dt
        if not self._storing:
            return
        self.ledger.measure(self._stores(), self._potentials)
        if not math.isfinite(self.ledger.total):
            raise self._not_finite()

    def run(
        self,
        steps: int | None = None,
        *,
        until: float | None = None,
        progress: Callable[[Simulation], None] | None = None,
    ) -> None:
        """Advance by `steps`, or to time `until`, or to the length that the scenario gives.

        Parameters
        ----------
        steps
            Number of steps from here; a run may go in pieces.
        until
            Run while the time is below this, in units of time.
        progress
            Called after each step.
        """
        self.prepare()
        clock = self.world.clock
        if until is not None:
            last = clock.step + max(0, math.ceil((until - clock.time) / self.dt - 1e-9))
        else:
            last = clock.step + steps if steps is not None else self.steps
        self._stop = False
        opened: list[Writer] = []
        try:
            for writer in self.writers:
                writer.open(self)
                opened.append(writer)
            while clock.step < last and not self._stop:
                self.step()
                for writer in self.writers:
                    writer.write(self)
                if progress is not None:
                    progress(self)
        finally:
            for writer in reversed(opened):
                writer.close(self)

    def stop(self) -> None:
        """Ask :meth:`run` to return after the step at hand."""
        self._stop = True

    @property
    def stopped(self) -> bool:
        """Whether the last run was asked to stop before its end."""
        return self._stop

    # ---- looking ----------------------------------------------------------------------------------------------

    def _stores(self) -> dict[str, float]:
        found: dict[str, float] = {}
        for system in self._storing:
            for name, energy in system.stores().items():
                found[name] = found.get(name, 0.0) + energy
        return found

    def series(self) -> dict[str, float]:
        """Every scalar that the systems observe, and the ledger's."""
        self.prepare()
        values = self.ledger.series()
        for system in self.systems:
            values |= system.observe()
        return values

    def profile(self) -> dict[str, Spent]:
        """Wall time and calls of each system so far in this process."""
        return self.schedule.profile

    def _check_bounds(self) -> None:
        for population, field, value, ids in self.world.out_of_bounds():
            user = next((s for s in self.systems if field in (*s.reads, *s.writes, *s.accumulates)), None)
            if user is not None:
                said = f"{field.name} of '{population.name}' must be {field.bounds}, found {value:g}"
                raise PhysicsError(user.instance, said, rows=ids)

    def _not_finite(self) -> PhysicsError:
        step, found = self.world.clock.step, self.world.not_finite()
        for population, path, ids in found:
            authors = [s.instance for s in self.systems if path in (f.path for f in (*s.writes, *s.accumulates))]
            return PhysicsError(
                ", ".join(authors) or "energy-ledger",
                f"{path} of '{population.name}' is not finite in {len(ids)} rows",
                step=step,
                rows=ids,
            )
        # every column is finite, an energy is not: squares overflow long before what is squared
        store = next(name for name, value in self.ledger.stores.items() if not math.isfinite(value))
        owners = [s.instance for s in self._storing if store in s.stores()]
        return PhysicsError(", ".join(owners), f"the {store} energy is {self.ledger.stores[store]}", step=step)

    # ---- state ------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """World, systems and writers, between two steps."""
        self.prepare()
        return {
            "world": self.world.state(),
            "systems": {system.instance: system.state() for system in self.systems},
            "writers": {name: writer.state() for name, writer in self._named_writers()},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over :meth:`state`; the run goes on as if it had never stopped, bit by bit."""
        self.world.restore(state["world"])
        self._restored, self._ready = True, False
        self.prepare()
        self.world.events.restore(state["world"]["events"])  # systems told once more that they were set up
        for system in self.systems:
            if system.instance in state["systems"]:
                system.restore(state["systems"][system.instance])
        for name, writer in self._named_writers():
            if name in state["writers"]:
                writer.restore(state["writers"][name])

    def _named_writers(self) -> Iterator[tuple[str, Writer]]:
        """Writers by class, numbered within it: the second CSV writer of a run is the second after a restart."""
        seen: Counter[str] = Counter()
        for writer in self.writers:
            kind = type(writer).__name__
            yield f"{kind}-{seen[kind]}", writer
            seen[kind] += 1
