"""One step of carriers and phases: the Langevin flow of the paper's equations 27 and 28.

    dC_k/dt     = D_k + (i Omega_k - lambda) C_k + sqrt(2 T) xi_k       D_k = sum_i T_ik z_i
    dtheta_i/dt = omega_i + coupling * A_i Im(exp(-i theta_i) G_i)      G_i = sum_k T_ik C_k
                  + sqrt(2 T) eta_i

A step evaluates D and G twice: at the state (D0, G0) and at a predicted end (D1, G1). Carriers are then solved exactly
for a drive that grows and turns exponentially from D0 to D1; for a drive that stays, or turns steadily, that is the
exact solution. Phases are solved exactly, rotation and torque together, for a field that turns steadily from the angle
of G0 to that of G1 with the mean modulus: a locked phase stays locked at the exact offset, a drifting one has the exact
mean frequency, and no field is too strong for the step. The whole is of second order.

In a step the drive may turn by any angle, as long as it stays within half a turn of the rotation of its carrier.
"""

from __future__ import annotations

import math

from sensorium.engine.kernel import device, kernel, real
from sensorium.engine.math import atan2, exp, expm1, floor, log, sincos, sqrt
from sensorium.engine.random import normal, normal_pair

__all__ = [
    "advance_carriers",
    "advance_phases",
    "diffuse_phases",
    "predict_carriers",
    "predict_phases",
    "wrap_phases",
]

TURN = 2 * math.pi
INVERSE_TURN = 1 / TURN

# beyond this growth or turn in one step the drive is taken as linear in time: its logarithm says little
MOST_GROWTH = 0.7
MOST_TURN = 3.0


@device
def decay_weights(rate, dt):
    """(exp(-x), (1 - exp(-x)) / x, (exp(-x) - 1 + x) / x^2) with x = rate * dt."""
    x = rate * dt
    lost = -expm1(-x)
    if x > 1e-3:
        first = lost / x
        return 1.0 - lost, first, (1.0 - first) / x
    # the series: relative error of the last one x^3 / 60
    return 1.0 - lost, 1.0 - x * (0.5 - x / 6.0), 0.5 - x * (real(1) / 6.0 - x / 24.0)


@device
def exponential_mean(re, im):
    """(exp(x) - 1) / x of a complex x."""
    size = re * re + im * im
    if size < 1e-24:
        return 1.0 + 0.5 * re, 0.5 * im
    grown = expm1(re)
    sine, cosine = sincos(im)
    half, _ = sincos(0.5 * im)
    top_re = grown * cosine - 2.0 * half * half
    top_im = (grown + 1.0) * sine
    return (top_re * re + top_im * im) / size, (top_im * re - top_re * im) / size


@device
def driven(d0_re, d0_im, d1_re, d1_im, spin, rate, dt):
    """Integral of exp((i spin - rate)(dt - s)) D(s) ds over a step in which D goes from D0 to D1."""
    keep, first, second = decay_weights(rate, dt)
    sine, cosine = sincos(spin * dt)
    # D1 seen from the frame that turns with the carrier
    end_re = d1_re * cosine + d1_im * sine
    end_im = d1_im * cosine - d1_re * sine
    size = d0_re * d0_re + d0_im * d0_im
    growth = 2.0 * MOST_GROWTH
    turn = 0.0
    if size > 0.0:
        ratio_re = (end_re * d0_re + end_im * d0_im) / size
        ratio_im = (end_im * d0_re - end_re * d0_im) / size
        squared = ratio_re * ratio_re + ratio_im * ratio_im
        if squared > 0.0:
            growth = 0.5 * log(squared)
            turn = atan2(ratio_im, ratio_re)
    if abs(growth) < MOST_GROWTH and abs(turn) < MOST_TURN:
        mean_re, mean_im = exponential_mean(growth + rate * dt, turn)
        in_re = keep * (d0_re * mean_re - d0_im * mean_im)
        in_im = keep * (d0_re * mean_im + d0_im * mean_re)
    else:
        in_re = d0_re * first + (end_re - d0_re) * second
        in_im = d0_im * first + (end_im - d0_im) * second
    return dt * (in_re * cosine - in_im * sine), dt * (in_re * sine + in_im * cosine)


@device
def turned(re, im, angle):
    """(re + i im) exp(i angle)."""
    sine, cosine = sincos(angle)
    return re * cosine - im * sine, re * sine + im * cosine


@kernel(cost=60.0)
def predict_carriers(k, c_re, c_im, spin, live, d_re, d_im, to_re, to_im, decay, gain, dt):
    """C at the end of the step if the drive only turned with the carrier."""
    keep, first, _ = decay_weights(decay * live[k], dt)
    weight = first * dt * gain * live[k]
    x = keep * c_re[k] + weight * d_re[k]
    y = keep * c_im[k] + weight * d_im[k]
    to_re[k], to_im[k] = turned(x, y, spin[k] * dt)


