"""Movie: a view of the run, frame by frame, as MP4 or GIF."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from sensorium.engine.errors import OutputError
from sensorium.engine.naming import did_you_mean
from sensorium.io.parts import replacing
from sensorium.io.plot import VIEWS
from sensorium.io.plots.style import styled
from sensorium.io.run import Run

__all__ = ["MOVING", "movie"]

MOVING = ("particles", "phases", "gates", "density")  # views of one frame; the others show the whole run at once
MOST_FRAMES = 300


def movie(
    run: str | Path | Run, output: str | Path, *, view: str = "particles", rate: int = 20, frames: int = MOST_FRAMES
) -> Path:
    """Draw `view` for the frames of a run.

    Parameters
    ----------
    run
        A trajectory, complete or not, or a part of one.
    output
        ``.mp4`` (needs ffmpeg, or the package imageio-ffmpeg) or ``.gif``.
    view
        One of :data:`MOVING`.
    rate
        Pictures per second.
    frames
        At most so many frames, spread over the run.

    Raises
    ------
    OutputError
        If the run has nothing of this kind, the file cannot be written, or there is no program that makes MP4.
    """
    output = Path(output)
    if view not in MOVING:
        raise OutputError(f"no moving view '{view}' (there are: {', '.join(MOVING)})" + did_you_mean(view, MOVING))
    opened = run if isinstance(run, Run) else Run(run)
    try:
        with styled(), replacing(output) as fresh:
            writer = _writer(output, rate)
            _draw(opened, view, fresh, writer, frames)
    finally:
        if opened is not run:
            opened.close()
    return output


def _writer(output: Path, rate: int) -> Any:
    from matplotlib import animation, rcParams

    kind = output.suffix.lower()
    if kind == ".gif":
        return animation.PillowWriter(fps=rate)
    if kind != ".mp4":
        raise OutputError(f"{output}: a movie ends in .mp4 or .gif")
    program = shutil.which("ffmpeg") or _packaged_ffmpeg()
    if program is None:
        raise OutputError("MP4 needs ffmpeg, which was not found (pip install imageio-ffmpeg); a .gif needs nothing")
    rcParams["animation.ffmpeg_path"] = program
    return animation.FFMpegWriter(
        fps=rate, extra_args=["-pix_fmt", "yuv420p", "-vf", "crop=trunc(iw/2)*2:trunc(ih/2)*2"]
    )


def _packaged_ffmpeg() -> str | None:
    try:
        from imageio_ffmpeg import get_ffmpeg_exe
    except ImportError:
        return None
    return str(get_ffmpeg_exe())


def _frames(run: Run, most: int) -> Iterator[Run]:
    """The run up to each chosen frame: its last frame is the one that a view draws."""
    for k in np.unique(np.linspace(0, len(run) - 1, min(most, len(run))).round().astype(int)):
        yield run[: int(k) + 1]


def _draw(run: Run, view: str, path: Path, writer: Any, most: int) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    draw, kind = VIEWS[view]
    drawn = Figure(figsize=(7, 5.6), dpi=100)
    FigureCanvasAgg(drawn)
    shown = 0
    with writer.saving(drawn, str(path), dpi=100):
        for part in _frames(run, most):
            drawn.clear()
            axes = drawn.add_subplot(projection="3d" if kind == "3d" else None)
            if draw(axes, part):
                writer.grab_frame()
                shown += 1
    if not shown:
        raise OutputError(f"{run.path} has nothing to show as '{view}'")
