"""``senso run``: where the trajectory goes, going on, overwriting, failing, and what is printed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sensorium.io.run import open as open_run

Senso = Callable[..., Any]

FAULTY = '''\
from sensorium import System


class Faulty(System):
    """Breaks at step 3."""
    phase = "end"

    def step(self, dt):
        if self.world.clock.step == 3:
            raise ValueError("broken on purpose")
'''


def test_the_default_output_and_the_closing_words(senso: Senso) -> None:
    answer = senso("run", "tiny.yaml")
    assert answer.code == 0
    assert "tiny: 6 steps in" in answer.out
    assert "energy residual" in answer.out
    assert "trajectory: runs/tiny.h5" in answer.out
    with open_run("runs/tiny.h5") as run:
        assert run.steps[-1] == 6
        assert run.parameters["scenario"] == Path("tiny.yaml").read_text()
    assert not list(Path("runs").glob("*.parts"))


def test_options_reach_the_run(senso: Senso) -> None:
    answer = senso("run", "tiny.yaml", "-o", "out/x.h5", "--steps", "2", "--set", "populations.gas.count=7", "--json")
    assert answer.code == 0
    report = json.loads(answer.out)
    assert report["trajectory"] == "out/x.h5"
    assert (report["step"], report["steps"], report["complete"], report["signal"]) == (2, 2, True, None)
    assert answer.err == ""
    with open_run("out/x.h5") as run:
        assert len(run["gas"].ids[-1]) == 7


def test_quiet_is_quiet(senso: Senso) -> None:
    answer = senso("run", "tiny.yaml", "-q")
    assert (answer.code, answer.out, answer.err) == (0, "", "")


def test_a_packaged_scenario_runs_by_name(senso: Senso) -> None:
    answer = senso("run", "manifold", "--steps", "1", "--set", "populations.text.from.tokenizer.bytes=100")
    assert answer.code == 0, answer.err
    assert Path("runs/manifold.h5").is_file()


def test_plot_and_profile(senso: Senso) -> None:
    answer = senso("run", "tiny.yaml", "--plot", "--profile", "--json")
    report = json.loads(answer.out)
    assert report["picture"] == "runs/tiny.png"
    assert Path("runs/tiny.png").read_bytes().startswith(b"\x89PNG")
    assert report["profile"]["motion"]["calls"] == 6 * 3
    table = senso("run", "tiny.yaml", "--profile", "--overwrite").out
    assert "us/call" in table
    assert "planck-exchange" in table


def test_the_same_command_again_has_nothing_to_do(senso: Senso) -> None:
    senso("run", "tiny.yaml")
    before = Path("runs/tiny.h5").stat().st_mtime_ns
    answer = senso("run", "tiny.yaml")
    assert answer.code == 0
    assert "complete already" in answer.out
    assert Path("runs/tiny.h5").stat().st_mtime_ns == before
    assert json.loads(senso("run", "tiny.yaml", "--json").out)["complete"]


def test_a_complete_run_of_another_scenario_is_not_touched(senso: Senso) -> None:
    senso("run", "tiny.yaml")
    before = Path("runs/tiny.h5").read_bytes()
    answer = senso("run", "tiny.yaml", "--set", "systems.drag.viscosity=2")
    assert answer.code == 5
    assert "another scenario (it differs in: systems)" in answer.err
    assert "--overwrite" in answer.err
    assert Path("runs/tiny.h5").read_bytes() == before
    assert senso("run", "tiny.yaml", "--set", "systems.drag.viscosity=2", "--overwrite").code == 0
    assert Path("runs/tiny.h5").read_bytes() != before


def test_an_invalid_scenario_is_3_with_every_mistake(senso: Senso) -> None:
    Path("bad.yaml").write_text("run: {stpes: 3, dt: -1}\nsystems: [drga]\n")
    answer = senso("run", "bad.yaml")
    assert answer.code == 3
    assert "bad.yaml:1:7: run.stpes: unknown key 'stpes'; did you mean 'steps'?" in answer.err
    assert "bad.yaml:1:21: run.dt: must be > 0, not -1" in answer.err
    assert "bad.yaml:2:11: systems.drga: no system 'drga'; did you mean 'drag'?" in answer.err
    assert "3 mistakes" in answer.err
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["run", "manifodl"], "no file and no packaged scenario 'manifodl'; did you mean 'manifold'?"),
        (["run", "none.yaml"], "none.yaml: cannot be read: No such file or directory"),
        (["run", "."], "is a directory"),
        (["run", "tiny.yaml", "--set", "run.stpes=3"], "--set: run.stpes: unknown key 'stpes'; did you mean 'steps'?"),
        (
            ["run", "tiny.yaml", "--set", "systems.darg.viscosity=3"],
            "no system 'darg' in the scenario; did you mean",
        ),
        (["run", "tiny.yaml", "--set", "nonsense"], "is not of the form path=value"),
        (["run", "tiny.yaml", "--plugin", "none.py"], "plugin none.py: cannot be read"),
        (["run", "tiny.yaml", "--set", "run.dt=.nan"], "must be a finite number"),
    ],
)
def test_mistakes_on_the_command_line_are_3(senso: Senso, arguments: list[str], expected: str) -> None:
    answer = senso(*arguments)
    assert answer.code == 3
    assert expected in answer.err


def test_a_physics_guard_is_4(senso: Senso) -> None:
    answer = senso("run", "tiny.yaml", "--set", "populations.gas.components.particle.mass=0")
    assert answer.code == 4
    assert "(before the first step): mass of 'gas' must be > 0, found 0 (ids 0, 1, 2, 3, 4, ...)" in answer.err


@pytest.mark.parametrize("target", ["tiny.yaml/x.h5", "/proc/none/x.h5"])
def test_a_folder_that_cannot_be_is_5(senso: Senso, target: str) -> None:
    answer = senso("run", "tiny.yaml", "-o", target)
    assert answer.code == 5
    assert answer.err.startswith("error: ")


def test_a_file_that_is_no_trajectory_is_5(senso: Senso) -> None:
    Path("x.h5").write_text("not HDF5")
    answer = senso("run", "tiny.yaml", "-o", "x.h5")
    assert answer.code == 5
    assert "x.h5 is there already, and is no trajectory" in answer.err
    assert Path("x.h5").read_text() == "not HDF5"


def test_a_fault_in_a_plugin_is_1_and_names_the_line(senso: Senso, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("faulty.py").write_text(FAULTY)
    arguments = ("run", "tiny.yaml", "--plugin", "faulty.py", "--set", "systems=[motion, faulty]")
    answer = senso(*arguments)
    assert answer.code == 1
    assert "plugin faulty.py:10: ValueError: broken on purpose" in answer.err
    assert "SENSORIUM_DEBUG=1 shows the traceback" in answer.err


def test_debug_shows_the_traceback(senso: Senso, capsys: pytest.CaptureFixture[str]) -> None:
    from sensorium.cli import senso as group
    from sensorium.cli.failures import guarded

    Path("faulty.py").write_text(FAULTY)
    arguments = ["run", "tiny.yaml", "--plugin", "faulty.py", "--set", "systems=[motion, faulty]", "--debug"]
    assert guarded(group, arguments) == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_device_that_is_not_there_is_2(senso: Senso) -> None:
    from sensorium.engine.device_cuda import gpu_problem

    if gpu_problem() is None:
        pytest.skip("there is a GPU")
    answer = senso("run", "tiny.yaml", "--device", "cuda")
    assert answer.code == 2
    assert "device 'cuda' is not available" in answer.err


def test_a_plugin_file(senso: Senso) -> None:
    Path("field.py").write_text(
        "from sensorium import System, param\nfrom sensorium.components import Particle\n\n\n"
        'class UniformField(System):\n    """F = g m."""\n'
        "    reads = (Particle.mass,)\n    accumulates = (Particle.force,)\n    phase = 'force'\n"
        "    strength: float = param(1.0)\n\n"
        "    def step(self, dt):\n"
        "        for _, particle in self.query(Particle):\n"
        "            particle.force[:, 2] += self.strength * particle.mass\n"
    )
    Path("fall.yaml").write_text(
        "run: {steps: 10, dt: 0.1}\npopulations: {ball: {count: 1, components: {particle: }}}\n"
        "systems: [motion, uniform-field: {strength: 2}]\n"
    )
    answer = senso("run", "fall.yaml", "--plugin", "field.py", "-o", "fall.h5")
    assert answer.code == 0, answer.err
    with open_run("fall.h5") as run:
        # velocity Verlet is exact in a uniform field: z = g t^2 / 2 to rounding of the stored precision
        np.testing.assert_allclose(run["ball"].position[-1][0, 2], 1.0, rtol=1e-6)
    assert json.loads(open_run("fall.h5").parameters["plugins"]) == [os.path.abspath("field.py")]
