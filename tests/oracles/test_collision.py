"""Contact of grains against closed forms: Hertz impacts, restitution, damping, hard-sphere impacts, conservation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from grains import Pair, grains
from scipy.integrate import solve_ivp

from sensorium import PhysicsError, Simulation, World
from sensorium.components import Particle
from sensorium.engine.errors import ScenarioError
from sensorium.engine.grid import Box
from sensorium.engine.kernel_threads import set_threads, threads
from sensorium.systems.collision import Collision
from sensorium.systems.contact_hertz import damping_ratio
from sensorium.systems.energy_ledger import EnergyLedger
from sensorium.systems.motion import Motion

PRECISIONS = ["double", "single"]
KINDS = [
    {},
    {"mass": (1.0, 3.0), "radius": (0.3, 0.8), "speed": 0.2},
    {"modulus": 5e4, "speed": 4.0, "axis": (1.0, 2.0, -2.0), "drift": (0.3, -0.2, 0.5)},
    {"centre": (0.05, 9.9, 5.0), "axis": (3.0, 4.0, 0.0)},  # across two faces of the box
]


def state(simulation: Simulation) -> bytes:
    """Positions, velocities and heats by id, as bits."""
    parts = []
    for population in simulation.world.populations:
        order, particle = np.argsort(population.ids), population[Particle]
        parts += [
            np.ascontiguousarray(c[order]).tobytes() for c in (particle.position, particle.velocity, particle.heat)
        ]
    return b"".join(parts)


# ---- Hertz: the elastic impact ------------------------------------------------------------------------------------


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_contact_time_and_overlap(kind: dict[str, Any], precision: Any) -> None:
    """t_c = 2.868 (m*^2 / (R* E*^2 v))^(1/5) to 0.3%: the constant has four digits, entry and exit fall between steps.
    The deepest overlap (15 m* v^2 / (16 sqrt(R*) E*))^(2/5) to 0.1%: it may lie half of 1/200 of the contact off."""
    pair = Pair(steps=200, damping=None, precision=precision, **kind)
    dt, inside, deepest, before = pair.simulation.dt, 0.0, 0.0, pair.overlap
    while before <= 0 or pair.overlap > 0:
        before = pair.overlap
        pair.simulation.step()
        after = pair.overlap
        if max(before, after) > 0:  # the part of the step spent in contact
            inside += dt * (1.0 if min(before, after) > 0 else max(before, after) / abs(after - before))
        deepest = max(deepest, after)
    assert inside == pytest.approx(pair.duration, rel=3e-3)
    square = pair.reduced * pair.speed**2
    expected = (15 * square / (16 * math.sqrt(pair.effective) * pair.modulus)) ** 0.4
    assert deepest == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_elastic_restitution_is_one(kind: dict[str, Any], precision: Any) -> None:
    """At 50 steps per contact to 1e-4, wherever between two steps the contact begins."""
    for phase in (0.0, 0.25, 0.5, 0.75):
        pair = Pair(steps=50, phase=phase, damping=None, precision=precision, **kind).collide()
        assert pair.restitution == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize(("precision", "tolerance"), [("double", 1e-12), ("single", 2e-6)])
def test_force_and_energy_of_one_contact(precision: Any, tolerance: float) -> None:
    """F = (4/3) E* sqrt(R*) delta^(3/2) and (8/15) E* sqrt(R*) delta^(5/2), to rounding of the overlap."""
    radius, modulus, overlap = np.array([0.5, 0.75]), 300.0, 0.03125
    simulation = grains(
        [[4, 5, 5], [4 + 1.25 - overlap, 5, 5]], 0.0, dt=1e-4, radius=radius, modulus=modulus, precision=precision
    )
    simulation.prepare()
    particle = simulation.world.population("grains")[Particle]
    root = math.sqrt(0.3)
    force = 4 / 3 * modulus * root * overlap**1.5
    assert particle.force[:, 0] == pytest.approx([-force, force], rel=tolerance)
    assert particle.force[:, 0].sum() == 0
    assert not particle.force[:, 1:].any()
    energy = 8 / 15 * modulus * root * overlap**2.5
    assert simulation.ledger.stores["contact"] == pytest.approx(energy, rel=tolerance)


def test_elastic_motion_reverses() -> None:
    """A chain of grains knocks to and fro; with velocities turned round it comes back, to 1e-9 of a radius."""
    x = 2.0 + 1.01 * np.arange(5)
    position = np.stack([x, 5 + 0.05 * np.sin(x), np.full(5, 5.0)], axis=1)
    velocity = np.array([[1.0, 0, 0], [0, 0, 0], [0.2, 0, 0], [0, 0, 0], [-1.0, 0, 0]])
    simulation = grains(position, velocity, dt=5e-4, damping=None)
    particle = simulation.world.population("grains")[Particle]
    simulation.run(1000)
    assert np.abs(particle.velocity - velocity).max() > 0.3
    particle.velocity *= -1
    simulation.run(1000)
    assert particle.position == pytest.approx(position, abs=5e-10)
    assert particle.velocity == pytest.approx(-velocity, abs=1e-8)


# ---- Hertz: damping -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", [0.95, 0.8, 0.5, 0.2])
@pytest.mark.parametrize("kind", KINDS[1:3])
def test_restitution_is_what_was_asked(asked: float, kind: dict[str, Any]) -> None:
    """Averaged over where between two steps the contact begins, to 0.1% at 100 steps per contact; one impact to 0.5%.

    The damping rate rises as delta^(1/4) from the first touch, with a vertical tangent: entry and exit are summed with
    an error of order dt^(5/4) that depends on the phase and has no mean.
    """
    found = [
        Pair(steps=100, phase=phase, damping={"restitution": asked}, **kind).collide().restitution
        for phase in np.arange(0.05, 1, 0.1)
    ]
    assert found == pytest.approx([asked] * 10, rel=5e-3)
    assert np.mean(found) == pytest.approx(asked, rel=1e-3)


def test_restitution_converges() -> None:
    """At 1000 steps per contact a single impact is good to 0.05%."""
    for asked in (0.9, 0.5):
        pair = Pair(steps=1000, damping={"restitution": asked}).collide()
        assert pair.restitution == pytest.approx(asked, rel=5e-4)


def test_restitution_does_not_depend_on_speed() -> None:
    """The scaled problem has no parameter: the same to 1e-6 over four decades of speed."""
    found = [Pair(speed=v, damping={"restitution": 0.7}, modulus=1e5).collide().restitution for v in (1e-3, 0.1, 10.0)]
    assert found == pytest.approx([found[0]] * 3, rel=1e-6)


def test_damping_ratio() -> None:
    """alpha against the equation of motion itself: delta'' + alpha delta^(1/4) delta' + delta^(3/2) = 0 from (0, 1)."""
    for restitution in (0.1, 0.5, 0.9):
        alpha = damping_ratio(restitution)

        def motion(t: float, y: Any, alpha: float = alpha) -> list[float]:
            depth = max(y[0], 0.0)
            return [y[1], -alpha * depth**0.25 * y[1] - depth**1.5]

        def apart(t: float, y: Any) -> float:
            return float(y[0]) if t > 0.5 else 1.0

        apart.terminal = True  # type: ignore[attr-defined]
        end = solve_ivp(motion, (0, 50), [0.0, 1.0], events=apart, rtol=1e-10, atol=1e-12).y[1, -1]
        assert -end == pytest.approx(restitution, rel=1e-6)
    assert damping_ratio(1.0) == 0
    assert damping_ratio(0.0) == pytest.approx(math.sqrt(5))
    assert damping_ratio(1e-300) == pytest.approx(math.sqrt(5), rel=1e-4)


