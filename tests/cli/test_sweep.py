"""``senso sweep`` from end to end: kills, signals, failures, and the same bits as the runs alone."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from sensorium.cli import senso
from sensorium.cli.failures import guarded

pytest.importorskip("distributed", reason="sweeps need sensorium-engine[sweep]")

SCENARIO = """
sensorium: 1
name: gas
run: {steps: 40, dt: 0.01, seed: 7}
box: {edges: [1, 1, 1]}
populations:
  gas:
    count: 50
    components: {particle: {position: random, velocity: {maxwell: {temperature: 1.0}}}}
systems: [motion, drag: {viscosity: 0.5}, witness]
output: {trajectory: {every: 8}, checkpoint: {every: 10}}
sweep: {systems.drag.viscosity: [0.1, 0.3, 1.0], run.seed: {range: 8}}
"""

# notes every step that is computed, and kills its process once, in the middle of one run
WITNESS = """
import os, signal
from pathlib import Path
from sensorium import System

HERE = Path(__file__).parent

class Witness(System):
    '''Watches a sweep.'''

    phase = "end"

    def step(self, dt):
        seed, step = self.world.seed, self.world.clock.step
        with open(HERE / f"steps-{seed}", "a") as log:
            log.write(f"{os.getpid()} {step}\\n")
        if seed == 5 and step == 25 and (HERE / "armed").exists():
            (HERE / "armed").unlink()
            os.kill(os.getpid(), signal.SIGKILL)
"""

LONG = (
    "--set", "run.steps=20000", "--set", "sweep={}", "--set", "output.series={every: 100}",
    "--set", "output.trajectory={every: 1000}", "--set", "output.checkpoint={every: 1000}", "--vary", "run.seed=1,2",
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with the scenario and its plugin."""
    (tmp_path / "gas.yaml").write_text(SCENARIO)
    (tmp_path / "witness.py").write_text(WITNESS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def arguments(*more: str) -> list[str]:
    return ["sweep", "gas.yaml", "-o", "out", "--plugin", "witness.py", "--workers", "2", *more]


def sweep(*more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sensorium", *arguments(*more)], capture_output=True, text=True, check=False, timeout=300
    )


def table(folder: Path) -> list[dict[str, str]]:
    with open(folder / "out" / "results.csv", newline="") as file:
        return list(csv.DictReader(file))


def values(path: Path) -> dict[str, Any]:
    """Every number of a trajectory; what says when and where it was made is left out."""
    found: dict[str, Any] = {}

    def take(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and not name.startswith(("parameters", "engine/layout")):
            found[name] = item[()]

    with h5py.File(path) as file:
        file.visititems(take)
    return found


def assert_equal_runs(one: Path, other: Path) -> None:
    a, b = values(one), values(other)
    assert a.keys() == b.keys()
    for name in a:
        assert np.array_equal(a[name], b[name], equal_nan=np.asarray(a[name]).dtype.kind == "f"), name


def test_one_worker_of_a_sweep_is_killed(folder: Path) -> None:
    """24 runs, one worker killed in the middle of one: complete, and bit for bit the runs alone."""
    (folder / "armed").touch()
    done = sweep()
    assert done.returncode == 0, done.stderr
    assert not (folder / "armed").exists(), "nothing was killed"
    rows = table(folder)
    assert len(rows) == 24
    assert {row["status"] for row in rows} == {"complete"}
    # the killed run went on from its checkpoint in another process
    log = [line.split() for line in (folder / "steps-5").read_text().splitlines()]
    killed = next(pid for pid, step in log if step == "25")
    assert len({pid for pid, _ in log}) >= 2
    again = [int(step) for pid, step in log if pid != killed]
    assert 20 in again
    assert sum(int(step) == 0 for _, step in log) == 3, "a member started from the beginning again"
    for row in rows:
        own = [
            "--set",
            f"systems.drag.viscosity={row['systems.drag.viscosity']}",
            "--set",
            f"run.seed={row['run.seed']}",
        ]
        alone = ["run", "gas.yaml", "-o", "alone.h5", "--plugin", "witness.py", "--overwrite", "-q", *own]
        assert guarded(senso, alone) == 0
        assert_equal_runs(folder / "out" / row["member"] / "run.h5", folder / "alone.h5")
        with h5py.File("alone.h5") as file:
            assert float(row["energy/kinetic"]) == file["engine/series/energy/kinetic/value"][-1]


def test_a_member_that_fails_leaves_the_others_alone(folder: Path) -> None:
    # a velocity of 1e200 overflows the kinetic energy: a guard stops that member
    vary = ["--set", "sweep={}", "--vary", "populations.gas.components.particle.velocity=1,1e200"]
    done = sweep(*vary, "--json")
    assert done.returncode == 4, done.stderr
    report = json.loads(done.stdout)
    assert (report["members"], report["complete"], report["failed"]) == (2, 1, 1)
    assert Path(report["picture"]).stat().st_size > 10_000
    good, bad = report["results"]
    assert (good["status"], bad["status"], bad["exit_code"]) == ("complete", "failed", 4)
    assert "not finite" in bad["message"] or "energy" in bad["message"]
    assert good["energy/kinetic"] > 0
    assert [row["status"] for row in table(folder)] == ["complete", "failed"]


@pytest.fixture
def long(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A sweep of two members that take some seconds each, running."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sensorium", *arguments(*LONG)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not all((folder / f"steps-{seed}").exists() for seed in (1, 2)):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    yield process
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def test_interrupt_leaves_everything_resumable(folder: Path, long: subprocess.Popen[str]) -> None:
    """Ctrl-C reaches all processes of the terminal: members save, the same command goes on."""
    os.killpg(long.pid, signal.SIGINT)
    out, error = long.communicate(timeout=60)
    assert long.returncode == 130, error
    assert "the same command goes on" in out
    rows = table(folder)
    assert {row["status"] for row in rows} == {"stopped"}
    steps = [int(row["step"]) for row in rows]
    assert all(0 < step < 20000 for step in steps)
    for row, step in zip(rows, steps, strict=True):
        assert (folder / "out" / row["member"] / "run.h5.parts" / f"checkpoint-{step:012d}.h5").exists()
    done = sweep(*LONG)
    assert done.returncode == 0, done.stderr
    for seed in (1, 2):
        computed = [int(line.split()[1]) for line in (folder / f"steps-{seed}").read_text().splitlines()]
        assert computed == list(range(20_000)), "steps were lost or computed twice"


SBATCH = """#!/bin/sh
cp "$1" job.sh
sh ./job.sh > job.log 2>&1 &
echo "Submitted batch job $!"
"""


@pytest.mark.slow
def test_slurm(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers come as jobs; `sbatch` and `scancel` are stand-ins that know processes only."""
    pytest.importorskip("dask_jobqueue")
    programs = folder / "bin"
    programs.mkdir()
    for name, script in (("sbatch", SBATCH), ("scancel", "#!/bin/sh\nexit 0\n")):
        (programs / name).write_text(script)
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    options = ["--slurm", "queue=short", "--slurm", "interface=lo", "--slurm", "walltime=00:10:00"]
    done = sweep("--set", "sweep={}", "--vary", "run.seed=1,2", *options)
    assert done.returncode == 0, done.stderr
    assert {row["status"] for row in table(folder)} == {"complete"}
    assert "#SBATCH -p short" in (folder / "job.sh").read_text()
    wrong = sweep("--set", "sweep={}", "--vary", "run.seed=3", "--slurm", "quee=short")
    assert wrong.returncode == 3
    assert "quee" in wrong.stderr
