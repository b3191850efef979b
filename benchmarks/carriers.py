"""Carrier sums for 1e5 oscillators against numpy with T stored: four GEMV, two each way; and against torch, if there.

M 64 is dense; above, the window of a carrier holds about as many carriers. Both sides keep T while frequencies and
widths stay; ours also makes it again (`fresh`) and takes whole steps (`step`: two sums, phases, carriers, noise).
torch does the same four products with a stored T, and makes T again at each call (`torch fresh`).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: one thread on both sides

import numpy as np

from benchmarks.harness import Row, interleaved, report, wait_until_idle
from sensorium import Simulation, World
from sensorium.components import Carrier, Oscillator
from sensorium.engine.device import Device
from sensorium.engine.kernel_threads import set_threads
from sensorium.systems.carrier_coupling import CarrierCoupling
from sensorium.systems.spectral.spectrum import Spectrum

OSCILLATORS = 100_000
WINDOW = 3.5  # gate width in spacings of carriers, M > 64
MUST = {64: (("kept", 2.5, 3.2), ("fresh", 1.8, 2.2)), 1024: (("kept", 20.0, 37.0),)}


def world_of(carriers: int, precision: Any) -> Simulation:
    """Frequencies uniform in [0, 1)."""
    world = World(seed=1, device=Device("cpu", precision))
    rng = np.random.default_rng(carriers)
    oscillator = world.create("oscillators", [Oscillator], OSCILLATORS)[Oscillator]
    oscillator.frequency, oscillator.phase = rng.random(OSCILLATORS), rng.uniform(0, 6.28, OSCILLATORS)
    oscillator.energy = rng.random(OSCILLATORS)
    carrier = world.create("carriers", [Carrier], carriers)[Carrier]
    carrier.frequency = rng.random(carriers)
    carrier.gate_width = 1.0 if carriers <= 64 else WINDOW / carriers
    carrier.amplitude = rng.normal(size=(carriers, 2))
    return Simulation(world, [CarrierCoupling()], dt=0.02)


def sums(sim: Simulation, *, fresh: bool = False) -> Callable[[], None]:
    """Both sums, with T kept or made again."""
    spectrum = Spectrum.of(sim.world)
    spectrum.take()
    device = sim.world.device
    field, drive = device.empty((2, spectrum.sums.padded)), device.empty((2, spectrum.sums.lines))

    def run() -> None:
        if fresh:
            spectrum.sums.forget()
        spectrum.sums.couple(spectrum.z, spectrum.c, field, drive)

    return run


def gemv(carriers: int, precision: Any) -> Callable[[], Any]:
    """The same sums by numpy, T contiguous for each."""
    rng = np.random.default_rng(0)
    real = Device("cpu", precision).real
    down = rng.random((carriers, OSCILLATORS)).astype(real)
    up = np.ascontiguousarray(down.T)
    z, c = rng.random((2, OSCILLATORS)).astype(real), rng.random((2, carriers)).astype(real)
    return lambda: (down @ z[0], down @ z[1], up @ c[0], up @ c[1])


def torch_sides(carriers: int, precision: Any) -> dict[str, Callable[[], Any]]:
    """The same sums by torch, with T stored and made again; nothing without torch."""
    try:
        import torch
    except ImportError:
        return {}
    torch.set_num_threads(1)
    real = torch.float32 if precision == "single" else torch.float64
    omega, centre = torch.rand(OSCILLATORS, dtype=real), torch.rand(carriers, dtype=real)
    z, c = torch.rand(2, OSCILLATORS, dtype=real), torch.rand(2, carriers, dtype=real)
    down = torch.rand(carriers, OSCILLATORS, dtype=real)
    up = down.T.contiguous()

    def stored() -> Any:
        return down @ z[0], down @ z[1], up @ c[0], up @ c[1]

    def fresh() -> Any:
        tuning = (omega - centre[:, None]).square_().neg_().exp_()
        return tuning @ z[0], tuning @ z[1], c[0] @ tuning, c[1] @ tuning

    return {"torch": stored, "torch fresh": fresh}


def main() -> None:
    set_threads(1)
    wait_until_idle()
    rows, details = [], {}
    per = 1e9 / OSCILLATORS
    for precision in ("single", "double"):
        kept: dict[int, float] = {}
        for carriers in (64, 256, 1024, 4096):
            sim = world_of(carriers, precision)
            sides: dict[str, Callable[[], Any]] = {"kept": sums(sim), "fresh": sums(sim, fresh=True), "step": sim.step}
            if carriers in MUST and (carriers == 64 or precision == "single"):
                sides["numpy"] = gemv(carriers, precision)
                sides |= torch_sides(carriers, precision)
            taken = {name: timing.wall * per for name, timing in interleaved(sides, repeats=9, calls=2).items()}
            kept[carriers] = taken["kept"]
            details[f"{precision} {carriers}"] = taken
            print(f"{precision}, M {carriers}: " + ", ".join(f"{k} {v:.1f}" for k, v in taken.items()) + " ns")
            if "numpy" in taken:
                for side, must, stretch in MUST[carriers]:
                    ratio = taken["numpy"] / taken[side]
                    name = f"carriers, M {carriers}, {precision}, T {side}"
                    rows.append(Row(name, "numpy GEMV", taken[side], taken["numpy"], "ns", ratio, must, stretch))
        growth = kept[4096] / kept[256]
        name = f"carriers, cost(4096)/cost(256), {precision}"
        rows.append(Row(name, "-", growth, None, "", growth, 1.5, 1.3, lower_is_better=True))
    report("carriers", rows, nanoseconds_per_oscillator=details)


if __name__ == "__main__":
    main()