@kernel(cost=200.0)
def advance_carriers(
    k, ids, c_re, c_im, spin, live, d0_re, d0_im, d1_re, d1_im, calm_re, calm_im, to_re, to_im, decay, gain, noise,
    seed, step, stream, dt,
):  # fmt: skip
    """Equation 27 over a step. `calm` is the end without the noise, whose variance per component is that of the
    Ornstein-Uhlenbeck process: T (1 - exp(-2 lambda dt)) / lambda."""
    rate = decay * live[k]
    x, y = turned(c_re[k], c_im[k], spin[k] * dt)
    keep = exp(-rate * dt)
    in_re, in_im = driven(d0_re[k], d0_im[k], d1_re[k], d1_im[k], spin[k], rate, dt)
    x = keep * x + live[k] * gain * in_re
    y = keep * y + live[k] * gain * in_im
    calm_re[k] = x
    calm_im[k] = y
    _, spread, _ = decay_weights(2.0 * rate, dt)
    kick = live[k] * sqrt(2.0 * noise * dt * spread)
    first, second = normal_pair(seed, ids[k], step, stream, 0)
    to_re[k] = x + kick * first
    to_im[k] = y + kick * second


@device
def adler(re, im, pull, detuning, dt):
    """How an angle phi moves in dphi/dt = detuning - pull sin(phi), exactly.

    With w = exp(i phi) = re + i im the equation is of Riccati type, and its solution the Moebius map
    w -> w conj(y) / y; returned is y, up to a positive or negative factor (Adler, Proc. IRE 34, 351, 1946).
    """
    root = 0.25 * (pull * pull - detuning * detuning) * dt * dt
    x = sqrt(abs(root))
    if x < 1e-3:
        # (sinh x / x) and cosh x of x^2 = root
        whole, part = 1.0 + 0.5 * root, dt * (1.0 + root / 6.0)
    elif root > 0.0:
        lost = expm1(-2.0 * x)
        whole, part = 1.0, dt * -lost / ((2.0 + lost) * x)
    else:
        sine, whole = sincos(x)
        part = dt * sine / x
    return whole + 0.5 * part * pull * re, 0.5 * part * (pull * im - detuning)


@kernel(cost=15.0)
def predict_phases(
    s, speed, turn_re, turn_im, u_re, u_im, amplitude, grip, g_re, g_im, z_re, z_im, coupling, rotation, dt
):
    """z at the end of the step if the field only turned with the oscillator, or stood still without rotation.

    `turn` is the rotation exp(i rotation speed dt) of the frame, `u` is exp(i theta).
    """
    size = sqrt(g_re[s] * g_re[s] + g_im[s] * g_im[s])
    # the angle between oscillator and field, in a frame that turns with the field
    scale = 1.0 / size if size > 0.0 else 0.0
    re, im = (u_re[s] * g_re[s] + u_im[s] * g_im[s]) * scale, (u_im[s] * g_re[s] - u_re[s] * g_im[s]) * scale
    y_re, y_im = adler(re, im, coupling * grip[s] * size, speed[s] - rotation * speed[s], dt)
    # u turn conj(y) / y
    x, y = u_re[s] * turn_re[s] - u_im[s] * turn_im[s], u_re[s] * turn_im[s] + u_im[s] * turn_re[s]
    inverse = amplitude[s] / (y_re * y_re + y_im * y_im)
    square_re, square_im = (y_re * y_re - y_im * y_im) * inverse, -2.0 * y_re * y_im * inverse
    z_re[s] = x * square_re - y * square_im
    z_im[s] = x * square_im + y * square_re


@kernel(cost=20.0)
def advance_phases(
    s, speed, turn_re, turn_im, u_re, u_im, angle, grip, g0_re, g0_im, g1_re, g1_im, to, coupling, rotation, dt
):
    """Equation 28 without its noise, over a step in which the field turns steadily from G0 to G1."""
    frame = rotation * speed[s]
    size_0 = sqrt(g0_re[s] * g0_re[s] + g0_im[s] * g0_im[s])
    size_1 = sqrt(g1_re[s] * g1_re[s] + g1_im[s] * g1_im[s])
    # turn of the field beyond that of the frame, within half a turn
    end_re, end_im = g1_re[s] * turn_re[s] + g1_im[s] * turn_im[s], g1_im[s] * turn_re[s] - g1_re[s] * turn_im[s]
    extra = atan2(end_im * g0_re[s] - end_re * g0_im[s], end_re * g0_re[s] + end_im * g0_im[s])
    scale = 1.0 / size_0 if size_0 > 0.0 else 0.0
    re, im = (u_re[s] * g0_re[s] + u_im[s] * g0_im[s]) * scale, (u_im[s] * g0_re[s] - u_re[s] * g0_im[s]) * scale
    pull = 0.5 * coupling * grip[s] * (size_0 + size_1)
    y_re, y_im = adler(re, im, pull, speed[s] - frame - extra / dt, dt)
    to[s] = angle[s] + frame * dt + extra - 2.0 * atan2(y_im, y_re)


@kernel(cost=5.0)
def diffuse_phases(s, ids, angle, spread, seed, step, stream):
    """The noise of equation 28; `spread` is sqrt(2 T dt)."""
    angle[s] += spread * normal(seed, ids[s], step, stream, 1)


@kernel
def wrap_phases(s, before, free, angle):
    """Into [0, 2 pi); a held phase is what it was."""
    theta = angle[s]
    theta -= TURN * floor(theta * INVERSE_TURN)
    # rounding can leave an angle on the far edge, or one ulp outside
    theta = theta if theta >= 0.0 and theta < TURN else 0.0
    angle[s] = theta if free[s] > 0.0 else before[s]
