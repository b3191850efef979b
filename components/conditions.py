"""Conditions: what systems that regulate tell the spectral systems, as resources of the world."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sensorium.engine.component import Field
from sensorium.engine.population import Population

__all__ = ["Annealing", "EnergyStatistics", "Held", "IdleMode"]


@dataclass
class EnergyStatistics:
    """Mean and variance of the energy of oscillators (paper, Section 8.2).

    Attributes
    ----------
    mean, variance
        Over all oscillators [energy, energy^2].
    reference
        The mean energy at which rates have their nominal values.
    """

    mean: float = 0.0
    variance: float = 0.0
    reference: float = 1.0

    @property
    def scale(self) -> float:
        """Factor of decay and cost: mean over reference. Zero energy: no decay."""
        return self.mean / self.reference

    @property
    def agitation(self) -> float:
        """Factor of the noise temperature: root mean square energy over reference. Zero energy: no noise."""
        return math.sqrt(self.mean**2 + self.variance) / self.reference

    def state(self) -> dict[str, Any]:
        """The numbers."""
        return {"mean": self.mean, "variance": self.variance, "reference": self.reference}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over :meth:`state`."""
        self.mean, self.variance, self.reference = (float(state[k]) for k in ("mean", "variance", "reference"))


@dataclass
class IdleMode:
    """What the world does between observations (paper, Section 8.1).

    Attributes
    ----------
    name
        ``consolidation``, ``disambiguation``, ``exploration``, or empty while awake.
    noise
        Factor of the noise temperature.
    threshold
        Factor of the amplitudes that make a carrier stable and crystallized.
    repulsion
        Whether carriers repel each other.
    """

    name: str = ""
    noise: float = 1.0
    threshold: float = 1.0
    repulsion: bool = False


@dataclass
class Annealing:
    """A noise temperature that replaces the nominal one while the world relaxes (paper, equation 23)."""

    temperature: float | None = None


@dataclass
class Held:
    """Columns that are boundary conditions: rows by id, which no system may move.

    Attributes
    ----------
    ids
        For each population name and field path the sorted ids of the rows.
    version
        Counts the changes.
    """

    ids: dict[tuple[str, str], Any] = field(default_factory=dict)
    version: int = 0

    def hold(self, population: Population, column: Field, ids: Any) -> None:
        """Add rows."""
        key = (population.name, column.path)
        self.ids[key] = np.union1d(self.ids.get(key, np.zeros(0, np.int64)), np.asarray(ids, np.int64))
        self.version += 1

    def mask(self, population: Population, column: Field) -> Any:
        """1 for rows that are held, 0 for the others, ``(n,)`` uint8 on the device."""
        held = self.ids.get((population.name, column.path))
        if held is None:
            return population.device.zeros(population.n, np.uint8)
        return population.device.array(np.isin(population.device.host(population.ids), held).astype(np.uint8))