@pytest.mark.parametrize("gamma", [2.0, 20.0])
def test_coefficient_against_the_equation_of_motion(gamma: float) -> None:
    """m* delta'' = -gamma m* sqrt(R* delta) delta' - (4/3) E* sqrt(R*) delta^(3/2): 0.1% at 200 steps per contact."""
    pair = Pair(steps=200, mass=(1.0, 2.0), radius=(0.4, 0.6), damping={"coefficient": gamma}).collide()

    def motion(t: float, y: Any) -> list[float]:
        depth = max(y[0], 0.0)
        root = math.sqrt(pair.effective * depth)
        return [y[1], -gamma * root * y[1] - 4 / 3 * pair.modulus * root * depth / pair.reduced]

    def apart(t: float, y: Any) -> float:
        return float(y[0]) if t > 0.3 * pair.duration else 1.0

    apart.terminal = True  # type: ignore[attr-defined]
    end = solve_ivp(motion, (0, 5 * pair.duration), [0.0, 1.0], events=apart, rtol=1e-9, atol=1e-12).y[1, -1]
    assert pair.restitution == pytest.approx(-end, rel=1e-3)


@pytest.mark.parametrize("damping", [{"restitution": 0.6}, {"coefficient": 10.0}])
@pytest.mark.parametrize("kind", KINDS)
def test_half_the_lost_energy_heats_each_grain(damping: dict[str, float], kind: dict[str, Any]) -> None:
    """Equal halves to 1e-12 however unequal the grains; together, with the integrator's work, all that motion lost."""
    pair = Pair(damping=damping, **kind).collide()
    heat, ledger = pair.particle.heat, pair.simulation.ledger
    assert heat[0] == pytest.approx(heat[1], rel=1e-12)
    relative = 0.5 * pair.reduced * pair.speed**2
    assert abs(ledger.booked["integrator"]) < 3e-3 * relative  # Verlet's own error, at 50 steps per contact
    lost = relative * (1 - pair.restitution**2)
    assert heat.sum() == pytest.approx(lost + ledger.booked["integrator"], abs=1e-13 * ledger.total)
    assert abs(ledger.residual) < 1e-14


