"""Flip bytes of a trajectory and read all of it, one process per mutation; prints how the readings ended."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import traceback
from collections import Counter
from pathlib import Path

import numpy as np

from sensorium.engine.errors import SensoriumError
from sensorium.io.run import Run

SECONDS = 20
METADATA = 60_000  # most flips go where HDF5 keeps its structure


def read_everything(path: Path) -> None:
    with Run(path) as run:
        repr(run)
        assert run.parameters is not None
        assert run.scenario is not None
        for population in run.populations.values():
            for column in population.columns:
                np.asarray(population[column])
                population[column][-1]
        for name in run.series_names:
            np.asarray(run.series(name))
        for field in run.fields.values():
            field[-1]
        run.events()


def attempt(path: Path) -> int:
    """Exit code of a reading in a process of its own; negative: killed by that signal."""
    child = os.fork()
    if child == 0:
        signal.alarm(SECONDS)
        code = 1
        try:
            read_everything(path)
            code = 0
        except SensoriumError as error:
            code = error.exit_code
        except IndexError:
            code = 0  # no frame is left: an empty run, read without complaint
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main(source: str, scratch: str, seed: str, count: str) -> None:
    good, path = Path(source).read_bytes(), Path(scratch)
    chance, ends = random.Random(int(seed)), Counter[int]()
    for number in range(int(count)):
        raw = bytearray(good)
        for _ in range(chance.choice((1, 1, 2, 8))):
            where = chance.randrange(len(raw) if chance.random() < 0.3 else min(METADATA, len(raw)))
            raw[where] ^= 1 << chance.randrange(8)
        path.write_bytes(raw)
        end = attempt(path)
        ends[end] += 1
        if end not in (0, 5):
            path.with_name(f"bad-{seed}-{number}.h5").write_bytes(raw)
    print(json.dumps(ends))


if __name__ == "__main__":
    main(*sys.argv[1:])
