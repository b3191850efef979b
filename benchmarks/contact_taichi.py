"""Hertz contact against Taichi: a cell list written by hand for the purpose, in single precision.

The peer does what the step of `motion` and `collision` does, elastically: kick, drift, wrap, Hertz forces, kick. Rows
are counted into cells one contact wide, a scan of the counts gives every cell its place, and positions and velocities
are copied in that order on each step, so that neighbours are next to each other in memory; each row then visits the
cells around it, a line of three at a time, and sums its own force, without atomics. It books no work and no energies.
That both sides compute the same motion is checked before they are timed.

Both sides start from the same positions and velocities, warm up for 500 steps and are timed in turn. Taichi runs in a
process of its own (``TAICHI_PYTHON``: an interpreter that has taichi 1.7.4 and numpy), because its threads would stay.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.contact import CALLS, DT, FRACTIONS, MODULUS, WARM_UP, ours, start
from benchmarks.harness import RESULTS, Row, interleaved, report, wait_until_idle
from sensorium.engine.kernel_threads import set_threads

COUNT, MUST, STRETCH = 100_000, 8.0, 15.0

# what the process of Taichi runs: it reads a number of steps per line, answers "done", and 0 asks for the state
PEER = """
import json, sys
import numpy as np, taichi as ti
spec = json.loads(sys.stdin.readline())
ti.init(arch=ti.cpu, cpu_max_num_threads=spec["threads"], default_fp=ti.f32, log_level=ti.ERROR)
state = np.load(spec["state"])
n, edge, dt = len(state["x"]), float(state["edge"]), spec["dt"]
G = int(edge)  # cells of one diameter at least
stiffness, mass, radius = spec["stiffness"], float(np.pi / 6), 0.5
x, v, f = (ti.Vector.field(3, ti.f32, n) for _ in range(3))
sx, sv = (ti.Vector.field(3, ti.f32, n) for _ in range(2))
name, sname, cell, rank = (ti.field(ti.i32, n) for _ in range(4))
count, begin = ti.field(ti.i32, G**3), ti.field(ti.i32, G**3 + 1)
x.from_numpy(state["x"].astype(np.float32))
v.from_numpy(state["v"].astype(np.float32))
name.from_numpy(np.arange(n, dtype=np.int32))
ROOT = float(np.sqrt(radius / 2))

@ti.kernel
def move():
    for c in count:
        count[c] = 0
    for i in x:
        v[i] += f[i] * (0.5 * dt / mass)
        p = x[i] + v[i] * dt
        p -= edge * ti.floor(p / edge)
        x[i] = p
        q = ti.min(ti.cast(p * (G / edge), ti.i32), G - 1)
        cell[i] = (q[0] * G + q[1]) * G + q[2]
        rank[i] = ti.atomic_add(count[cell[i]], 1)

@ti.kernel
def scan():
    ti.loop_config(serialize=True)
    for c in range(G**3):
        begin[c + 1] = begin[c] + count[c]

@ti.kernel
def sort():
    for i in x:
        k = begin[cell[i]] + rank[i]
        sx[k] = x[i]
        sv[k] = v[i]
        sname[k] = name[i]

@ti.func
def line(p, first, last):
    total = ti.Vector([0.0, 0.0, 0.0])
    for j in range(first, last):
        d = p - sx[j]
        d -= edge * ti.round(d / edge)
        square = d.dot(d)
        if square < 4 * radius * radius and square > 0:
            distance = ti.sqrt(square)
            overlap = 2 * radius - distance
            total += d * (stiffness * ROOT * ti.sqrt(overlap) * overlap / distance)
    return total

@ti.kernel
def force():
    for i in sx:
        p = sx[i]
        q = ti.min(ti.cast(p * (G / edge), ti.i32), G - 1)
        total = ti.Vector([0.0, 0.0, 0.0])
        for a, b in ti.ndrange((-1, 2), (-1, 2)):
            row = (((q[0] + a + G) % G) * G + (q[1] + b + G) % G) * G
            total += line(p, begin[row + ti.max(q[2] - 1, 0)], begin[row + ti.min(q[2] + 2, G)])
            if q[2] == 0:
                total += line(p, begin[row + G - 1], begin[row + G])
            if q[2] == G - 1:
                total += line(p, begin[row], begin[row + 1])
        f[i] = total
        x[i] = p
        name[i] = sname[i]
        v[i] = sv[i] + total * (0.5 * dt / mass)

