"""Scenarios for tests: written into a file, loaded, or expected to fail."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sensorium.engine.plugins import Registry
from sensorium.scenarios.problems import InvalidScenario
from sensorium.scenarios.scenario import Scenario, read_scenario, registry_of

Write = Callable[[str], Path]
Mistakes = Callable[..., list[str]]


@pytest.fixture(scope="session")
def registry() -> Registry:
    """Everything built in; read once."""
    return registry_of()


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a scenario file."""

    def into(text: str, name: str = "s.yaml") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return into


@pytest.fixture
def read(registry: Registry) -> Callable[..., Scenario]:
    """Read a scenario from a file, name or mapping."""

    def reader(source: Any, overrides: dict[str, Any] | None = None, **more: Any) -> Scenario:
        return read_scenario(source, overrides, registry=registry, **more)

    return reader


@pytest.fixture
def mistakes(write: Write, registry: Registry) -> Mistakes:
    """The mistakes of a scenario text, one line each, without the folder."""

    def found(text: str, overrides: dict[str, Any] | None = None) -> list[str]:
        path = write(text)
        with pytest.raises(InvalidScenario) as caught:
            read_scenario(path, overrides, registry=registry)
        return str(caught.value).replace(f"{path.parent}/", "").splitlines()

    return found