@pytest.mark.parametrize("mass", [(1.0, 1.0, 1.0), (1.0, 4.0, 0.5)])
def test_damping_of_a_cluster_is_of_second_order(mass: tuple[float, ...]) -> None:
    """Three grains pressed together, each contact felt by the others: positions gain a factor 4 per halving of dt."""

    def positions(steps: int) -> np.ndarray:
        position = [[4.05, 5, 5], [5.0, 5.1, 5], [5.945, 5, 5.1]]
        velocity = [[1.0, 0.2, 0], [0.0, -0.5, 0.3], [-1.5, 0, 0]]
        simulation = grains(position, velocity, dt=0.05 / steps, mass=mass, damping={"coefficient": 60.0})
        simulation.run(steps)
        return np.array(simulation.world.population("grains")[Particle].position)

    exact = positions(1600)
    errors = [np.abs(positions(steps) - exact).max() for steps in (20, 40, 80)]
    assert errors[0] / errors[1] == pytest.approx(4.0, rel=0.15)
    assert errors[1] / errors[2] == pytest.approx(4.0, rel=0.15)


def test_strong_damping_is_cut_into_parts() -> None:
    """A coefficient that would overdamp within one step: no energy is gained, no heat lost."""
    position = 5 + 0.97 * np.array(np.meshgrid([-1, 0, 1], [-1, 0, 1], [-1, 0, 1])).reshape(3, -1).T
    velocity = np.random.default_rng(1).normal(size=(27, 3))
    simulation = grains(position, velocity, dt=5e-4, damping={"coefficient": 1e5})
    before = 0.5 * (velocity**2).sum()
    simulation.prepare()
    before += simulation.ledger.stores["contact"]
    simulation.run(50)
    assert (simulation.world.population("grains")[Particle].heat >= 0).all()
    assert simulation.ledger.stores["kinetic"] < before
    assert abs(simulation.ledger.residual) < 1e-13


