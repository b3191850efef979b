"""Tuning: how strongly oscillators and carriers couple (paper, equation 26), for selections of either."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sensorium.engine.component import Columns

__all__ = ["tuning"]


def tuning(oscillators: Columns, carriers: Columns) -> npt.NDArray[Any]:
    """T_ik = exp(-(omega_i - Omega_k)^2 / sigma_k^2), ``(oscillators, carriers)``, from their columns."""
    omega, centre = oscillators("frequency").astype(np.float64), carriers("frequency").astype(np.float64)
    distance = (omega[:, None] - centre) / carriers("gate_width").astype(np.float64)
    return np.asarray(np.exp(-(distance**2)))