def step():
    move(); scan(); sort(); force()

print("ready", flush=True)
for text in sys.stdin:
    if int(text) == 0:
        order = np.argsort(name.to_numpy())
        np.savez(spec["answer"], x=x.to_numpy()[order], v=v.to_numpy()[order])
    for _ in range(int(text)):
        step()
    ti.sync()
    print("done", flush=True)
"""


class Peer:
    """Taichi in a process of its own."""

    def __init__(self, state: dict[str, Any], threads: int) -> None:
        RESULTS.mkdir(exist_ok=True)
        self._state, self._answer = RESULTS / "taichi-start.npz", RESULTS / "taichi-answer.npz"
        self._script = RESULTS / "taichi-peer.py"  # Taichi reads the source of kernels from their file
        np.savez(self._state, **state)
        self._script.write_text(PEER)
        interpreter = os.environ.get("TAICHI_PYTHON", sys.executable)
        self._process = subprocess.Popen(
            [interpreter, str(self._script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        files = {"state": str(self._state), "answer": str(self._answer)}
        self._say(json.dumps({**files, "threads": threads, "dt": DT, "stiffness": 4 / 3 * MODULUS}), "ready")

    def _say(self, line: str, expected: str) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(line, file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        while answer and answer.strip() != expected:  # Taichi greets
            answer = self._process.stdout.readline()
        if not answer:
            sys.exit("Taichi does not run here: pip install taichi==1.7.4 (or set TAICHI_PYTHON)")

    def run(self, steps: int) -> None:
        self._say(str(steps), "done")

    def state(self) -> dict[str, Any]:
        self._say("0", "done")
        with np.load(self._answer) as found:
            return {name: found[name] for name in found}

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        for file in (self._state, self._answer, self._script):
            file.unlink(missing_ok=True)


def same_motion(peer: Peer, state: dict[str, Any]) -> float:
    """Largest distance of the two sides after 20 steps from the same start, in diameters: the peer is no straw man."""
    from sensorium.components import Particle

    simulation = ours(state, "single", 0.0)
    simulation.run(20)
    peer.run(20)
    population = simulation.world.population("grains")
    apart = population[Particle].position[population.rows_of(np.arange(COUNT))] - peer.state()["x"]
    return float(np.abs(apart - state["edge"] * np.rint(apart / state["edge"])).max())


def main() -> None:
    """Print the rows; ``CONTACT_REPEATS`` sets the number of repeats (9)."""
    wait_until_idle()
    rows, apart = [], {}
    for threads in (1, 2):
        set_threads(threads)
        for fraction in FRACTIONS:
            state = start(COUNT, fraction)
            peer, simulation = Peer(state, threads), ours(state, "single", 0.0)
            apart[f"phi {fraction:.2f}"] = same_motion(peer, state)
            peer.run(WARM_UP - 20)
            simulation.run(WARM_UP)
            sides: dict[str, Callable[[], None]] = {
                "Taichi": lambda peer=peer: peer.run(CALLS),  # type: ignore[misc]
                "ours": lambda simulation=simulation: simulation.run(CALLS),  # type: ignore[misc]
            }
            timed = interleaved(sides, repeats=int(os.environ.get("CONTACT_REPEATS", "9")))
            peer.close()
            wall = {name: 1e9 * t.wall / CALLS / COUNT for name, t in timed.items()}
            part = f"Hertz contact, elastic, N 1e5, phi {fraction:.2f}, single, {threads} thread(s)"
            figures = wall["ours"], wall["Taichi"], "ns/particle-step", wall["Taichi"] / wall["ours"]
            rows.append(Row(part, "Taichi 1.7.4, cell list by hand", *figures, MUST, STRETCH))
    print("largest distance after 20 steps [diameters]:", apart)
    report("contact_taichi", rows, apart=apart)


if __name__ == "__main__":
    main()
