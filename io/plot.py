"""Plot: pictures of a run, one view alone or a dashboard of all that it has to show."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from sensorium.components.anchors import Anchors
from sensorium.engine.errors import OutputError
from sensorium.engine.naming import did_you_mean
from sensorium.io.parts import replacing
from sensorium.io.plots import carriers, energy, order, space, spectral, tokens, tracks
from sensorium.io.plots.style import styled
from sensorium.io.run import Run

__all__ = ["VIEWS", "figure", "plot"]

Draw = Callable[[Any, Run], bool]

# what can be drawn: a function that draws into axes and says whether the run has it; "3d" needs other axes
VIEWS: dict[str, tuple[Draw, str]] = {
    "energy": (energy.stores, "2d"),
    "booked": (energy.booked, "2d"),
    "residual": (energy.residual, "2d"),
    "carriers": (tracks.tracks, "2d"),
    "states": (carriers.population, "2d"),
    "gates": (carriers.gates, "2d"),
    "order": (order.coherence, "2d"),
    "phases": (order.phases, "2d"),
    "temperature": (order.temperature, "2d"),
    "coupling": (spectral.coupling, "2d"),
    "settling": (spectral.settling, "2d"),
    "spectrogram": (spectral.spectrogram, "2d"),
    "particles": (space.particles, "3d"),
    "density": (space.slices, "2d"),
    "collisions": (tokens.collisions, "2d"),
    "clusters": (tokens.clusters, "2d"),
    "trie": (tokens.trie, "2d"),
}
DASHBOARD = ("energy", "carriers", "particles", "residual", "order", "phases", "booked", "gates", "density", "states")
PANELS = 6


def plot(run: str | Path | Run, output: str | Path, *, view: str = "dashboard") -> Path:
    """Draw a run into a file; its ending says which kind (png, svg, pdf).

    Parameters
    ----------
    run
        A trajectory, complete or not.
    output
        The picture.
    view
        ``dashboard``, or one of :data:`VIEWS`.

    Raises
    ------
    OutputError
        If the run cannot be read, has nothing of this kind, or the picture cannot be written.
    """
    opened = run if isinstance(run, Run) else Run(run)
    output = Path(output)
    try:
        drawn = figure(opened, view)
        with styled(), replacing(output) as fresh:
            # no date inside: the same run gives the same picture
            drawn.savefig(fresh, metadata={"Date": None} if output.suffix == ".svg" else None)
    finally:
        if opened is not run:
            opened.close()
    return output


def figure(run: Run, view: str = "dashboard") -> Any:
    """The picture as a matplotlib figure; see :func:`plot`."""
    with styled():
        return _dashboard(run) if view == "dashboard" else _single(run, view)


def _single(run: Run, view: str) -> Any:
    from matplotlib.figure import Figure

    if view not in VIEWS:
        raise OutputError(f"no view '{view}' (there are: dashboard, {', '.join(VIEWS)})" + did_you_mean(view, VIEWS))
    drawn = Figure(figsize=(8, 5.5), layout="constrained")
    if not _draw(drawn, (1, 1, 1), view, run):
        raise OutputError(f"{run.path} has nothing to show as '{view}'")
    return drawn


def _draw(drawn: Any, place: Any, view: str, run: Run) -> bool:
    draw, kind = VIEWS[view]
    axes = drawn.add_subplot(*place, **({"projection": "3d"} if kind == "3d" else {}))
    before = set(drawn.axes)
    if draw(axes, run):
        return True
    for extra in set(drawn.axes) - before | {axes}:
        extra.remove()
    return False


def _dashboard(run: Run) -> Any:
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(15, 8.6))
    # fixed margins: matplotlib's own layouts draw everything twice
    drawn.subplots_adjust(left=0.05, right=0.96, bottom=0.07, top=0.92, wspace=0.34, hspace=0.3)
    shown = 0
    for view in DASHBOARD:
        if shown < PANELS and _draw(drawn, (2, 3, shown + 1), view, run):
            shown += 1
    if not shown:
        raise OutputError(f"{run.path} has nothing to draw yet")
    drawn.suptitle(_headline(run), fontsize=10, x=0.05, y=0.98, ha="left")
    return drawn


def _headline(run: Run) -> str:
    scenario = run.scenario
    name = str(scenario.get("name", run.path.stem))
    populations = {n: p for n, p in run.populations.items() if len(p) and n != Anchors.table}
    rows = ", ".join(f"{n} {len(p['id'][-1]):,}" for n, p in populations.items())
    told = [f"{name}: {rows}"]
    if len(run):
        told.append(f"step {run.steps[-1]:,}, t = {run.times[-1]:.4g}")
    texts = run.parameters
    told.append(f"seed {texts.get('seed', '?')}")
    with suppress(ValueError):
        told.append(f"sensorium-engine {json.loads(texts.get('versions', '{}')).get('sensorium-engine', '?')}")
    if not run.complete:
        told.append("unfinished")
    return "   |   ".join(told)
