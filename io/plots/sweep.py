"""Sweep: where the runs of a sweep ended, against what was varied."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sensorium.engine.errors import OutputError
from sensorium.engine.naming import did_you_mean
from sensorium.io.parts import replacing
from sensorium.io.plots.style import COLOURS, MAP, styled, unit_label
from sensorium.io.series import series_unit

__all__ = ["draw_sweep"]

MOST_PANELS = 6
MOST_CURVES = 6
LOG_RATIO = 30.0  # values that span more than this are shown on a logarithmic axis
ROUNDING = 1e-9  # conserved values that differ by less are equal
SEED = "run.seed"
MARKERS = "os^Dvp"
LINES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)))
# sums that the engine books or checks: shown only where they are asked for, or where there is nothing else
ACCOUNTS = ("energy/booked", "energy/residual", "momentum/")


def draw_sweep(
    rows: Sequence[Mapping[str, Any]],
    varied: Mapping[str, str],
    output: str | Path,
    *,
    title: str = "",
    observables: Sequence[str] = (),
    si: bool = False,
) -> Path:
    """Draw the last values of series against the parameters that vary.

    The number that takes most values is the x axis; a second one is told apart by colour, marker and line, or makes a
    map when it takes many values. Seeds, and parameters beyond these, are the spread of the dots; lines join means.

    Parameters
    ----------
    rows
        Complete members: values of the parameters and of the series, by name.
    varied
        The parameters, and the unit of each.
    output
        The picture; its ending says which kind.
    title
        Headline.
    observables
        The series to draw; chosen by what varies unless given.
    si
        Whether units are SI.

    Raises
    ------
    OutputError
        If there is nothing to draw, no such series, or the picture cannot be written.
    """
    from matplotlib.figure import Figure

    output = Path(output)
    names = list(observables) or _chosen(rows, varied)
    known = dict.fromkeys(name for row in rows for name in row if name not in varied)
    for name in names:
        if name not in known:
            raise OutputError(f"the runs have no series '{name}'{did_you_mean(name, known)}")
    if not rows or not names:
        raise OutputError("the sweep has no complete run to draw")
    across, second, spread = _roles(rows, varied)
    mapped = second is not None and len(_values(rows, second)) > MOST_CURVES
    columns = 2 if len(names) == 4 else min(3, len(names))
    lines = math.ceil(len(names) / columns)
    with styled():
        drawn = Figure(figsize=(0.9 + 4.4 * columns, 0.7 + 3.5 * lines), layout="constrained")
        for place, name in enumerate(names, 1):
            axes = drawn.add_subplot(lines, columns, place)
            axes.set_title(name)
            shown = unit_label(name, series_unit(name), si=si)
            if second is not None and mapped:
                _map(axes, rows, (across, second), name, shown)
                axes.set_ylabel(unit_label(second, varied[second], si=si))
            else:
                _curves(axes, rows, (across, second), name)
                axes.set_ylabel(shown)
            axes.set_xlabel(unit_label(across, varied[across], si=si))
        if second is not None and not mapped:
            handles, labels = drawn.axes[0].get_legend_handles_labels()
            named = unit_label(second, varied[second], si=si)
            drawn.legend(handles, labels, title=named, loc="outside lower center", ncols=len(handles))
        over = ", ".join(spread)
        told = [title, (f"means over {over}" if mapped else f"dots: {over}; lines: means") if spread else ""]
        drawn.suptitle("   |   ".join(text for text in told if text), fontsize=10, x=0.01, ha="left")
        with replacing(output) as fresh:
            drawn.savefig(fresh, metadata={"Date": None} if output.suffix == ".svg" else None)
    return output


def _chosen(rows: Sequence[Mapping[str, Any]], varied: Mapping[str, str]) -> list[str]:
    """The series that differ between members; accounts only when nothing else does."""
    names = list(dict.fromkeys(name for row in rows for name in row if name not in varied))
    differing = [name for name in names if _differ([_number(row.get(name)) for row in rows])]
    telling = [name for name in differing if not name.startswith(ACCOUNTS)]
    return (telling or differing or names)[:MOST_PANELS]


def _differ(values: list[float]) -> bool:
    """Whether values differ by more than rounding."""
    finite = [value for value in values if math.isfinite(value)]
    return bool(finite) and max(finite) - min(finite) > ROUNDING * max(map(abs, finite))


def _roles(rows: Sequence[Mapping[str, Any]], varied: Mapping[str, str]) -> tuple[str, str | None, list[str]]:
    """Parameters for the x axis and for colour, and those that are left."""
    counts = {path: len(_values(rows, path)) for path in varied}
    telling = [path for path in varied if path != SEED and counts[path] > 1] or [next(iter(varied))]
    numbers = [path for path in telling if _numeric(_values(rows, path))]
    across = max(numbers or telling, key=lambda path: counts[path])
    others = sorted((path for path in telling if path != across), key=lambda path: -counts[path])
    second = others[0] if others else None
    return across, second, [path for path in varied if path not in (across, second) and counts[path] > 1]


def _values(rows: Sequence[Mapping[str, Any]], path: str) -> list[Any]:
    """The different values of a parameter: numbers in order, anything else as it comes."""
    found = list({_key(row[path]): row[path] for row in rows}.values())
    return sorted(found) if _numeric(found) else found


def _key(value: Any) -> str:
    return repr(value)


def _numeric(values: Sequence[Any]) -> bool:
    return all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)


def _positions(rows: Sequence[Mapping[str, Any]], path: str, axis: Any) -> dict[str, float]:
    """Where each value of a parameter lies on `axis`, which is scaled and ticked for them."""
    values = _values(rows, path)
    if not _numeric(values):
        axis.set_ticks(range(len(values)), [str(value) for value in values])
        return {_key(value): float(k) for k, value in enumerate(values)}
    if values[0] > 0 and values[-1] / values[0] > LOG_RATIO:
        axis._set_axes_scale("log")
    elif all(isinstance(value, int) for value in values):
        axis.get_major_locator().set_params(integer=True)
    return {_key(value): float(value) for value in values}


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def _curves(axes: Any, rows: Sequence[Mapping[str, Any]], paths: tuple[str, str | None], name: str) -> None:
    across, second = paths
    place = _positions(rows, across, axes.xaxis)
    joined = _numeric(_values(rows, across))
    kinds = [None] if second is None else _values(rows, second)
    for kind, colour, marker, line in zip(kinds, COLOURS, MARKERS, LINES):
        own = [row for row in rows if second is None or _key(row[second]) == _key(kind)]
        x = np.array([place[_key(row[across])] for row in own])
        y = np.array([_number(row.get(name)) for row in own])
        there = np.unique(x)
        means = [np.nanmean(y[x == at]) if np.isfinite(y[x == at]).any() else math.nan for at in there]
        repeated = len(there) < len(x)
        shown = {"color": colour, "linestyle": line if joined else "none", "marker": marker, "label": str(kind)}
        axes.plot(there, means, markersize=5, **shown)
        if repeated:
            axes.plot(x, y, linestyle="none", marker=marker, color=colour, alpha=0.35, markersize=3, zorder=1)


def _map(axes: Any, rows: Sequence[Mapping[str, Any]], paths: tuple[str, str | None], name: str, shown: str) -> None:
    across, second = paths
    assert second is not None
    first, other = _positions(rows, across, axes.xaxis), _positions(rows, second, axes.yaxis)
    sums, counts = np.zeros((len(other), len(first))), np.zeros((len(other), len(first)))
    index = [{key: k for k, key in enumerate(places)} for places in (first, other)]
    for row in rows:
        value, at = _number(row.get(name)), (index[1][_key(row[second])], index[0][_key(row[across])])
        if math.isfinite(value):
            sums[at] += value
            counts[at] += 1
    means = np.divide(sums, counts, out=np.full_like(sums, math.nan), where=counts > 0)
    mesh = axes.pcolormesh(_borders(first, axes.xaxis), _borders(other, axes.yaxis), means, cmap=MAP)
    axes.grid(visible=False)
    axes.figure.colorbar(mesh, ax=axes, label=shown)


def _borders(places: Mapping[str, float], axis: Any) -> Any:
    """Borders of cells around the places, halfway between them on the scale of the axis."""
    log = axis.get_scale() == "log"
    at = np.array(list(places.values()))
    at = np.log(at) if log else at
    half = np.diff(at) / 2 if len(at) > 1 else np.full(1, 0.5)
    borders = np.concatenate([at[:1] - half[0], at + np.append(half, half[-1])])
    return np.exp(borders) if log else borders
