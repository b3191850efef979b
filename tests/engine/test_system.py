"""Parameters: checked, bounded, and refused with name, value and bound."""

from __future__ import annotations

from typing import Literal

import pytest

from sensorium import Component, Field, ScenarioError, System, param


class UniformField(System):
    """A field."""

    strength: float = param(1.0, gt=0, unit="V/m", doc="how strong")
    direction: tuple[float, float, float] = param((0, 0, 1))
    solver: Literal["fft", "jacobi"] = param("fft")

    def step(self, dt: float) -> None:
        """Nothing."""


class Named(UniformField):
    name = "another-name"
    extra: int | None = param(None, ge=1)


def test_names() -> None:
    assert UniformField.name == "uniform-field"
    assert Named.name == "another-name"
    assert UniformField(instance="second").instance == "second"


def test_defaults_and_conversion() -> None:
    made = UniformField(strength=2)
    assert (made.strength, made.direction, made.solver) == (2.0, (0.0, 0.0, 1.0), "fft")
    assert isinstance(made.strength, float)


def test_parameters_are_inherited() -> None:
    assert list(Named.parameters().model_fields) == ["strength", "direction", "solver", "extra"]
    assert list(UniformField.parameters().model_fields) == ["strength", "direction", "solver"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"strength": -1}, r"uniform-field: strength = -1: .*greater than 0"),
        ({"strength": float("nan")}, "strength"),
        ({"strenght": 1}, "unknown parameter 'strenght'; did you mean 'strength'"),
        ({"solver": "ftf"}, "solver = 'ftf'.*'fft'"),
        ({"direction": [1, 2]}, r"direction\.2: .*required"),
    ],
)
def test_bad_parameters_are_refused(given: dict[str, object], message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        UniformField(**given)


def test_all_complaints_come_at_once() -> None:
    with pytest.raises(ScenarioError) as error:
        Named(strength=0, solver="x", extra=0)
    assert len(str(error.value).splitlines()) == 3


def test_a_parameter_without_a_type_is_an_error_of_the_author() -> None:
    class Careless(System):
        strength = param(1.0)

    with pytest.raises(TypeError, match=r"Careless\.strength: a parameter needs a type"):
        Careless()


def test_a_system_without_step_says_so() -> None:
    class Empty(System):
        pass

    with pytest.raises(TypeError, match="Empty has no method step"):
        Empty().process(0.1)


def test_component_fields_know_their_names() -> None:
    class Charge(Component):
        """Electric charge."""

        q = Field("f8", default=0.5, unit="C")

    assert repr(Charge.q) == "Charge.q"
    assert Charge.q.path == "charge.q"
    with pytest.raises(TypeError, match="dtype 'f7'"):
        Field("f7")
    with pytest.raises(TypeError, match="more than one axis"):
        Field(shape=(2, 2))
