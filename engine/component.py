"""Component and Field: what an entity is made of, as typed columns of a population."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, overload

import numpy as np
import numpy.typing as npt

from sensorium.engine.naming import kebab

__all__ = ["Component", "Field"]

Columns = Callable[[str], npt.NDArray[Any]]
Derive = Callable[[Columns], npt.NDArray[Any]]

DTYPES = ("f8", "f4", "i8", "i4", "u8", "u4", "u1", "i1", "b1")


class Field:
    """One column of a component.

    ``Particle.mass`` is the field itself (used in ``reads`` and ``writes``); on a component view,
    ``particle.mass`` is the column.

    Parameters
    ----------
    dtype
        ``"f8"`` is the working real: it is stored as float32 where the scenario asks for single precision.
        Other dtypes are stored as they are.
    default
        Value of a new row; a scalar, or one value per element of `shape`.
    shape
        ``()`` for a scalar column ``(n,)``; ``(k,)`` for vectors, seen as ``(n, k)`` and stored as ``(k, n)``.
    unit, doc
        Unit (``"1"`` when dimensionless) and one-line description, for documentation, schema and trajectories.
    gt, ge
        Bound of the values that a run may start from; one outside is refused with its rows, if a system uses the field.
    """

    name: str
    owner: type[Component]

    def __init__(
        self,
        dtype: str = "f8",
        *,
        default: float | tuple[float, ...] = 0,
        shape: tuple[int, ...] = (),
        unit: str = "1",
        doc: str = "",
        gt: float | None = None,
        ge: float | None = None,
    ) -> None:
        if dtype not in DTYPES:
            raise TypeError(f"Field dtype {dtype!r} is not one of {', '.join(DTYPES)}")
        if len(shape) > 1:
            raise TypeError(f"Field shape {shape} has more than one axis; use (k,) or ()")
        self.dtype, self.default, self.shape, self.unit, self.doc = dtype, default, shape, unit, doc
        self.gt, self.ge = gt, ge

    def __set_name__(self, owner: type[Component], name: str) -> None:
        self.name, self.owner = name, owner

    def __repr__(self) -> str:
        return f"{self.owner.__name__}.{self.name}" if hasattr(self, "owner") else f"Field({self.dtype!r})"

    @overload
    def __get__(self, view: None, owner: type[Component]) -> Field: ...
    @overload
    def __get__(self, view: Component, owner: type[Component]) -> npt.NDArray[Any]: ...
    def __get__(self, view: Component | None, owner: type[Component]) -> Field | npt.NDArray[Any]:
        # a live view holds its columns in __dict__, which shadows this non-data descriptor
        if view is None:
            return self
        raise AttributeError(f"{self!r} has no column: this {owner.__name__} view is not attached to a population")

    if TYPE_CHECKING:  # at run time Component.__setattr__ writes into the column

        def __set__(self, view: Component, values: npt.ArrayLike) -> None: ...

    @property
    def path(self) -> str:
        """The name in scenarios and files: ``particle.mass``."""
        return f"{self.owner.name}.{self.name}"

    @property
    def bounds(self) -> str:
        """The bounds in words: ``> 0``; empty without any."""
        signs = {">": self.gt, ">=": self.ge}
        return " and ".join(f"{sign} {bound:g}" for sign, bound in signs.items() if bound is not None)

    def outside(self, values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        """Which of `values` are out of bounds; NaN is."""
        wrong = np.zeros(values.shape, np.bool_)
        if self.gt is not None:
            wrong |= ~(values > self.gt)
        if self.ge is not None:
            wrong |= ~(values >= self.ge)
        return wrong

    def stored(self, real: npt.DTypeLike) -> np.dtype[Any]:
        """Dtype of the column when the working real is `real`."""
        return np.dtype(real) if self.dtype == "f8" else np.dtype(self.dtype)


class Component:
    """Base class of components; subclass it and declare :class:`Field` attributes.

    An instance is a *view*: the columns of one component in one population, never one entity.

    Attributes
    ----------
    name
        Name in scenarios; the kebab-case of the class name unless set.
    derived
        Quantities that selections can ask for, each from a function that gives columns by name.
    labels
        Words for the values 0, 1, 2, ... of a field.
    angles
        Quantities whose statistics are circular.
    hidden
        Whether selections leave its rows out unless they ask for it.
    """

    name: ClassVar[str] = "component"
    fields: ClassVar[Mapping[str, Field]] = {}
    derived: ClassVar[Mapping[str, Derive]] = {}
    labels: ClassVar[Mapping[str, Sequence[str]]] = {}
    angles: ClassVar[frozenset[str]] = frozenset()
    hidden: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" not in cls.__dict__:
            cls.name = kebab(cls.__name__)
        own = {k: v for k, v in cls.__dict__.items() if isinstance(v, Field)}
        cls.fields = {**cls.fields, **own}

    @classmethod
    def coupling(cls, values: Columns, other: type[Component], others: Columns) -> npt.NDArray[Any]:
        """How strongly rows of this component couple to rows of `other`, ``(n, m)``; both given by their columns."""
        raise TypeError(f"{cls.__name__} does not say how it couples to {other.__name__}")

    def __setattr__(self, name: str, value: Any) -> None:
        """``view.column = values`` writes into the column; it never rebinds it."""
        if name not in type(self).fields:
            raise AttributeError(f"{type(self).__name__} has no field '{name}' (it has {', '.join(self.fields)})")
        column = self.__dict__[name]
        if value is not column:
            column[...] = value

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {', '.join(self.__dict__)}>"
