"""Token: what an entity was read from."""

from __future__ import annotations

from sensorium.engine.component import Component, Field

__all__ = ["Token"]


class Token(Component):
    """A byte and its place in the stream: the universal tokenizer's input (paper, Section 3)."""

    byte = Field("u1", doc="value, 0 to 255")
    index = Field("i8", doc="place in the stream (slot), from 0")
