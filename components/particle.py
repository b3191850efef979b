"""Particle: the spatial identity of an entity (paper, Definition 1)."""

from __future__ import annotations

from sensorium.engine.component import Component, Field

__all__ = ["Particle"]


class Particle(Component):
    """A point mass with extent and heat, in a periodic box."""

    position = Field("f8", shape=(3,), unit="length", doc="position, wrapped into [0, L)")
    velocity = Field("f8", shape=(3,), unit="length/time", doc="velocity")
    force = Field("f8", shape=(3,), unit="energy/length", doc="sum of the forces at the present positions")
    image = Field("i4", shape=(3,), doc="number of times that the box was crossed along each axis")
    mass = Field("f8", default=1.0, unit="mass", doc="mass, > 0", gt=0)
    radius = Field("f8", default=0.0, unit="length", doc="radius of the sphere; 0 has no contact and no drag", ge=0)
    heat = Field("f8", default=0.0, unit="energy", doc="thermal energy Q, >= 0", ge=0)
