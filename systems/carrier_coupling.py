"""Carrier coupling: oscillators drive carriers, carriers pull the phases of oscillators."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from pydantic import PositiveFloat

from sensorium.components.carrier import CRYSTALLIZED, STATES, Carrier
from sensorium.components.conditions import Annealing, EnergyStatistics, IdleMode
from sensorium.components.momentum import CarrierMomentum, PhaseMomentum
from sensorium.components.oscillator import Oscillator
from sensorium.engine.errors import PhysicsError
from sensorium.engine.kernel import kernel
from sensorium.engine.primitives import nonnegative
from sensorium.engine.system import System, param
from sensorium.engine.world import World
from sensorium.systems.spectral.energy import carrier_energy, carrier_population, carrier_stores
from sensorium.systems.spectral.flow import (
    advance_carriers,
    advance_phases,
    diffuse_phases,
    predict_carriers,
    predict_phases,
    wrap_phases,
)
from sensorium.systems.spectral.observables import diagnostic, drives_of, gain, order_parameter, potential
from sensorium.systems.spectral.spectrum import Rates, Spectrum
from sensorium.systems.spectral.symplectic import conserved_potential, kinetic_energy, verlet

__all__ = ["CarrierCoupling"]


@kernel
def put_phases(i, slot, angle, phase):
    phase[i] = angle[nonnegative(slot[i])]


@kernel
def put_carriers(i, slot, c_re, c_im, d_re, d_im, total, gain, amplitude, drive, support):
    k = nonnegative(slot[i])
    amplitude[i, 0] = c_re[k]
    amplitude[i, 1] = c_im[k]
    drive[i, 0] = gain * d_re[k]
    drive[i, 1] = gain * d_im[k]
    support[i] = gain * total[k]


class CarrierCoupling(System):
    """Langevin flow of carriers and phases on the resonance potential (paper, equations 25 to 28).

    dC_k/dt = sum_i T_ik z_i + (i Omega_k - decay) C_k + sqrt(2 T) xi_k and
    dtheta_i/dt = omega_i + coupling sum_k T_ik A_i R_k sin(psi_k - theta_i) + sqrt(2 T) eta_i, with the tuning kernel
    T_ik of equation 26. Carriers are exact for a steady or steadily turning drive and exact in their noise; the step
    is of second order and has locked states as fixed points. Crystallized carriers only turn.

    The paper has no rotation i Omega_k. Without it a carrier is a low pass that cannot follow oscillators whose mean
    frequency is large against `decay`; ``rotation: false`` is the paper's form.

    In ``mode: symplectic`` (paper, equations 17 to 19) oscillators with a ``phase-momentum``, and carriers with a
    ``carrier-momentum``, move conservatively on the same potential; others stay.

    Energy: |C|^2 of the carriers is a store; what drive, decay and noise add to it is booked to the channels
    ``carrier-drive``, ``carrier-decay`` and ``carrier-noise``. Phases hold no energy.
    """

    reads = (
        Oscillator.frequency,
        Oscillator.energy,
        Carrier.frequency,
        Carrier.gate_width,
        Carrier.mass,
        Carrier.state,
        PhaseMomentum.inertia,
        CarrierMomentum.weight,
    )
    writes = (
        Oscillator.phase,
        PhaseMomentum.momentum,
        Carrier.amplitude,
        Carrier.drive,
        Carrier.support,
        CarrierMomentum.rate,
    )
    phase = "spectral"
    potentials = ("resonance",)

    mode: Literal["flow", "symplectic"] = param(
        "flow", doc="symplectic: conservative motion of phases with momenta, no decay and no noise"
    )
    coupling: float = param(0.25, ge=0, unit="1/(energy time)", doc="strength of the pull of carriers on phases")
    decay: float = param(0.15, ge=0, unit="1/time", doc="decay rate lambda of carriers")
    noise_temperature: float = param(0.01, ge=0, unit="energy/time", doc="Langevin temperature T")
    rotation: bool = param(True, doc="carriers turn at their own frequency; false is the paper's literal form")
    frame: Literal["lab", "rotating"] = param(
        "lab", doc="rotating: each phase is theta - omega t, and nothing turns by itself"
    )
    drive: Literal["sum", "mean"] = param("sum", doc="oscillators drive by their sum (paper) or by their mean")
    cutoff: Literal["exact"] | PositiveFloat = param(
        "exact", doc="gate widths beyond which T = 0; an error below exp(-cutoff^2) of the sum of magnitudes"
    )
    voice: float = param(1.0, ge=0, le=1, doc="factor of the drive of oscillators whose phase is not clamped")
    frozen: bool = param(True, doc="crystallized carriers keep their C; false lets them answer like the others")
    adaptive: bool = param(True, doc="decay and noise scale with the energy statistics, where a system measures them")

    def attach(self, world: World) -> None:
        """Bring the spectrum, and a population for carriers if there is none."""
        super().attach(world)
        carrier_population(world)
        self._spectrum = Spectrum.of(world)
        lab = self.frame == "lab"
        self._spectrum.rates = Rates(
            self.coupling,
            self.decay,
            drift=float(lab),
            rotation=float(lab and self.rotation),
            mean=self.drive == "mean",
            voice=self.voice,
            frozen=self.frozen,
            cutoff=None if self.cutoff == "exact" else self.cutoff,
        )
        self._support: tuple[int, Any, Any] | None = None
        self._kept: tuple[int, list[Any]] | None = None

    def check(self, dt: float) -> None:
        """Refuse gate widths that are not positive, and negative oscillator energies."""
        for population, carrier in self.query(Carrier):
            self._refuse(population, carrier.gate_width, "gate_width", carrier.gate_width > 0, "> 0")
        for population, oscillator in self.query(Oscillator):
            self._refuse(population, oscillator.energy, "energy", oscillator.energy >= 0, ">= 0")
        for population, moving in self.query(PhaseMomentum):
            self._refuse(population, moving.inertia, "inertia", moving.inertia > 0, "> 0")
        for population, moving in self.query(CarrierMomentum):
            self._refuse(population, moving.weight, "weight", moving.weight > 0, "> 0")
        if self.mode == "symplectic" and not self.query(PhaseMomentum):
            raise PhysicsError(self.instance, "mode 'symplectic' moves nothing: no population has phase-momentum")

    def _refuse(self, population: Any, column: Any, name: str, good: Any, bound: str) -> None:
        bad = ~self.device.host(good)
        if bad.any():
            ids = self.device.host(population.ids)[bad]
            worst = self.device.host(column)[bad].min()
            raise PhysicsError(
                self.instance, f"{name} of '{population.name}' must be {bound}, found {worst:g}", rows=ids
            )

    # ---- the step ---------------------------------------------------------------------------------------------

    def step(self, dt: float) -> None:
        """Advance carriers and phases together by `dt`."""
        if self.mode == "symplectic":
            self._conserve(dt)
            return
        spectrum = self._spectrum
        spectrum.take()
        if spectrum.oscillators.n == 0 and spectrum.carriers.n == 0:
            return
        lines, points = spectrum.carrier_rows, spectrum.oscillator_rows
        decay, noise = self._decay_and_noise()
        factor = gain(spectrum)
        field_0, field_1, guess, drive_0, drive_1, ahead, calm, after, angle = self._space()

        spectrum.couple(spectrum.z, spectrum.c, field_0, drive_0)
        predict_carriers(lines, *spectrum.c, spectrum.spin, spectrum.live, *drive_0, *ahead, decay, factor, dt)
        turning, grip = spectrum.rates.rotation, spectrum.grip
        phasors = spectrum.speed, *spectrum.turns(turning * dt), *spectrum.unit
        pull = self.coupling, turning, dt
        predict_phases(points, *phasors, spectrum.amplitude, grip, *field_0, *guess, *pull)
        spectrum.couple(guess, ahead, field_1, drive_1)

        keys = self.world.seed, self.world.clock.step, self.stream
        carriers = (*spectrum.c, spectrum.spin, spectrum.live, *drive_0, *drive_1, *calm, *after)
        advance_carriers(lines, spectrum.carrier_ids, *carriers, decay, factor, noise, *keys, dt)
        advance_phases(points, *phasors, spectrum.angle, grip, *field_0, *field_1, angle, *pull)
        if noise > 0:
            diffuse_phases(points, spectrum.oscillator_ids, angle, math.sqrt(2 * noise * dt), *keys)
        wrap_phases(points, spectrum.angle, spectrum.free, angle)
        self._put(angle, after, drive_1)
        self._book(calm, after, decay, dt)

    def _space(self) -> list[Any]:
        """Arrays of the step: over oscillators field (two), guess; over carriers five; and angles.

        They are kept while nobody comes or goes: new memory of this size costs as much as what is computed in it.
        """
        spectrum, empty = self._spectrum, self.device.empty
        padded, lines = spectrum.sums.padded, spectrum.sums.lines
        if self._kept is None or self._kept[0] != spectrum.version:
            # padding of the guess takes part in sums: zeros
            made = [empty((2, padded)), empty((2, padded)), self.device.zeros((2, padded))]
            self._kept = spectrum.version, [*made, *(empty((2, lines)) for _ in range(5)), empty(padded)]
        return self._kept[1]

    def _conserve(self, dt: float) -> None:
        """One step of the conservative layer; the work of its kicks is booked like that of forces."""
        spectrum, book = self._spectrum, self.world.ledger.book
        before = carrier_energy(self.world)
        work, drive = verlet(spectrum, dt)
        spectrum.take()
        self._put(spectrum.angle, spectrum.c, drive)
        book("integrator", work)
        book("carrier-drive", carrier_energy(self.world) - before)

    def _decay_and_noise(self) -> tuple[float, float]:
        """Decay and noise temperature at present: nominal, times what statistics, idle mode and annealing say."""
        decay, noise, world = self.decay, self.noise_temperature, self.world
        if world.has(Annealing) and world.resource(Annealing).temperature is not None:
            return decay, float(world.resource(Annealing).temperature)  # type: ignore[arg-type]
        if world.has(IdleMode):
            noise *= world.resource(IdleMode).noise
        if self.adaptive and world.has(EnergyStatistics):
            statistics = world.resource(EnergyStatistics)
            return decay * statistics.scale, noise * statistics.agitation
        return decay, noise

    def _put(self, angle: Any, carriers: Any, drive: Any) -> None:
        spectrum = self._spectrum
        support = self._supports()
        for (population, oscillator), slot in zip(self.query(Oscillator), spectrum.oscillators.slots, strict=True):
            put_phases(population, slot, angle, oscillator.phase)
        for (population, carrier), slot in zip(self.query(Carrier), spectrum.carriers.slots, strict=True):
            columns = carrier.amplitude, carrier.drive, carrier.support
            put_carriers(population, slot, *carriers, *drive, support, gain(spectrum), *columns)

    def _supports(self) -> Any:
        """sum_i T_ik A_i; made again only when T or an amplitude has changed."""
        spectrum, xp = self._spectrum, self.device.xp
        held = self._support
        if held is None or held[0] != spectrum.version or not bool(xp.array_equal(held[1], spectrum.amplitude)):
            total = spectrum.collect(spectrum.waves[4:])[0]
            held = self._support = (spectrum.version, self.device.array(spectrum.amplitude), total)
        return held[2]

    def _book(self, calm: Any, after: Any, decay: float, dt: float) -> None:
        """|C|^2 came in by drive, left by decay, and moved by noise; the three add up to its change."""
        host, book = self.device.host, self.world.ledger.book
        parts = (self._spectrum.c, calm, after)
        before, quiet, ended = (np.square(host(part), dtype=np.float64).sum(axis=0) for part in parts)
        kept = before * np.exp(-2 * decay * dt * host(self._spectrum.live).astype(np.float64))
        book("carrier-decay", float((kept - before).sum()))
        book("carrier-drive", float((quiet - kept).sum()))
        book("carrier-noise", float((ended - quiet).sum()))

    # ---- looking ----------------------------------------------------------------------------------------------

    def stores(self) -> dict[str, float]:
        """``carrier``: |C|^2 + M of all carriers; in symplectic mode ``momenta`` and the potential ``resonance``."""
        found = carrier_stores(self)
        if self.mode == "symplectic":
            found["momenta"] = kinetic_energy(self._spectrum)
            found["resonance"] = conserved_potential(self._spectrum)
        return found

    def observe(self) -> dict[str, float]:
        """Potential (25), its phase-free diagnostic (16), the order parameter r, and carriers by state."""
        spectrum = self._spectrum
        spectrum.take()
        states = np.concatenate([[], *(self.device.host(c.state) for _, c in self.query(Carrier))]).astype(int)
        counts = np.bincount(states, minlength=CRYSTALLIZED + 1)
        resonance, drive = drives_of(spectrum, spectrum.waves[:4])
        return {
            "carriers/count": float(len(states)),
            **{f"carriers/{name}": float(count) for name, count in zip(STATES, counts, strict=False)},
            "carriers/potential": potential(spectrum, self._decay_and_noise()[0], drive),
            "carriers/diagnostic": diagnostic(spectrum, resonance),
            "order/r": order_parameter(spectrum),
        }
