"""What the pages on scenarios and on the command line show is valid and complete."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sensorium.cli import COMMANDS
from sensorium.scenarios.scenario import read_scenario, registry_of

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
BLOCKS = re.findall(r"```yaml\n(sensorium: 1.*?)```", (DOCS / "scenarios.md").read_text(), re.DOTALL)


@pytest.mark.parametrize("block", range(len(BLOCKS)))
def test_scenarios_on_the_page_are_valid(block: int, tmp_path: Path) -> None:
    path = tmp_path / "page.yaml"
    path.write_text(BLOCKS[block])
    read_scenario(path, registry=registry_of())


def test_the_page_names_every_section_and_key() -> None:
    from sensorium.scenarios.schema import Document

    page = (DOCS / "scenarios.md").read_text()
    for name, info in Document.model_fields.items():
        assert f"`{name}`" in page or f"{name}:" in page, name
        for key in getattr(info.annotation, "model_fields", {}):
            assert key in page, f"{name}.{key}"


def test_every_command_is_on_the_page() -> None:
    page = (DOCS / "command-line.md").read_text()
    for name in COMMANDS:
        assert f"`senso {name}" in page, name
