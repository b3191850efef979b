"""Initial values of a field: the forms a scenario may write, checked before anything is built.

====================================  ======================================================================
``mass: 1.0e-5``                      the same value in every row; a vector field takes a number (all
                                      components) or a list of its components
``{values: [...]}``                   one value, or one list of components, for each row
``{file: x.npy}``                     the same from a NumPy file, relative to the scenario
``{uniform: [low, high]}``            uniform in [low, high), whole numbers low..high for integer fields;
                                      also ``{uniform: {low: .., high: ..}}``
``{normal: {mean: .., std: ..}}``     normal
``position: random``                  uniform in the box
``position: {lattice: fcc, jitter}``  ``sc``, ``fcc``, or ``path`` (simple cubic, walked in row order), filling
                                      the box; each site moved by up to +- jitter nearest-neighbour distances
                                      along each axis, and by ``wave: {displacement: [x, y, z], periods: [..]}``
                                      (displacement times sine of the periods along the edges)
``velocity: {maxwell: {temperature}}``  variance k_B T / m along each axis; the mean momentum is removed (two or
                                      more rows), nothing is rescaled
====================================  ======================================================================
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field as Bound

from sensorium.engine.component import Field
from sensorium.engine.naming import did_you_mean
from sensorium.scenarios import tree
from sensorium.scenarios.draws import Draws
from sensorium.scenarios.explain import check
from sensorium.scenarios.lattice import lattice_sites
from sensorium.scenarios.problems import Problems
from sensorium.scenarios.schema import Section
from sensorium.scenarios.tree import Node

__all__ = ["FORMS", "Initial", "Surroundings", "read_initial"]

Array = npt.NDArray[Any]
Number = float | list[float]


@dataclass(frozen=True)
class Surroundings:
    """What initial values may depend on.

    Attributes
    ----------
    count
        Rows of the population.
    draws
        Random numbers of the field.
    edges
        Edges of the box.
    masses
        ``(count,)``; 1 without a mass.
    boltzmann
        k_B.
    """

    count: int
    draws: Draws
    edges: tuple[float, float, float]
    masses: Array
    boltzmann: float


@dataclass(frozen=True)
class Initial:
    """Checked initial values of one field.

    Attributes
    ----------
    fill
        Makes the values, ``(count,)`` or ``(count, k)`` or one that broadcasts to it.
    rows
        The number of rows that the values are made for, or None for any.
    needs
        ``"box"``, ``"mass"`` or nothing.
    node
        Where it is written.
    """

    fill: Callable[[Surroundings], Array]
    node: Node
    rows: int | None = None
    needs: str = ""


class _Uniform(Section):
    low: Number = 0.0
    high: Number


class _Normal(Section):
    mean: Number = 0.0
    std: Number = 1.0


class _Wave(Section):
    displacement: tuple[float, float, float]
    periods: tuple[int, int, int] = (1, 0, 0)


class _Lattice(Section):
    lattice: Literal["fcc", "sc", "path"]
    jitter: float = Bound(default=0.0, ge=0, le=0.5)
    wave: _Wave | None = None


class _Maxwell(Section):
    temperature: float = Bound(ge=0)


class _Refused(Exception):
    """A value that does not fit its field."""


FORMS = ("values", "file", "uniform", "normal", "random", "lattice", "maxwell")


def read_initial(node: Node, field: Field, path: tree.Path, problems: Problems, folder: Path | None) -> Initial | None:
    """The initial values written at `node` for `field`; None, with a problem noted, when they do not fit."""
    reader = _Reader(node, field, path, problems, folder)
    try:
        return reader.read()
    except _Refused as refused:
        problems.add(node.mark, path, str(refused))
        return None


class _Reader:
    def __init__(self, node: Node, field: Field, path: tree.Path, problems: Problems, folder: Path | None) -> None:
        self.node, self.field, self.path, self.problems, self.folder = node, field, path, problems, folder
        self.whole = np.dtype(field.dtype).kind in "iub"

    def read(self) -> Initial | None:
        value = self.node.value
        if isinstance(value, str):
            if value == "random" and "random" in self.forms():
                return self._random()
            if value in ("fcc", "sc"):
                raise _Refused(f"{value!r} is no value; write {{lattice: {value}}}")
            raise _Refused(f"must be {self.wanted()}, not text ({value!r}){did_you_mean(value, self.forms())}")
        if isinstance(value, dict):
            return self._form(value)
        constant = self.array(tree.plain(self.node), one_row=True)
        return Initial(lambda _: constant, self.node)

    def forms(self) -> tuple[str, ...]:
        """The forms that this field may have."""
        vector = self.field.shape == (3,)
        position, velocity = vector and self.field.name == "position", vector and self.field.name == "velocity"
        return FORMS[:4] + ("random", "lattice") * position + ("maxwell",) * velocity

    def wanted(self) -> str:
        number = "a whole number" if self.whole else "a number"
        if self.field.shape:
            number += f" or a list of {self.field.shape[0]}"
        return f"{number}, or one of {', '.join(self.forms())}"

    def _form(self, entries: dict[str, tree.Entry]) -> Initial | None:
        named = [key for key in entries if key in FORMS]
        if len(named) != 1:
            known = f" (forms: {', '.join(self.forms())})"
            for key, entry in entries.items() if not named else ():
                hint = did_you_mean(key, self.forms()) or known
                self.problems.add(entry.key, (*self.path, key), f"'{key}' is no form of initial values{hint}")
            if named:
                raise _Refused(f"has several forms ({', '.join(named)}); give one")
            if not entries:
                raise _Refused(f"is empty{known}")
            return None
        form = named[0]
        if form not in self.forms():
            raise _Refused(f"'{form}' does not fit {self.field!r} (forms: {', '.join(self.forms())})")
        if form != "lattice":
            for key, entry in entries.items():
                if key != form:
                    self.problems.add(entry.key, (*self.path, key), f"unknown key '{key}' beside '{form}'")
        read = {
            "values": self._values, "file": self._file, "uniform": self._uniform, "normal": self._normal,
            "random": lambda _: self._random(), "lattice": lambda _: self._lattice(), "maxwell": self._maxwell,
        }[form]  # fmt: skip
        return read(entries[form].node)

    # ---- given values -----------------------------------------------------------------------------------------

    def array(self, value: Any, *, one_row: bool = False) -> Array:
        """`value` as numbers of the field's kind: finite, in range, of one row or of (n, ...) rows."""
        shape = self.field.shape
        try:
            found = np.asarray(value)
        except ValueError:
            raise _Refused("its rows differ in length") from None
        if found.dtype.kind not in "iufb" or (found.dtype.kind == "b") != (self.field.dtype == "b1"):
            wanted = "true or false" if self.field.dtype == "b1" else self.wanted() if one_row else "numbers"
            raise _Refused(f"must be {wanted}, not {tree.describe(value) if one_row else 'something else'}")
        if one_row and found.shape not in ((), shape):
            hint = "; one value for each row is {values: [...]}" if not shape else ""
            raise _Refused(f"must be {self.wanted()}, not {_sized(found)}{hint}")
        if not one_row and (found.ndim != 1 + len(shape) or found.shape[1:] != shape):
            raise _Refused(
                f"must be {'one number' if not shape else f'a list of {shape[0]}'} for each row, not {_sized(found)}"
            )
        if not np.isfinite(found).all():
            raise _Refused("must be finite")
        if self.whole:
            limits = np.iinfo(self.field.dtype) if self.field.dtype != "b1" else None
            if (found != np.round(found)).any():
                raise _Refused("must be whole numbers")
            if limits and found.size and (found.min() < limits.min or found.max() > limits.max):
                raise _Refused(f"must lie in {limits.min}..{limits.max}")
        return found

    def _values(self, node: Node) -> Initial:
        if not isinstance(node.value, list):
            raise _Refused(f"values must be a list, not {node.kind}")
        values = self.array(tree.plain(node))
        return Initial(lambda _: values, self.node, rows=len(values))

    def _file(self, node: Node) -> Initial:
        if not isinstance(node.value, str):
            raise _Refused(f"file must be the name of a .npy file, not {node.kind}")
        path = Path(node.value) if self.folder is None else self.folder / node.value
        try:
            loaded = np.load(path, allow_pickle=False)
        except OSError as error:
            raise _Refused(f"'{path}' cannot be read: {error.strerror or error}") from None
        except (ValueError, EOFError) as error:
            raise _Refused(f"'{path}' is not a .npy file of numbers: {str(error).splitlines()[0]}") from None
        if not isinstance(loaded, np.ndarray):
            raise _Refused(f"'{path}' holds several arrays; give one in a .npy file")
        try:
            values = self.array(loaded)
        except _Refused as refused:
            raise _Refused(f"'{path}' {refused}") from None
        return Initial(lambda _: values, self.node, rows=len(values))

    # ---- distributions ----------------------------------------------------------------------------------------

    def _uniform(self, node: Node) -> Initial | None:
        section = self._section(_Uniform, node, ("low", "high"))
        if section is None:
            return None
        low, high = self._bound(section.low), self._bound(section.high)
        if (low > high).any():
            raise _Refused(f"low = {section.low} is above high = {section.high}")
        span = high - low + 1 if self.whole else high - low

        def fill(near: Surroundings) -> Array:
            values = low + span * near.draws.uniform((near.count, *self.field.shape))
            return np.floor(values) if self.whole else values

        return Initial(fill, self.node)

    def _normal(self, node: Node) -> Initial | None:
        section = self._section(_Normal, node, ("mean", "std"))
        if section is None:
            return None
        if self.whole:
            raise _Refused(f"normal values do not fit {self.field!r}, which holds whole numbers")
        mean, std = self._bound(section.mean), self._bound(section.std)
        if (std < 0).any():
            raise _Refused(f"std = {section.std} must be >= 0")
        return Initial(lambda near: mean + std * near.draws.normal((near.count, *self.field.shape)), self.node)

    def _section(self, model: type[Any], node: Node, order: tuple[str, str]) -> Any:
        """``[a, b]`` stands for ``{order[0]: a, order[1]: b}``."""
        if isinstance(node.value, list):
            if len(node.value) != len(order):
                raise _Refused(f"must be [{', '.join(order)}], not a list of {len(node.value)}")
            entries = {key: tree.Entry(item.mark, item) for key, item in zip(order, node.value, strict=True)}
            node = Node(entries, node.mark)
        return check(model, node, (*self.path, model.__name__.strip("_").lower()), self.problems)

    def _bound(self, value: Number) -> Array:
        return np.asarray(self.array(value, one_row=True), np.float64)

    # ---- matter in a box --------------------------------------------------------------------------------------

    def _random(self) -> Initial:
        def fill(near: Surroundings) -> Array:
            return np.asarray(near.draws.uniform((near.count, 3)) * np.asarray(near.edges))

        return Initial(fill, self.node, needs="box")

    def _lattice(self) -> Initial | None:
        section = check(_Lattice, self.node, self.path, self.problems)
        if section is None:
            return None

        def fill(near: Surroundings) -> Array:
            points, distance = lattice_sites(section.lattice, near.count, near.edges)
            if section.jitter:
                points += section.jitter * distance * (2 * near.draws.uniform(points.shape) - 1)
            if section.wave:
                turns = points / near.edges @ np.asarray(section.wave.periods, np.float64)
                points += np.sin(2 * np.pi * turns)[:, None] * np.asarray(section.wave.displacement)
            return points

        return Initial(fill, self.node, needs="box")

    def _maxwell(self, node: Node) -> Initial | None:
        section = check(_Maxwell, node, (*self.path, "maxwell"), self.problems)
        if section is None:
            return None

        def fill(near: Surroundings) -> Array:
            # a mass of 0 is refused by the systems, with its rows; here it only must not make noise
            masses = np.maximum(near.masses[:, None], np.finfo(float).tiny)
            scale = np.sqrt(near.boltzmann * section.temperature / masses)
            velocity: Array = scale * near.draws.normal((near.count, 3))
            drift = (masses * velocity).sum(axis=0) / masses.sum() if near.count > 1 else 0.0
            return np.asarray(velocity - drift)

        return Initial(fill, self.node, needs="mass")


def _sized(found: Array) -> str:
    return (
        "one number"
        if found.ndim == 0
        else f"values of shape {found.shape}"
        if found.ndim > 1
        else f"a list of {len(found)}"
    )
