"""pytest fixtures for people who write systems: the promises of the engine, as assertions.

Installed as a pytest plugin. The assertions take a *build*: a function without required arguments that returns a
new :class:`~sensorium.engine.simulation.Simulation` and accepts ``precision`` ("double" or "single"), ``device``
("cpu" or "cudasim") and ``count`` (rows, or None for a few). :func:`assert_devices_agree` runs it in another process
too, so it must be a function of a module, not a local one (``functools.partial`` of one is fine).
"""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from sensorium.engine.device import Device
    from sensorium.engine.population import Population
    from sensorium.engine.simulation import Simulation
    from sensorium.engine.world import World

__all__ = [
    "assert_conserves", "assert_declared_access", "assert_devices_agree", "assert_order_independent",
    "assert_restart_exact", "device", "two_particles", "world",
]  # fmt: skip

Build = Callable[..., Any]
Flat = dict[str, Any]


@pytest.fixture(params=["double", "single"])
def device(request: pytest.FixtureRequest) -> Device:
    """The CPU, once in each precision."""
    from sensorium.engine.device import Device

    return Device("cpu", request.param)


@pytest.fixture
def world(device: Device) -> World:
    """An empty world on `device`."""
    from sensorium.engine.world import World

    return World(seed=1, device=device)


@pytest.fixture
def two_particles(world: World) -> Population:
    """Two particles that are oscillators too, one length unit apart along x, at rest, each with heat 1."""
    from sensorium.components import Oscillator, Particle

    pair = world.create("pair", [Particle, Oscillator], 2)
    pair[Particle].position[:] = [[1.0, 1.0, 1.0], [2.0, 1.0, 1.0]]
    pair[Particle].heat[:] = 1.0
    pair[Particle].radius[:] = 0.1
    return pair


# ---- states, flattened and compared ---------------------------------------------------------------------------


