"""``senso new-plugin``: a package with one system, its tests, and a scenario that runs it."""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from string import Template

import click

__all__ = ["command"]

PROJECT = Template("""\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "$name"
version = "0.1.0"
description = "A system for the Sensorium engine"
requires-python = ">=3.11"
dependencies = ["sensorium-engine"]

[project.optional-dependencies]
test = ["sensorium-engine[test]"]

[project.entry-points."sensorium.systems"]
$name = "$module"

[project.entry-points."sensorium.components"]
$name = "$module"

[project.entry-points."sensorium.scenarios"]
$name = "$module"

[tool.setuptools]
packages = ["$module"]

[tool.setuptools.package-data]
$module = ["*.yaml", "py.typed"]

[tool.pytest.ini_options]
testpaths = ["tests"]
""")

MODULE = Template('''\
"""$title: a component and a system for the Sensorium engine."""

from __future__ import annotations

from sensorium import Component, Field, System, kernel, param
from sensorium.components import Particle

__all__ = ["$system", "$component"]


class $component(Component):
    """What a particle needs to feel the field."""

    q = Field("f8", default=1.0, unit="charge", doc="strength of its coupling to the field")


@kernel
def push(i, force, q, ex, ey, ez):  # type: ignore[no-untyped-def]
    """One row; the same body runs on the CPU and on CUDA."""
    force[i, 0] += q[i] * ex
    force[i, 1] += q[i] * ey
    force[i, 2] += q[i] * ez


class $system(System):
    """Uniform field: F = q E."""

    reads = ($component.q,)
    accumulates = (Particle.force,)
    phase = "force"

    field: tuple[float, float, float] = param((0.0, 0.0, 1.0), unit="force/charge", doc="the field E")

    def step(self, dt: float) -> None:
        """Add the force of the field."""
        for population, particle, charge in self.query(Particle, $component):
            push(population, particle.force, charge.q, *self.field)
''')

SCENARIO = Template("""\
# $name: particles that fall in a uniform field.
#
# Shows     That the plugin works: every particle is accelerated by q E / m.
# Source    Newton.
# Expect    Velocities of 1 along z at the end, from rest.
# Time      2 seconds.
sensorium: 1
name: $name
description: Particles in a uniform field.
run: {steps: 100, dt: 0.01, seed: 1}
box: {edges: 1}
populations:
  ions:
    count: 1000
    components:
      particle: {position: random}
      $kebab_component: {q: 1.0}
systems:
  - motion
  - $kebab_system: {field: [0, 0, 1]}
""")

TEST = Template('''\
"""The system does what it says, and keeps the promises of the engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import sensorium as sm
from sensorium.components import Particle


def build(precision: str = "double", device: str = "cpu", count: int | None = None, seed: int = 1) -> sm.Simulation:
    components = {"particle": {"position": "random"}, "$kebab_component": {}}
    scenario: dict[str, Any] = {
        "run": {"steps": 10, "dt": 0.1, "seed": seed, "precision": precision},
        "box": {"edges": 1},
        "populations": {"ions": {"count": count or 20, "components": components}},
        "systems": ["motion", "$kebab_system"],
    }
    return sm.load(scenario, device=device)


def test_free_fall() -> None:
    sim = build()
    sim.run()
    # velocity Verlet is exact in a uniform field, up to rounding
    np.testing.assert_allclose(sim.world.population("ions")[Particle].velocity, [[0, 0, 1]] * 20, atol=1e-14)


def test_promises(assert_declared_access: Any, assert_restart_exact: Any, assert_order_independent: Any) -> None:
    assert_declared_access(build)
    assert_restart_exact(build)
    assert_order_independent(build)
''')

README = Template("""\
# $title

A plugin for the Sensorium engine: the component `$kebab_component` and the system `$kebab_system`.

    pip install --editable '.[test]'
    pytest
    senso systems $kebab_system
    senso run $name
""")


@click.command("new-plugin")
@click.argument("name")
@click.option(
    "-C", "--directory", type=click.Path(file_okay=False, path_type=Path), default=Path(), help="Where to put it."
)
def command(name: str, directory: Path) -> None:
    """Make a plugin package NAME: one system, its tests, and a scenario, ready to install and change."""
    from sensorium.engine.errors import OutputError, ScenarioError
    from sensorium.engine.naming import kebab

    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise ScenarioError(
            f"'{name}' is no name for a plugin: use small letters, digits and single hyphens, as my-field"
        )
    module = name.replace("-", "_")
    if keyword.iskeyword(module):
        raise ScenarioError(f"'{name}' is a word of Python; choose another name")
    camel = "".join(part.capitalize() for part in name.split("-"))
    words = {
        "name": name, "module": module, "title": camel, "component": f"{camel}Charge", "system": camel,
        "kebab_component": kebab(f"{camel}Charge"), "kebab_system": kebab(camel),
    }  # fmt: skip
    root = directory / name
    if root.exists():
        raise OutputError(f"{root} is there already")
    files = {
        "pyproject.toml": PROJECT,
        "README.md": README,
        f"{module}/__init__.py": MODULE,
        f"{module}/py.typed": Template(""),
        f"{module}/{name}.yaml": SCENARIO,
        f"tests/test_{module}.py": TEST,
    }
    for path, template in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(template.substitute(words), encoding="utf-8")
        click.echo(target)
    click.echo(f"\nnext: cd {root} && pip install --editable '.[test]' && pytest && senso run {name}")
