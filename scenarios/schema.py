"""The top level of a scenario as pydantic models: sections, keys, types, bounds and defaults.

Components' fields and systems' parameters are open mappings here; they are checked against the registry, so that
plugins have the same strictness (:mod:`~sensorium.scenarios.compile`).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

__all__ = [
    "BoxSection",
    "CheckpointSection",
    "ConstantsSection",
    "Document",
    "OutputSection",
    "PopulationSection",
    "RunSection",
    "SeriesSection",
    "TextSource",
    "TokenizerSection",
    "TrajectorySection",
    "Trigger",
]

NAME = "[A-Za-z][A-Za-z0-9_-]*"
Name = Annotated[str, StringConstraints(pattern=f"^{NAME}$", max_length=64)]

MAX_ROWS = 1_000_000_000
MAX_STEPS = 10**15


def _triple(value: Any) -> Any:
    """One number stands for three equal ones."""
    if isinstance(value, list):
        return tuple(value)
    return (value,) * 3 if isinstance(value, int | float) and not isinstance(value, bool) else value


def _listed(value: Any) -> Any:
    """One value stands for a list of one."""
    return value if isinstance(value, list) else [value]


Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1, le=4096)]
Edges = Annotated[tuple[Positive, Positive, Positive], BeforeValidator(_triple)]
Cells = Annotated[tuple[Count, Count, Count], BeforeValidator(_triple)]


class Section(BaseModel):
    """Base of all sections: unknown keys, NaN and infinity are refused, text is never taken for a number."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, strict=True, frozen=True, populate_by_name=True)


class RunSection(Section):
    """How long, how finely, and with which random numbers."""

    steps: int = Field(default=1000, ge=0, le=MAX_STEPS, description="length of the run in steps")
    dt: float = Field(default=0.01, gt=0, description="time step")
    seed: int = Field(default=0, ge=0, lt=2**63, description="key of every random number")
    precision: Literal["double", "single"] = Field(default="double", description="working real of columns and kernels")


class BoxSection(Section):
    """The periodic box, with its origin at 0, and the grid that fields live on."""

    edges: Edges = Field(default=(1.0, 1.0, 1.0), description="edge lengths; one number for a cube")
    grid: Cells = Field(default=(32, 32, 32), description="cells along each edge; one number for all")


class ConstantsSection(Section):
    """Physical constants; what is not given follows from ``units``."""

    gravitational: float | None = Field(default=None, ge=0)
    boltzmann: float | None = Field(default=None, gt=0)
    planck_reduced: float | None = Field(default=None, gt=0)
    specific_heat: float | None = Field(default=None, gt=0)


class TokenizerSection(Section):
    """The Universal Tokenizer (paper, equation 15): id = h(byte, index) mod vocabulary, and id gives the frequency."""

    vocabulary: int | None = Field(
        default=None, ge=1, le=2**48, description="number N of ids; default 4096, for lattice as many as the text needs"
    )
    hash: Literal["mix", "author_linear", "lattice"] = Field(
        default="mix",
        description="64-bit mixing hash; 31 byte + index; or 256 index + byte, which keeps bytes in order",
    )
    bytes: int | None = Field(default=None, ge=1, le=MAX_ROWS, description="how many bytes to take; default all")
    offset: int = Field(default=0, ge=0, description="first byte to take")
    band: tuple[float, float] = Field(default=(0.5, 4.5), description="frequencies of the first and last id, rad/time")
    guard: int = Field(default=0, ge=0, le=2**20, description="lattice: unused ids between two indices")
    phase: Literal["hash", "zero"] = Field(default="hash", description="start phases from a second hash, or all 0")


class TextSource(Section):
    """A population read from a text: one row for each byte."""

    text: str = Field(min_length=1, description="file, relative to the scenario, or the name of a shipped text")
    space: Literal["path", "random", "none"] = Field(
        default="path",
        description="positions: along a path through the box in reading order, random, or no Particle at all",
    )
    tokenizer: TokenizerSection = TokenizerSection()


class PopulationSection(Section):
    """A table of entities with the same components."""

    count: int | None = Field(default=None, ge=0, le=MAX_ROWS, description="number of rows")
    capacity: int = Field(default=0, ge=0, le=MAX_ROWS, description="rows to make room for; it grows by itself")
    components: dict[str, Any] = Field(default={}, description="components, and the initial values of their fields")
    from_: TextSource | None = Field(default=None, alias="from", description="rows made from data")
    probe: dict[str, Any] | None = Field(
        default=None, description="marks the rows as probes: short for components.probe"
    )
    clamp: dict[str, Any] | None = Field(default=None, description="short for components.clamp")


class Trigger(Section):
    """When a writer writes: every so many steps, at given steps, after so many seconds, and combinations."""

    every: int | None = Field(default=None, ge=1, le=MAX_STEPS, description="every so many steps, step 0 included")
    at: Annotated[list[Annotated[int, Field(ge=0)]], BeforeValidator(_listed)] | None = Field(
        default=None, description="at these steps"
    )
    wall_time: float | None = Field(
        default=None, gt=0, description="when so many seconds have passed since the last time"
    )
    any: list[Trigger] | None = Field(default=None, min_length=1, description="when one of these says so")
    all: list[Trigger] | None = Field(default=None, min_length=1, description="when all of these say so")


class TrajectorySection(Trigger):
    """Frames of columns and fields."""

    populations: list[str] | None = Field(default=None, description="which populations; default all")
    columns: list[str] | None = Field(
        default=None, description="which columns, by field name; default those with a meaning"
    )
    fields: list[str] = Field(default=[], description="grid fields: density, temperature, potential ...")
    precision: Literal["single", "double"] | None = Field(
        default=None, description="stored precision of columns; default that of the run"
    )
    quantize: float | None = Field(
        default=None, gt=0, description="store positions to this absolute precision, smaller files"
    )


class SeriesSection(Trigger):
    """Scalars at high cadence: the energy ledger and what systems observe."""

    names: list[str] | None = Field(default=None, description="which series; default all")


class CheckpointSection(Trigger):
    """Full state, for an exact restart."""

    keep: int = Field(default=2, ge=1, le=1000, description="generations to keep")


class OutputSection(Section):
    """What a run writes."""

    trajectory: TrajectorySection | None = None
    series: SeriesSection | None = None
    checkpoint: CheckpointSection | None = None
    segments: Literal["merge", "keep"] = Field(
        default="merge", description="one file at the end, or the segments beside it"
    )
    writers: list[Any] = Field(default=[], description="further writers by name, each with its parameters")


class Document(Section):
    """A whole scenario."""

    sensorium: Literal[1] = Field(default=1, description="version of the scenario language")
    name: Name | None = Field(default=None, description="default: the name of the file")
    extends: str | None = Field(default=None, description="file or packaged scenario that this one changes")
    description: str = ""
    run: RunSection = RunSection()
    box: BoxSection | None = None
    units: Literal["natural", "si"] = Field(default="natural", description="natural: G = k_B = hbar = c_v = 1")
    constants: ConstantsSection = ConstantsSection()
    populations: dict[Name, PopulationSection] = {}
    systems: list[Any] = []
    output: OutputSection = OutputSection()
    sweep: dict[str, Any] = {}
