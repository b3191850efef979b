"""Pictures: every view draws, says its units, and refuses clearly when there is nothing to show."""

from __future__ import annotations

from pathlib import Path

import pytest
from toy_run import OUTPUT, toy

from sensorium.engine.errors import OutputError
from sensorium.io.h5md import TrajectoryWriter
from sensorium.io.output import record
from sensorium.io.plot import VIEWS, figure, plot
from sensorium.io.plots.style import label
from sensorium.io.run import Run
from sensorium.io.run import open as open_run
from sensorium.scenarios.loader import load

pytest.importorskip("matplotlib")

TOKENS = {"collisions", "clusters", "trie"}
ABSENT = {"booked", "states", "temperature", "spectrogram", *TOKENS}  # the toy run has none of these


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    path = tmp_path_factory.mktemp("plot") / "run.h5"
    sim = toy(60, 30)
    record(sim, path, OUTPUT)
    sim.run()
    return open_run(path)


@pytest.mark.parametrize("view", sorted(set(VIEWS) - ABSENT))
def test_views(run: Run, view: str) -> None:
    drawn = figure(run, view)
    axes = drawn.axes[0]
    assert axes.get_title(loc="left"), "a picture says what it shows"
    assert axes.get_xlabel()
    assert axes.get_ylabel()


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Run:
    path = tmp_path_factory.mktemp("text") / "run.h5"
    sim = load("manifold", {"run.steps": 4, "populations.text.from.tokenizer": {"vocabulary": 64, "bytes": 500}})
    record(sim, path, {"trajectory": {"every": 2}})
    sim.run()
    return open_run(path)


@pytest.mark.parametrize("view", sorted(TOKENS))
def test_views_of_a_text(text: Run, view: str) -> None:
    axes = figure(text, view).axes[0]
    assert axes.get_xlabel()
    assert axes.get_ylabel()
    assert axes.get_title(loc="left")


def test_every_particle_of_a_text_counts_in_its_token(text: Run) -> None:
    axes = figure(text, "collisions").axes[0]
    counts, held = axes.collections[0].get_offsets().T
    assert counts.sum() == 500
    assert len(counts) <= 64
    assert held.sum() == pytest.approx(float(text["text"].energy[-1].sum() + text["text"].heat[-1].sum()))


@pytest.mark.parametrize("view", sorted(ABSENT))
def test_absent_views_are_refused(run: Run, view: str) -> None:
    with pytest.raises(OutputError, match="nothing to show"):
        figure(run, view)


def test_unknown_view(run: Run) -> None:
    with pytest.raises(OutputError, match="did you mean 'carriers'"):
        figure(run, "carrier")


def test_dashboard(run: Run, tmp_path: Path) -> None:
    assert plot(run, tmp_path / "picture.png").stat().st_size > 50_000


@pytest.mark.parametrize("ending", ["svg", "pdf"])
def test_kinds_of_files(run: Run, tmp_path: Path, ending: str) -> None:
    assert plot(run, tmp_path / f"picture.{ending}", view="order").stat().st_size > 5_000


def test_the_same_run_gives_the_same_picture(run: Run, tmp_path: Path) -> None:
    a, b = (plot(run, tmp_path / name, view="carriers").read_bytes() for name in ("a.svg", "b.svg"))
    assert a == b


def test_unwritable(run: Run, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot write"):
        plot(run, tmp_path / "missing" / "picture.png", view="order")
    with pytest.raises(OutputError, match="cannot write"):
        plot(run, tmp_path / "picture.xyz", view="order")


def test_units(run: Run) -> None:
    assert label(run, "time", "time") == "time (natural units)"
    assert label(run, "phase", "rad") == "phase (rad)"
    assert label(run, "order parameter", "1") == "order parameter"


def test_a_run_without_space_or_carriers(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    sim = toy(10, 5, lives=False)
    sim.add_writer(TrajectoryWriter(path))
    sim.run()
    with open_run(path) as lonely:
        assert len(figure(lonely).axes) >= 3