# ---- impulse ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("precision", "tolerance"), [("double", 1e-14), ("single", 1e-6)])
@pytest.mark.parametrize("restitution", [0.0, 0.5, 0.8, 1.0])
@pytest.mark.parametrize("mass", [(1.0, 1.0), (1.0, 5.0)])
def test_an_impact_is_exact(restitution: float, mass: tuple[float, float], precision: Any, tolerance: float) -> None:
    """An oblique impact of two hard spheres against its closed form: velocities, heat, momentum to rounding."""
    position, velocity = np.array([[4.5, 5, 5], [5.4, 5.5, 5]]), np.array([[1.0, 0.25, -0.5], [-1.5, 0.5, 0.25]])
    options = {"model": "impulse", "damping": {"restitution": restitution}, "precision": precision}
    simulation = grains(position, velocity, dt=2.0**-6, mass=mass, **options)
    particle = simulation.world.population("grains")[Particle]
    while (particle.velocity == velocity).all():
        simulation.step()
    normal = np.array(particle.position[0] - particle.position[1], np.float64)
    normal /= np.linalg.norm(normal)
    reduced = mass[0] * mass[1] / sum(mass)
    speed = (velocity[0] - velocity[1]) @ normal
    impulse = -(1 + restitution) * reduced * speed * normal
    expected = velocity + np.array([impulse / mass[0], -impulse / mass[1]])
    assert particle.velocity == pytest.approx(expected, rel=10 * tolerance, abs=10 * tolerance)
    lost = 0.5 * reduced * speed**2 * (1 - restitution**2)
    assert particle.heat == pytest.approx([lost / 2] * 2, rel=100 * tolerance)
    momentum = np.array(mass) @ np.asarray(particle.velocity, np.float64)
    assert momentum == pytest.approx(np.array(mass) @ velocity, rel=10 * tolerance, abs=10 * tolerance)
    assert abs(simulation.ledger.residual) < 100 * tolerance
    simulation.run(10)  # they part: one impact is one exchange
    assert particle.velocity == pytest.approx(expected, rel=10 * tolerance, abs=10 * tolerance)


def test_impacts_of_a_crowd_do_not_depend_on_rows() -> None:
    """Seven grains meet at once: the order of impacts is that of the ids."""
    rng = np.random.default_rng(3)
    position = 5 + 0.98 * np.array([[0, 0, 0], [1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]])
    velocity = (5 - position) + 0.3 * rng.normal(size=(7, 3))
    found = []
    for order in (np.arange(7), rng.permutation(7)):
        simulation = grains(position, velocity, dt=1e-3, model="impulse", damping={"restitution": 0.9})
        simulation.world.population("grains").reorder(order)
        simulation.run(50)
        assert abs(simulation.ledger.residual) < 1e-14
        found.append(state(simulation))
    assert found[0] == found[1]


# ---- many grains ------------------------------------------------------------------------------------------------


def gas(n: int = 512, fraction: float = 0.35, *, seed: int = 2, spread: float = 0.3, **options: Any) -> Simulation:
    """A warm gas of unequal grains at a packing fraction, on a cubic lattice at first."""
    side = round(n ** (1 / 3))
    rng = np.random.default_rng(seed)
    radius = 0.5 * (1 - spread * rng.random(side**3))
    box = (4 / 3 * math.pi * (radius**3).sum() / fraction) ** (1 / 3)
    lattice = np.stack(np.unravel_index(np.arange(side**3), (side,) * 3), axis=1) + 0.5
    velocity = rng.normal(size=(side**3, 3))
    options = {"dt": 1e-3, "modulus": 2e4, **options}
    return grains(
        lattice * box / side, velocity - velocity.mean(axis=0), mass=8 * radius**3, radius=radius, box=box, **options
    )


@pytest.mark.parametrize(("precision", "bound"), [("double", 1e-12), ("single", 3e-5)])
@pytest.mark.parametrize("damping", [None, {"restitution": 0.8}, {"coefficient": 20.0}])
def test_momentum_and_energy_of_a_gas(damping: Any, precision: Any, bound: float) -> None:
    """800 steps of a dense gas: momentum to rounding, the ledger to 1e-12, heat never below 0.

    The integrator channel, Verlet's own error, stays within half a percent of the energy.
    """
    simulation = gas(damping=damping, precision=precision)
    particle = simulation.world.population("grains")[Particle]
    heat = np.zeros(512)
    for _ in range(8):
        simulation.run(100)
        assert abs(simulation.ledger.residual) < bound
        assert (particle.heat >= heat * (1 - 1e-6)).all()
        heat = np.array(particle.heat)
    assert (heat.sum() > 0) == (damping is not None)
    momentum = np.asarray(particle.mass, np.float64) @ np.asarray(particle.velocity, np.float64)
    start = gas(damping=damping, precision=precision).world.population("grains")[Particle]
    scale = (np.abs(start.velocity).sum(axis=1) * start.mass).sum()
    before = np.asarray(start.mass, np.float64) @ np.asarray(start.velocity, np.float64)
    assert np.abs(momentum - before).max() / scale < (1e-14 if precision == "double" else 1e-6)
    assert abs(simulation.ledger.booked["integrator"]) < 5e-3 * simulation.ledger.total


