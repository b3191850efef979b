"""Measurement: what an observer reads from the world (paper, Section 6.2).

``hard`` takes at each place the candidate of largest amplitude, ``soft`` draws one from the Boltzmann distribution of
their energies, ``spectral`` reads the carriers instead. A place is a slot of the stream, ``Token.index``; candidates
are the tokens at that place. Oscillators that are no tokens have a place each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from sensorium.components.carrier import Carrier
from sensorium.components.oscillator import Oscillator
from sensorium.components.probe import Probe
from sensorium.components.token import Token
from sensorium.engine.random import uniform
from sensorium.engine.world import World

__all__ = ["MEASURES", "Measure", "Reading", "hard", "measure", "soft", "spectral"]

Array = npt.NDArray[Any]
STREAM = 0x6D656173  # of the draws of a soft measurement


@dataclass(frozen=True)
class Reading:
    """What was read.

    Attributes
    ----------
    mode
        ``hard``, ``soft`` or ``spectral``.
    place
        Slots, ascending, ``(n,)``; frequencies of carriers for a spectral reading.
    id
        Chosen oscillator at each place, or the carriers, ``(n,)``.
    value
        Byte of the chosen token; its id where it is no token; |C|^2 for a spectral reading.
    probability
        Of the choice among the candidates of its place; for a spectral reading the share of each carrier.
    """

    mode: str
    place: Array
    id: Array
    value: Array
    probability: Array

    def __len__(self) -> int:
        return len(self.place)

    def bytes(self) -> bytes:
        """Values in the order of places."""
        return bytes(int(v) & 0xFF for v in self.value)


@dataclass(frozen=True)
class _Candidates:
    """All oscillators that can be read, sorted by place and then by id."""

    place: Array
    id: Array
    value: Array
    energy: Array

    @classmethod
    def of(cls, world: World) -> _Candidates:
        parts = []
        for population, oscillator in world.query(Oscillator):
            if Probe in population:
                continue
            host = population.device.host
            ids = host(population.ids)
            place, value = ids, ids
            if Token in population:
                place, value = host(population[Token].index), host(population[Token].byte).astype(np.int64)
            parts.append((place, ids, value, host(oscillator.energy).astype(np.float64)))
        if not parts:
            none = np.zeros(0, np.int64)
            return cls(none, none, none, np.zeros(0))
        place, ids, value, energy = (np.concatenate(column) for column in zip(*parts, strict=True))
        order = np.lexsort((ids, place))
        return cls(place[order], ids[order], value[order], energy[order])

    def groups(self) -> tuple[Array, Array]:
        """Where each place begins, and the place number of each candidate."""
        _, first, group = np.unique(self.place, return_index=True, return_inverse=True)
        return first, group

    def reading(self, mode: str, chosen: Array, probability: Array) -> Reading:
        return Reading(mode, self.place[chosen], self.id[chosen], self.value[chosen], probability[chosen])


def _boltzmann(candidates: _Candidates, temperature: float) -> Array:
    """exp(E / T) over the sum of its place: the world puts energy where it expects something."""
    first, group = candidates.groups()
    scaled = candidates.energy / temperature
    weight = np.exp(scaled - np.maximum.reduceat(scaled, first)[group])
    return np.asarray(weight / np.add.reduceat(weight, first)[group])


def hard(world: World) -> Reading:
    """The candidate of largest amplitude at each place, of equals that of lowest id; its share of the energy."""
    candidates = _Candidates.of(world)
    if len(candidates.id) == 0:
        return candidates.reading("hard", candidates.id, candidates.energy)
    first, group = candidates.groups()
    best = candidates.energy == np.maximum.reduceat(candidates.energy, first)[group]
    chosen = np.flatnonzero(best)
    chosen = chosen[np.unique(group[chosen], return_index=True)[1]]
    total = np.add.reduceat(candidates.energy, first)[group]
    share = np.divide(candidates.energy, total, out=np.zeros(len(total)), where=total > 0)
    return candidates.reading("hard", chosen, share)


def soft(world: World, *, temperature: float = 0.1, draw: int = 0) -> Reading:
    """A candidate at each place, drawn with probability proportional to exp(E / T).

    Parameters
    ----------
    world
        What is read.
    temperature
        T of the draw, > 0 [energy]; towards 0 it is the hard measurement.
    draw
        Number of the sample: the same seed, step and draw give the same reading.
    """
    candidates = _Candidates.of(world)
    if len(candidates.id) == 0:
        return candidates.reading("soft", candidates.id, candidates.energy)
    probability = _boltzmann(candidates, temperature)
    first, group = candidates.groups()
    step = world.clock.step
    places = candidates.place[first].astype(np.int64)
    level = np.array([uniform(world.seed, int(p) & 0x7FFFFFFF, step, STREAM, draw) for p in places])
    whole = np.cumsum(probability)
    before = whole[first] - probability[first]
    past = np.append(first[1:], len(group)) - 1
    chosen = np.minimum(np.searchsorted(whole, before + level), past)
    return candidates.reading("soft", chosen, probability)


def spectral(world: World) -> Reading:
    """Energy |C|^2 of every carrier and its share, by frequency: the gist, without any token."""
    chosen = world.select(Carrier)
    order = np.lexsort((chosen.ids, chosen.values("frequency")))
    energy = (chosen.values("amplitude").astype(np.float64) ** 2)[order]
    share = energy / energy.sum() if energy.sum() > 0 else np.zeros(len(energy))
    return Reading("spectral", chosen.values("frequency")[order], chosen.ids[order], energy, share)


Measure = Literal["hard", "soft", "spectral"]
MEASURES: dict[str, Callable[..., Reading]] = {"hard": hard, "soft": soft, "spectral": spectral}


def measure(world: World, mode: Measure = "hard", **options: Any) -> Reading:
    """One of the three by name; `options` are those of the function."""
    if mode not in MEASURES:
        raise ValueError(f"measure '{mode}' is not one of {', '.join(MEASURES)}")
    return MEASURES[mode](world, **options)
