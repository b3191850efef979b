"""Pictures: every view draws, says its units, and refuses clearly when there is nothing to show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
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


def test_tracks_tell_births_splits_deaths_and_idle_modes(tmp_path: Path) -> None:
    """Ribbons begin at the birth and end at the death, between frames; a split is tied to its parent."""
    path = tmp_path / "lives.h5"
    choir = {"phase": {"uniform": [0, 1]}, "energy": 1.0}
    carrier = {"frequency": {"values": [0.0, 40.0]}, "gate_width": 1.6, "mass": {"values": [4.0, 0.1]}}
    scenario = {
        "sensorium": 1,
        "name": "lives",
        "run": {"steps": 260, "dt": 0.02, "seed": 2},
        "populations": {
            "left": {"count": 60, "components": {"oscillator": {**choir, "frequency": -1.0}}},
            "right": {"count": 60, "components": {"oscillator": {**choir, "frequency": 1.0}}},
            "carriers": {"count": 2, "components": {"carrier": carrier}},
        },
        "systems": [
            {"idle": {"mode": [{"mode": "awake", "time": 2.0}, {"mode": "exploration", "time": 9.0}]}},
            {"carrier-coupling": {"drive": "mean", "coupling": 2.0, "noise_temperature": 0.0}},
            "metabolism",
            {"splitting": {"capacity": 3}},
        ],
    }
    sim = load(scenario)
    record(sim, path, {"trajectory": {"every": 100}, "series": {"every": 1}})
    sim.run()
    with open_run(path) as lives:
        axes = figure(lives, "carriers").axes[0]
        named = [text.get_text() for text in axes.get_legend().get_texts()]
        assert named == ["volatile", "born", "split", "died"]
        assert [text.get_text() for text in axes.texts] == ["awake", "exploration"]
        died, split = lives.events("died"), lives.events("split")
        ends = np.concatenate([ribbon.vertices for ribbon in axes.collections[0].get_paths()])
        gone = ends[ends[:, 1] > 39]
        assert gone[:, 0].max() == died["time"][0] not in lives.times
        link = axes.lines[0].get_xydata()
        np.testing.assert_allclose(link, [[split["time"][0], 0.0], [split["time"][0], split["frequency"][0]]])


def test_carriers_of_another_population_leave_no_marks(tmp_path: Path) -> None:
    """Their births would stretch the axis over frequencies at which no ribbon lies."""
    path = tmp_path / "two.h5"
    populations = {
        name: {"count": 2, "components": {"carrier": {"frequency": {"values": frequencies}}}}
        for name, frequencies in {"carriers": [-1.0, 1.0], "silent": [1000.0, 2000.0]}.items()
    }
    sim = load({"sensorium": 1, "name": "two", "run": {"steps": 4, "dt": 0.1}, "populations": populations,
                "systems": ["carrier-coupling"]})  # fmt: skip
    record(sim, path, {"trajectory": {"every": 2}})
    sim.run()
    with open_run(path) as two:
        assert len(two.events("born")["id"]) == 4
        axes = figure(two, "carriers").axes[0]
        assert axes.get_ylim()[1] < 2
        np.testing.assert_array_equal(axes.collections[1].get_offsets()[:, 1], [-1, 1])


def test_how_carriers_settle_takes_two_frames(tmp_path: Path) -> None:
    """With one frame the picture says so; with more it has a line for each carrier."""
    path = tmp_path / "settling.h5"
    scenario = {
        "sensorium": 1, "name": "settling", "run": {"steps": 4, "dt": 0.1},
        "populations": {"choir": {"count": 9, "components": {"oscillator": {"phase": 0.0}}}},
        "systems": ["carrier-coupling", "crystallization", "spawning"],
    }  # fmt: skip
    sim = load(scenario)
    record(sim, path, {"trajectory": {"every": 2}})
    sim.run()
    with open_run(path) as run:
        assert "anchors" in run.populations
        assert figure(run)._suptitle.get_text().startswith("settling: choir 9, carriers 1   |")
        several, one = (figure(shown, "settling").axes[0] for shown in (run, run[-1:]))
    assert (len(several.lines), len(several.texts)) == (1, 0)
    assert [text.get_text() for text in one.texts] == ["no carrier lives in two frames"]


def test_a_run_without_space_or_carriers(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    sim = toy(10, 5, lives=False)
    sim.add_writer(TrajectoryWriter(path))
    sim.run()
    with open_run(path) as lonely:
        assert len(figure(lonely).axes) >= 3
