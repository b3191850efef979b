"""What runs by name: every packaged scenario is documented, valid, and found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sensorium.engine.errors import ScenarioError
from sensorium.scenarios.library import locate, packaged, text_file
from sensorium.scenarios.scenario import Scenario


@pytest.mark.parametrize("name", sorted(packaged()))
def test_every_packaged_scenario_is_valid_and_has_a_header(read: Callable[..., Scenario], name: str) -> None:
    scenario = packaged()[name]
    assert read(name).name == name
    assert scenario.summary
    header = scenario.header.lower()
    for part in ("shows", "source", "expect", "time"):
        assert part in header, f"{name}: the header does not say '{part}'"


def test_names_paths_and_suggestions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert locate("manifold").name == "manifold.yaml"
    with pytest.raises(ScenarioError, match="did you mean 'manifold'"):
        locate("manifoldd")
    # a file of the user's comes first
    Path("manifold").write_text("run: {}")
    assert locate("manifold") == Path("manifold")
    assert locate("other.yaml") == Path("other.yaml")


def test_texts_are_large_enough_and_say_where_they_come_from() -> None:
    genesis = text_file("genesis", None)
    assert genesis.stat().st_size > 50_000
    assert genesis.read_bytes().isascii()
    origin = (genesis.parent / "ORIGIN.md").read_text()
    for text in genesis.parent.glob("*.txt"):
        assert text.name in origin
        assert f"{text.stat().st_size:,}" in origin
