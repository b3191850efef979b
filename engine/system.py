"""System: a rule that evolves components, with checked parameters and declared access."""

from __future__ import annotations

import inspect
import typing
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import esper
from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic import Field as PydanticField
from pydantic.fields import FieldInfo

from sensorium.engine.component import Component, Field
from sensorium.engine.errors import ScenarioError
from sensorium.engine.naming import did_you_mean, kebab

if TYPE_CHECKING:
    from sensorium.engine.device import Device
    from sensorium.engine.world import World

__all__ = ["Parameters", "System", "param"]


class Parameters(BaseModel):
    """Base of the generated parameter models: unknown names, NaN and infinity are refused."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, arbitrary_types_allowed=False, populate_by_name=True)


def param(
    default: Any = ...,
    *,
    unit: str = "1",
    doc: str = "",
    alias: str | None = None,
    gt: float | None = None,
    ge: float | None = None,
    lt: float | None = None,
    le: float | None = None,
) -> Any:
    """A parameter of a system: ``viscosity: float = param(1.0, ge=0, unit="mass/(length time)", doc="...")``.

    Parameters
    ----------
    default
        Its default; a parameter without one must be given in the scenario.
    unit, doc
        Unit (``"1"`` when dimensionless) and one-line description.
    alias
        Name in scenarios where it cannot be that of the attribute (``phase``).
    gt, ge, lt, le
        Bounds; a value outside is refused with name, value and bound.
    """
    bounds = {"gt": gt, "ge": ge, "lt": lt, "le": le}
    return PydanticField(default, description=doc, alias=alias, json_schema_extra={"unit": unit}, **bounds)  # type: ignore[call-overload]


def _annotation(owner: type, name: str) -> Any:
    """The type of one attribute; the other annotations of the class may name types that exist only for checkers."""
    if name not in inspect.get_annotations(owner):
        raise TypeError(f"{owner.__name__}.{name}: a parameter needs a type: `{name}: float = param(...)`")
    annotation = owner.__annotations__[name]
    if isinstance(annotation, str):
        stand_in = type(owner.__name__, (), {"__annotations__": {name: annotation}, "__module__": owner.__module__})
        annotation = typing.get_type_hints(stand_in, localns=dict(vars(owner)), include_extras=True)[name]
    return annotation


class System(esper.Processor):
    """Base class of systems. Subclass it, declare what it touches, and write ``step``.

    Attributes
    ----------
    name
        Name in scenarios; the kebab-case of the class name unless set.
    reads, writes, accumulates
        Fields that it reads, writes, or only adds to. In debug mode anything else is an error.
    phase
        The phase of the step in which it runs; a tuple when it runs in several, each with a method of that name.
    before, after
        Names of systems of the same phase that must run later or earlier.
    phases
        New phases that it brings, relative to one that exists: ``{"chemistry": "after exchange"}``.
    potentials
        Names of its stores that its force derives from.
    world, device, stream
        Set when the system is attached: its world, its device, and the number of its random stream.
    """

    name: ClassVar[str] = "system"
    reads: ClassVar[tuple[Field, ...]] = ()
    writes: ClassVar[tuple[Field, ...]] = ()
    accumulates: ClassVar[tuple[Field, ...]] = ()
    phase: ClassVar[str | tuple[str, ...]] = "exchange"
    before: ClassVar[tuple[str, ...]] = ()
    after: ClassVar[tuple[str, ...]] = ()
    phases: ClassVar[Mapping[str, str]] = {}
    potentials: ClassVar[tuple[str, ...]] = ()

    instance: str
    world: World
    device: Device
    stream: int

    _parameters: ClassVar[type[Parameters] | None] = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" not in cls.__dict__:
            cls.name = kebab(cls.__name__)
        cls._parameters = None

    def __init__(self, *, instance: str | None = None, **parameters: Any) -> None:
        """Check `parameters` and keep them as attributes.

        Raises
        ------
        ScenarioError
            For every parameter that is unknown, missing, of the wrong type or out of range, in one message.
        """
        self.instance = instance or type(self).name
        model = self.parameters()
        try:
            values = model(**parameters)
        except ValidationError as error:
            raise ScenarioError("\n".join(self._complaint(e) for e in error.errors())) from None
        for name in model.model_fields:
            setattr(self, name, getattr(values, name))

    def _complaint(self, error: Any) -> str:
        where = ".".join(str(part) for part in error["loc"])
        if error["type"] == "extra_forbidden":
            return f"{self.instance}: unknown parameter '{where}'" + did_you_mean(where, self.parameters().model_fields)
        given = "" if error["type"] == "missing" else f" = {error['input']!r}"
        return f"{self.instance}: {where}{given}: {error['msg'][0].lower()}{error['msg'][1:]}"

    @classmethod
    def parameters(cls) -> type[Parameters]:
        """The pydantic model of the parameters, made from the annotated attributes that are ``param(...)``."""
        if cls._parameters is None:
            found: dict[str, Any] = {}
            for base in reversed(cls.__mro__):
                for name, value in base.__dict__.items():
                    if isinstance(value, FieldInfo):
                        found[name] = (_annotation(base, name), value)
            model = create_model(f"{cls.__name__}Parameters", __base__=Parameters, __doc__=cls.__doc__, **found)
            cls._parameters = model
        return cls._parameters

    @classmethod
    def phase_names(cls) -> tuple[str, ...]:
        """The phases in which it runs."""
        return (cls.phase,) if isinstance(cls.phase, str) else tuple(cls.phase)

    @classmethod
    def access(cls, phase: str) -> tuple[tuple[Field, ...], tuple[Field, ...], tuple[Field, ...]]:
        """``(reads, writes, accumulates)`` in one phase: all of them, unless a system of several phases knows better.

        What it returns must be among what the class declares. Columns accumulated in a phase are cleared before it.
        """
        return cls.reads, cls.writes, cls.accumulates

    # ---- life -------------------------------------------------------------------------------------------------

    def attach(self, world: World) -> None:
        """Join `world`."""
        self.world, self.device = world, world.device
        self.stream = zlib.crc32(self.instance.encode()) & 0x7FFFFFFF
        self.query = world.query  # type: ignore[method-assign]  # spares a call: every system queries in every step
        world.processor(self)

    def query(self, *components: type[Component]) -> tuple[Any, ...]:
        """``(population, view, view, ...)`` for each population that has all `components`, oldest first."""
        return self.world.query(*components)

    def setup(self) -> None:
        """Prepare, once the world is complete and again after a restore: workspaces, resources."""

    def check(self, dt: float) -> None:
        """Refuse to start: raise :class:`~sensorium.engine.errors.PhysicsError` with the number that is wrong."""

    def step(self, dt: float) -> None:
        """Advance by `dt`; the method of a system that runs in one phase."""
        raise TypeError(f"system {type(self).__name__} has no method step(dt)")

    def process(self, dt: float) -> None:
        """esper's name for :meth:`step`."""
        self.step(dt)

    def stores(self) -> dict[str, float]:
        """Energies that only this system knows, at the end of a step: ``{"gravitational": E}``."""
        return {}

    def observe(self) -> dict[str, float]:
        """Scalars for the series, when they are written: ``{"homeostasis/ratio": r}``."""
        return {}

    def state(self) -> dict[str, Any]:
        """What must survive a restart and is neither a column nor a parameter."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over :meth:`state`."""

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.parameters().model_fields)
        return f"<{self.instance}: {type(self).__name__}({values})>"