def flatten(state: Mapping[str, Any], prefix: str = "") -> Flat:
    """Nested state as ``{"world/clock/step": 3, ...}``."""
    found: Flat = {}
    for key, value in state.items():
        path = f"{prefix}{key}"
        found |= flatten(value, f"{path}/") if isinstance(value, Mapping) else {path: value}
    return found


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Paths at which two states differ in any bit."""
    a, b = flatten(one), flatten(other)
    found = [f"{path}: only in one" for path in sorted(a.keys() ^ b.keys())]
    for path in sorted(a.keys() & b.keys()):
        x, y = np.asarray(a[path]), np.asarray(b[path])
        if x.shape != y.shape or x.dtype != y.dtype:
            found.append(f"{path}: {x.dtype}{x.shape} and {y.dtype}{y.shape}")
        elif x.tobytes() != y.tobytes():
            rows = int((x != y).sum()) if x.ndim else 1
            size = f", at most {np.abs(x.astype(float) - y.astype(float)).max():.3g}" if x.dtype.kind == "f" else ""
            found.append(f"{path}: {rows} of {x.size} values differ{size}")
    return found


def _final(build: Build, steps: int, **options: Any) -> dict[str, Any]:
    sim: Simulation = build(**options)
    sim.run(steps)
    return sim.state()


# ---- the assertions -------------------------------------------------------------------------------------------


@pytest.fixture
def assert_declared_access(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """``assert_declared_access(build, steps=2)``: each system reads and writes only what it declares."""

    def check(build: Build, steps: int = 2) -> None:
        monkeypatch.setenv("SENSORIUM_DEBUG", "1")
        build().run(steps)

    return check


@pytest.fixture
def assert_conserves() -> Callable[..., None]:
    """``assert_conserves(build, steps=100, energy=1e-12, momentum=None)``: the ledger closes.

    `energy` bounds the residual of the ledger after each step, relative to the largest energy held; `momentum`
    bounds the change of the total momentum relative to the sum of m |v| or, when larger, of m |v| at any time.
    All columns must stay finite, heat and oscillator energy not negative.
    """

    def check(build: Build, steps: int = 100, energy: float = 1e-12, momentum: float | None = None) -> None:
        from sensorium.components import Oscillator, Particle

        sim: Simulation = build()
        sim.prepare()
        start, scale = _momentum(sim)
        for _ in range(steps):
            sim.step()
            step = sim.world.clock.step
            assert abs(sim.ledger.residual) <= energy, f"step {step}: energy residual {sim.ledger.residual:.3g}"
            assert not sim.world.not_finite(), f"step {step}: not finite: {sim.world.not_finite()}"
            for _, particle in sim.world.query(Particle):
                assert (np.asarray(particle.heat) >= 0).all(), f"step {step}: negative heat"
            for _, oscillator in sim.world.query(Oscillator):
                assert (np.asarray(oscillator.energy) >= 0).all(), f"step {step}: negative oscillator energy"
            if momentum is not None:
                now, size = _momentum(sim)
                scale = max(scale, size)
                change = np.abs(now - start).max()
                assert change <= momentum * scale, f"step {step}: momentum changed by {change / scale:.3g}"

    return check


def _momentum(sim: Any) -> tuple[Any, float]:
    from sensorium.components import Particle

    total, size = np.zeros(3), 0.0
    for _, particle in sim.world.query(Particle):
        each = np.asarray(particle.velocity, float) * np.asarray(particle.mass, float)[:, None]
        total += each.sum(axis=0)
        size += float(np.abs(each).sum())
    return total, size


@pytest.fixture
def assert_restart_exact() -> Callable[..., None]:
    """``assert_restart_exact(build, steps=6)``: stopped at any step and restored, the end is the same, bit by bit."""

    def check(build: Build, steps: int = 6) -> None:
        whole = _final(build, steps)
        for stop in range(steps):
            first: Simulation = build()
            first.run(stop)
            second: Simulation = build()
            second.restore(first.state())
            second.run(steps - stop)
            assert not (found := differences(whole, second.state())), f"restart at step {stop}: {found}"

    return check


@pytest.fixture
def assert_order_independent() -> Callable[..., None]:
    """``assert_order_independent(build, steps=5, tolerance=0)``: rows may start in any order.

    Columns are compared by id, bit by bit, or to `tolerance` relative to the largest value of the column where
    a sum over rows feeds back into the state.
    """

    def check(build: Build, steps: int = 5, tolerance: float = 0.0) -> None:
        straight, shuffled = build(), build()
        for population in shuffled.world.populations:
            population.reorder(np.random.default_rng(1).permutation(population.n))
        straight.run(steps)
        shuffled.run(steps)
        for one, other in zip(straight.world.populations, shuffled.world.populations, strict=True):
            a, b = one.state(), other.state()
            first, second = np.argsort(a["ids"]), np.argsort(b["ids"])
            assert (a["ids"][first] == b["ids"][second]).all()
            for path in a["columns"]:
                x, y = a["columns"][path][first], b["columns"][path][second]
                if tolerance and x.dtype.kind == "f" and x.size:
                    bound = tolerance * max(np.abs(x).max(), np.finfo(x.dtype).tiny)
                    assert np.abs(x - y).max() <= bound, f"{path} of '{one.name}' depends on the order of rows"
                else:
                    assert (x == y).all(), f"{path} of '{one.name}' depends on the order of rows"

    return check


@pytest.fixture
def assert_devices_agree(tmp_path: Path) -> Callable[..., None]:
    """``assert_devices_agree(build, steps=3, rows=7000, simulated=48)``: the same bits everywhere.

    On 1 and 2 threads with `rows` rows, enough for several chunks, and on the CPU and in the CUDA simulator with
    `simulated` rows (0 leaves it out: the simulator runs Python, about 1e4 times slower).
    """

    def check(
        build: Build, steps: int = 3, *, precision: str = "double", rows: int = 7000, simulated: int = 48
    ) -> None:
        from sensorium.engine.kernel_threads import set_threads, threads

        before = threads()
        states = []
        for count in (1, 2):
            set_threads(count)
            states.append(_final(build, steps, precision=precision, count=rows))
        set_threads(before)
        assert not (found := differences(*states)), f"1 and 2 threads differ: {found}"
        if simulated:
            reference = flatten(_final(build, steps, precision=precision, count=simulated))
            simulated_state = _in_the_simulator(build, steps, tmp_path, precision=precision, count=simulated)
            keys = reference.keys() | simulated_state.keys()
            wrong = [k for k in keys if k not in reference or _encoded(reference[k]) != simulated_state.get(k)]
            assert not wrong, f"cpu and simulator differ in {sorted(wrong)}"

    return check


def _encoded(value: Any) -> str:
    array = np.asarray(value)
    return f"{array.dtype}{array.shape}:{array.tobytes().hex()}"


def _in_the_simulator(build: Build, steps: int, folder: Path, **options: Any) -> dict[str, str]:
    function = build.func if isinstance(build, partial) else build
    options |= build.keywords if isinstance(build, partial) else {}
    source, out = inspect.getsourcefile(function), folder / "simulated.json"
    if source is None or "<locals>" in function.__qualname__:
        raise TypeError(f"{function.__qualname__} must be a function of a module: another process has to find it")
    code = (
        "import importlib.util, json, sys\n"
        "from sensorium.testing import _encoded, _final, flatten\n"
        f"spec = importlib.util.spec_from_file_location({Path(source).stem!r}, {source!r})\n"
        "module = importlib.util.module_from_spec(spec); sys.modules[spec.name] = module\n"
        "spec.loader.exec_module(module)\n"
        f"state = _final(module.{function.__qualname__}, {steps}, device='cudasim', **{options!r})\n"
        f"json.dump({{k: _encoded(v) for k, v in flatten(state).items()}}, open({str(out)!r}, 'w'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "NUMBA_ENABLE_CUDASIM": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"in the simulator: {done.stderr[-3000:]}"
    found: dict[str, str] = json.loads(out.read_text())
    return found
