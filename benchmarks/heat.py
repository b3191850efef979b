"""Heat on a grid of 128^3: one step in an even medium, in Fourier space and explicitly, single precision.

The spectral peers are the same step written with pyFFTW (plans measured) and with ducc0: transform, decay, back. The
explicit peer is the seven-point step that Devito generates and compiles. Ours are the solvers of the `thermal` system,
told like their peers that the medium is even; finding that out, and uneven media, are timed beside them.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import ducc0
import numpy as np

from benchmarks.harness import RESULTS, Row, Timing, interleaved, report, wait_until_idle
from sensorium.engine.device import Device
from sensorium.engine.grid import Box
from sensorium.engine.kernel_threads import set_threads
from sensorium.engine.mesh import Mesh
from sensorium.engine.mesh_heat import HeatFaces, HeatKernel

CELLS, ALPHA, DT = 128, 0.1, 1e-5
DEVITO_STEPS = 10


def ours(solver: Any, *, even: bool = True, told: bool = False) -> Callable[[], None]:
    """One change of a field by a solver of ours."""
    mesh = Mesh(Box((1.0, 1.0, 1.0), (CELLS,) * 3), Device("cpu", "single"))
    random = np.random.default_rng(0)
    density = np.ones(mesh.box.cells, np.float32) if even else random.random(mesh.box.cells, np.float32) + 1
    energy, out = random.random(mesh.box.cells, np.float32), mesh.grid()
    solve = solver(mesh, ALPHA)
    if told:
        return lambda: solve.change_even(energy, 1.0, DT, out)
    return lambda: solve.change(energy, density, DT, out)


def decay() -> np.ndarray:
    """exp(-alpha k^2 dt) of every wave."""
    full, half = 2 * np.pi * np.fft.fftfreq(CELLS, 1 / CELLS), 2 * np.pi * np.fft.rfftfreq(CELLS, 1 / CELLS)
    square = full[:, None, None] ** 2 + full[:, None] ** 2 + half**2
    return np.exp(-ALPHA * DT * square).astype(np.float32)


def with_ducc0() -> Callable[[], Any]:
    """Transform, table, back."""
    field, table = np.random.default_rng(0).random((CELLS,) * 3, np.float32), decay()
    spectrum, out = np.empty(table.shape, np.complex64), np.empty_like(field)

    def run() -> None:
        ducc0.fft.r2c(field, out=spectrum, nthreads=1)
        np.multiply(spectrum, table, out=spectrum)
        ducc0.fft.c2r(spectrum, out=out, lastsize=CELLS, forward=False, inorm=2, allow_overwriting_input=True)

    return run


def with_pyfftw() -> Callable[[], Any] | None:
    """The same with measured FFTW plans."""
    if importlib.util.find_spec("pyfftw") is None:
        return None
    import pyfftw

    table = decay()
    field, spectrum = pyfftw.empty_aligned((CELLS,) * 3, "float32"), pyfftw.empty_aligned(table.shape, "complex64")
    forward = pyfftw.FFTW(field, spectrum, axes=(0, 1, 2), flags=("FFTW_MEASURE",))
    flags = ("FFTW_MEASURE", "FFTW_DESTROY_INPUT")
    backward = pyfftw.FFTW(spectrum, field, axes=(0, 1, 2), direction="FFTW_BACKWARD", flags=flags)
    field[:] = np.random.default_rng(0).random((CELLS,) * 3, np.float32)

    def run() -> None:
        forward()
        np.multiply(spectrum, table, out=spectrum)
        backward(normalise_idft=True)

    return run


def with_devito() -> Callable[[], Any] | None:
    """`DEVITO_STEPS` explicit steps in one call of the generated operator."""
    if importlib.util.find_spec("devito") is None:
        return None
    try:
        from devito import Eq, Grid, Operator, TimeFunction, configuration
    except (ImportError, TypeError) as problem:
        print(f"devito is installed but does not load: {problem}")
        return None
    configuration["log-level"] = "ERROR"
    field = TimeFunction(name="u", grid=Grid(shape=(CELLS,) * 3, dtype=np.float32), space_order=2)
    field.data[:] = np.random.default_rng(0).random((CELLS,) * 3, np.float32)
    operator = Operator([Eq(field.forward, field + ALPHA * DT * field.laplace)])
    return lambda: operator.apply(time_M=DEVITO_STEPS - 1, dt=DT)


def draw(times: dict[str, float]) -> None:
    """The figure: one bar per side."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axis = pyplot.subplots(figsize=(7, 2.8), layout="constrained")
    axis.barh(list(times)[::-1], list(times.values())[::-1])
    axis.set(xlabel="ns per cell and step", title="Heat on 128³, one thread, single precision")
    figure.savefig(RESULTS / "heat.png", dpi=120)


def main() -> None:
    """Print the rows."""
    wait_until_idle()
    set_threads(1)
    cells = CELLS**3
    spectral = {"ours": ours(HeatKernel, told=True), "ducc0": with_ducc0()} | {
        name: side for name, side in {"pyFFTW 0.15": with_pyfftw()}.items() if side
    }
    explicit: dict[str, Any] = {"ours": ours(HeatFaces, told=True)}
    if peer := with_devito():
        explicit["Devito 4.8"] = peer
    others = {
        "spectral, even, found out": ours(HeatKernel),
        "explicit, even, found out": ours(HeatFaces),
        "spectral, uneven": ours(HeatKernel, even=False),
        "explicit, uneven": ours(HeatFaces, even=False),
    }
    rows, times = [], {}

    def nanoseconds(timing: Timing, calls: int = 1) -> float:
        return 1e9 * timing.wall / cells / calls

    timings = interleaved(spectral, repeats=7)
    times["spectral, ours"] = mine = nanoseconds(timings["ours"])
    for name in list(spectral)[1:]:
        times[f"spectral, {name}"] = theirs = nanoseconds(timings[name])
        rows.append(Row("heat, spectral, 128^3", name, mine, theirs, "ns/cell", theirs / mine, 0.9, 1.2))
    timings = interleaved(explicit, repeats=9)
    times["explicit, ours"] = mine = nanoseconds(timings["ours"])
    for name in list(explicit)[1:]:
        times[f"explicit, {name}"] = theirs = nanoseconds(timings[name], DEVITO_STEPS)
        rows.append(Row("heat, explicit, 128^3", name, mine, theirs, "ns/cell", theirs / mine, 1.0, 2.0))
    for name, timing in interleaved(others, repeats=5).items():
        times[f"{name}, ours"] = nanoseconds(timing)
    draw(times)
    report("heat", rows, ns_per_cell=times)


if __name__ == "__main__":
    main()