@pytest.mark.slow
def test_the_ledger_closes_over_ten_thousand_steps() -> None:
    simulation = gas(damping={"restitution": 0.9})
    simulation.run(10_000)
    assert abs(simulation.ledger.residual) < 1e-10


def test_verlet_error_falls_with_the_square_of_dt() -> None:
    """The integrator channel is the mismatch of kicks and elastic energy: a factor 4 when dt is halved."""

    def worst(dt: float) -> float:
        simulation, found = gas(216, dt=dt, damping=None), 0.0
        for _ in range(round(0.2 / dt / 10)):
            simulation.run(10)
            found += simulation.ledger.booked["integrator"] ** 2
        return math.sqrt(found * dt)

    assert worst(5e-4) / worst(2.5e-4) == pytest.approx(4.0, rel=0.25)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("model", ["hertz", "impulse"])
def test_the_bits_do_not_depend_on_how_pairs_are_found(model: str, precision: Any, monkeypatch: Any) -> None:
    """Cells or all pairs, old lists or new, one thread or two, rows in any order, sorted or not: not in one bit."""
    options = {"model": model, "precision": precision, "damping": {"restitution": 0.7}}

    def run(simulation: Simulation, prepare: Any = lambda simulation: None) -> bytes:
        prepare(simulation)
        simulation.run(120)
        return state(simulation)

    def shuffle(simulation: Simulation) -> None:
        population = simulation.world.population("grains")
        population.reorder(np.random.default_rng(0).permutation(population.n))

    def always_new(simulation: Simulation) -> None:
        simulation.prepare()
        neighbors = simulation.system("collision")._neighbors  # type: ignore[attr-defined]
        update = neighbors.update

        def renewed(*arguments: Any) -> Any:
            neighbors.invalidate()
            return update(*arguments)

        monkeypatch.setattr(neighbors, "update", renewed)

    def sort(simulation: Simulation) -> None:
        monkeypatch.setattr("sensorium.systems.collision.SORT_FROM", 100)
        monkeypatch.setattr("sensorium.systems.collision.SORT_EVERY", 7)

    before = threads()
    try:
        set_threads(1)
        expected = run(gas(**options))
        assert run(gas(**options), shuffle) == expected
        assert run(gas(**options), always_new) == expected
        assert run(gas(**options, broad_phase="brute_force")) == expected
        set_threads(2)
        assert run(gas(**options)) == expected
        assert run(gas(**options), sort) == expected
    finally:
        set_threads(before)


def test_a_run_resumed_where_rows_are_sorted_sorts_them(monkeypatch: Any) -> None:
    """The order of rows shows in the sums of other systems, so it must not depend on the age of the lists."""
    monkeypatch.setattr("sensorium.systems.collision.SORT_FROM", 100)
    monkeypatch.setattr("sensorium.systems.collision.SORT_EVERY", 7)
    whole, first, second = gas(), gas(), gas()
    whole.run(16)
    first.run(7)
    second.restore(first.state())
    second.run(9)
    assert not np.array_equal(whole.world.population("grains").ids, np.arange(512))
    assert np.array_equal(whole.world.population("grains").ids, second.world.population("grains").ids)


