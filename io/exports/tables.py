"""Tables: series, events and populations as CSV or Parquet; and trajectories with time as the fast axis."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from sensorium.engine.errors import OutputError
from sensorium.io.convert import to_pandas
from sensorium.io.run import Run

__all__ = ["write_csv", "write_parquet", "write_transposed"]

BLOCK_BYTES = 64 << 20  # frames that are held in memory at a time
CHUNK_BYTES = 1 << 20


def write_csv(run: Run, what: str, output: Path) -> None:
    """A table as text; numbers come back as they were."""
    to_pandas(run, what).to_csv(output, index=what == "series")


def write_parquet(run: Run, what: str, output: Path) -> None:
    """A table as Parquet."""
    try:
        to_pandas(run, what).to_parquet(output)
    except ImportError as error:
        raise OutputError(
            f"Parquet needs the package pyarrow, which is not installed (pip install pyarrow): {error}"
        ) from None


def write_transposed(run: Run, output: Path) -> None:
    """HDF5 with rows first: ``particles/<population>/<column>/value`` is (rows, frames, ...), for series per particle.

    In the trajectory one frame is one chunk, so the history of one particle is spread over the whole file; here it
    lies together. Only populations with a constant number of rows have histories by row.
    """
    with h5py.File(output, "w") as file:
        file["step"], file["time"] = run.steps, run.times
        for name, population in run.populations.items():
            counts = population.counts
            if not len(counts) or counts.min() != counts.max() or not counts[0]:
                continue
            for column in population.columns:
                source = population[column]
                rows, frames = int(counts[0]), len(run)
                shape = (rows, frames, *source.shape[2:])
                cell = source.dtype.itemsize * int(np.prod(source.shape[2:], dtype=int))
                together = max(1, min(rows, CHUNK_BYTES // max(1, frames * cell)))
                long = min(frames, max(1, CHUNK_BYTES // cell))
                target = file.create_dataset(
                    f"particles/{name}/{column}/value", shape, source.dtype, chunks=(together, long, *source.shape[2:])
                )
                target.attrs["quantity"] = source.unit
                at_once = max(1, BLOCK_BYTES // max(1, rows * cell))
                for first in range(0, frames, at_once):
                    block = source[first : first + at_once][:, :rows]
                    target[:, first : first + len(block)] = np.swapaxes(block, 0, 1)
