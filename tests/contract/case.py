"""What a system promises, as data for the contract suite."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sensorium import Simulation

__all__ = ["Case"]


@dataclass(frozen=True)
class Case:
    """One system in a world where it has something to do.

    Parameters
    ----------
    build
        ``build(precision=..., device=..., count=...)`` gives a new simulation; a function of a module.
    energy
        Bound on the ledger residual after each of `steps` steps.
    momentum
        Bound on the relative change of the total momentum; None where it is not conserved.
    order
        Relative bound on the dependence on the order of rows; 0 is bit by bit.
    steps
        Length of the conservation run.
    rows
        Rows of the run that compares threads: enough for several chunks.
    simulated
        Rows of the run in the CUDA simulator.
    """

    build: Callable[..., Simulation]
    energy: float = 1e-12
    momentum: float | None = None
    order: float = 0.0
    steps: int = 100
    rows: int = 7000
    simulated: int = 24