def test_grains_of_two_populations_meet() -> None:
    """A pair in two populations moves as a pair in one, to the bit; points without radius are left alone."""
    one = Pair(mass=(1.0, 2.0), damping={"restitution": 0.8})
    world = World()
    world.insert(Box((10.0, 10.0, 10.0), (4, 4, 4)))
    for row, name in enumerate(("left", "right")):
        particle = world.create(name, [Particle], 1)[Particle]
        for column in ("position", "velocity", "mass", "radius"):
            getattr(particle, column)[:] = getattr(one.particle, column)[row]
        if row == 0:
            world.create("points", [Particle], 3)[Particle].position = [[5.0, 5.0, 5.0]] * 3
    two = Simulation(world, [Motion(), Collision(damping={"restitution": 0.8}), EnergyLedger()], dt=one.simulation.dt)
    one.simulation.run(70)
    two.run(70)
    assert one.restitution == pytest.approx(0.8, rel=5e-3)
    for column in ("position", "velocity", "heat"):
        parts = [getattr(world.population(name)[Particle], column) for name in ("left", "right")]
        assert np.array_equal(np.concatenate(parts), getattr(one.particle, column))
    assert not world.population("points")[Particle].velocity.any()


def test_grains_may_be_born_and_die() -> None:
    simulation = gas(64)
    population = simulation.world.population("grains")
    simulation.run(20)
    population.despawn(population.ids[:30])
    simulation.run(20)
    population.spawn(1, {Particle.position: population[Particle].position[0] + 0.9, Particle.radius: 0.1})
    simulation.run(20)
    assert population.n == 35
    assert np.isfinite(population[Particle].velocity).all()


# ---- what is refused ----------------------------------------------------------------------------------------------


def test_a_time_step_too_long_is_refused() -> None:
    """More than t_c / 25 of the impact at hand, with the number that would do; at the limit it runs."""
    Pair(steps=25.01, mass=(1.0, 2.0)).simulation.prepare()
    pair = Pair(steps=24.9, mass=(1.0, 2.0), drift=(3.0, 0.0, 0.0))
    limit = f"{pair.duration / 25:.4g}"
    with pytest.raises(PhysicsError, match=rf"dt = .* at most 1/25 of that, {limit}") as caught:
        pair.simulation.prepare()
    assert caught.value.exit_code == 4


def test_a_run_that_became_too_fast_stops() -> None:
    simulation = gas(64)
    simulation.run(5)
    simulation.world.population("grains")[Particle].velocity *= 3e4
    with pytest.raises(PhysicsError, match=r"collision \(step \d+\): dt = 0.001 is too long .* 1/10"):
        simulation.run(200)


def test_deep_overlaps_are_refused() -> None:
    position = [[3.0, 5, 5], [3.94, 5, 5], [7.0, 5, 5], [7.97, 5, 5]]
    with pytest.raises(PhysicsError, match=r"1 pairs overlap by more than 0.1 .* deepest by 0.12: 0-1 \(ids 0, 1\)"):
        grains(position, 0.0, dt=1e-4).prepare()
    position[1][0] = 3.96
    grains(position, 0.0, dt=1e-4).prepare()


def test_impossible_grains_are_refused() -> None:
    with pytest.raises(PhysicsError, match=r"radius 2.6 is too large for the box: a contact spans 5.2"):
        grains([[5.0, 5, 5]], 0.0, dt=1e-4, radius=2.6).prepare()
    with pytest.raises(PhysicsError, match=r"radius of .* must be >= 0, found -1"):
        grains([[5.0, 5, 5]], 0.0, dt=1e-4, radius=-1.0).prepare()
    with pytest.raises(PhysicsError, match=r"mass .* must be > 0"):
        grains([[5.0, 5, 5]], 0.0, dt=1e-4, mass=0.0).prepare()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"damping": {"restitution": 1.5}}, r"less than or equal to 1"),
        ({"damping": {"coefficient": -1.0}}, r"greater than or equal to 0"),
        ({"damping": {"gamma": 1.0}}, r"damping"),
        ({"modulus": 0.0}, r"modulus = 0.0: .*greater than 0"),
        ({"model": "soft"}, r"model = 'soft'"),
    ],
)
def test_wrong_parameters_are_refused(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        Collision(**parameters)


def test_impacts_have_no_coefficient() -> None:
    with pytest.raises(ScenarioError, match="model impulse takes damping"):
        grains([[5.0, 5, 5]], 0.0, dt=1e-3, model="impulse", damping={"coefficient": 1.0}).prepare()
