"""Recall: clamp what is known, let the rest relax, and read it (paper, Sections 5 and 6)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sensorium.components.anchors import Anchors
from sensorium.components.carrier import Carrier
from sensorium.components.oscillator import Oscillator
from sensorium.engine.grid import Box
from sensorium.engine.select import Selection
from sensorium.engine.simulation import Simulation
from sensorium.engine.system import System
from sensorium.engine.world import Constants, World
from sensorium.systems.carrier_coupling import CarrierCoupling
from sensorium.systems.clamp import Clamp
from sensorium.systems.energy_ledger import EnergyLedger
from sensorium.systems.inference.measure import Measure
from sensorium.systems.inference.measure import measure as read
from sensorium.systems.inference.thermal import thermalize
from sensorium.systems.relaxation import Relaxation
from sensorium.systems.spectral.observables import potential
from sensorium.systems.spectral.spectrum import Spectrum
from sensorium.systems.top_down import TopDown

__all__ = ["Answer", "recall"]

STREAM = 0x72656361  # of the thermal state from which free oscillators start

Clamped = Selection | npt.ArrayLike


@dataclass(frozen=True)
class Answer:
    """What a recall found.

    Attributes
    ----------
    reading
        The measurement: a :class:`~sensorium.systems.inference.measure.Reading`, or what your own function returned.
    steps
        Relaxation steps that were taken.
    relaxed
        Whether the residual gradient came below the tolerance.
    residual
        The residual gradient at the end, in [0, 1].
    potential
        V (25) after each step, ``(steps,)``; it does not rise once the noise is off and nothing feeds energy.
    world
        The relaxed world, a copy: ask it anything.
    """

    reading: Any
    steps: int
    relaxed: bool
    residual: float
    potential: npt.NDArray[np.float64]
    world: World


def recall(
    world: World,
    clamp: Clamped,
    *,
    measure: Measure | Callable[[World], Any] = "hard",
    free: Clamped | None = None,
    steps: int = 200,
    dt: float = 0.2,
    temperature: float = 0.01,
    anneal: int = 20,
    residual: float = 1e-4,
    coupling: float = 1.0,
    decay: float = 1.0,
    top_down: float = 0.2,
    voice: float = 0.1,
    seed: int | None = None,
) -> Answer:
    """Inference as a boundary value problem (paper, equations 22 and 23).

    Works on a copy: the world that is asked does not change. Oscillators in `clamp` keep phase and energy; those in
    `free` start from thermal noise; carriers start at rest, keep frequency, width and anchors, and all answer, the
    crystallized ones too. The noise is annealed to zero, and the rest follows in the rotating frame until the
    residual gradient of the potential vanishes. Then the world is measured.

    Parameters
    ----------
    world
        What to ask.
    clamp
        What is known: a selection of oscillators or carriers, or ids of either. Carriers in it keep their C
        (semantic constraint).
    measure
        ``"hard"``, ``"soft"``, ``"spectral"``, or a function of the relaxed world.
    free
        What is to be found; all other oscillators unless given. Those in neither stay as they are to begin with.
    steps, dt
        Most steps, and their length [time].
    temperature, anneal
        Noise at the beginning [energy/time], which is also the mean energy of free oscillators, and the steps in
        which it falls to 0.
    residual
        Residual gradient at which the world counts as relaxed.
    coupling, decay
        Of the carriers while they recall.
    top_down
        Rate at which crystallized carriers feed their anchors, which lose energy at rate 1; 0 is off.
    voice
        Weight with which oscillators that are not clamped drive carriers: what is known speaks louder.
    seed
        Of the noise; that of the world unless given.

    Returns
    -------
    Answer
        With the reading, the number of steps, and the relaxed copy.
    """
    copy = _copy(world, seed)
    held = _ids(clamp)
    wanted = None if free is None else _ids(free)
    systems: list[System] = []
    for population, oscillator in copy.query(Oscillator):
        own = np.sort(population.device.host(population.ids))
        mask = ~np.isin(population.ids, held) if wanted is None else np.isin(population.ids, wanted)
        arguments = temperature, copy.seed, copy.clock.step, STREAM
        free_rows = population.device.array(mask.astype(np.uint8))
        thermalize(population, population.ids, free_rows, oscillator.phase, oscillator.energy, *arguments)
        known = own[np.isin(own, held)]
        if len(known):
            systems.append(_clamp(population.name, known, "oscillator.phase", "oscillator.energy"))
    for population, carrier in copy.query(Carrier):
        rows = np.isin(population.device.host(population.ids), held)
        carrier.amplitude[population.device.array(np.flatnonzero(~rows))] = 0
        if rows.any():
            systems.append(_clamp(population.name, population.device.host(population.ids)[rows], "carrier.amplitude"))
    relaxation = Relaxation(anneal={"from": temperature, "to": 0.0, "steps": anneal}, residual=residual, stop=False)
    flow = CarrierCoupling(coupling=coupling, decay=decay, frame="rotating", frozen=False, voice=voice, adaptive=False)
    feeding = [TopDown(phase=coupling, energy=top_down, loss=1.0)] if top_down > 0 and len(Anchors.of(copy)) else []
    sim = Simulation(copy, [*systems, relaxation, flow, *feeding, EnergyLedger()], dt=dt)
    levels = []
    while sim.world.clock.step - world.clock.step < steps and relaxation.relaxed_after is None:
        sim.step()
        spectrum = Spectrum.of(copy)
        spectrum.take()
        levels.append(potential(spectrum))
    reading = measure(copy) if callable(measure) else read(copy, measure)
    done = relaxation.relaxed_after is not None
    return Answer(reading, len(levels), done, relaxation.last_residual, np.array(levels), copy)


def _ids(chosen: Clamped) -> npt.NDArray[np.int64]:
    ids = chosen.ids if isinstance(chosen, Selection) else chosen
    return np.unique(np.atleast_1d(np.asarray(ids, np.int64)))


def _clamp(population: str, ids: Iterable[int], *columns: str) -> Clamp:
    select = {"ids": np.asarray(ids).tolist()}
    return Clamp(
        instance=f"known-{population}", population=population, select=select, values=dict.fromkeys(columns, "hold")
    )


def _copy(world: World, seed: int | None) -> World:
    """A world with the same rows, anchors and constants, and no systems."""
    copy = World(world.seed if seed is None else seed, device=world.device)
    for population in world.populations:
        copy.create(population.name, population.components, capacity=population.capacity)
        copy.population(population.name).restore(population.state())
    copy.identifiers.next = world.identifiers.next
    copy.clock.step, copy.clock.time = world.clock.step, world.clock.time
    for kind in (Constants, Box):
        if world.has(kind):
            copy.insert(world.resource(kind))
    if world.has(Anchors):
        Anchors.of(copy).restore(Anchors.of(world).state())
    return copy
