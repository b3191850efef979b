"""The commands that look: validate, info, systems, scenarios, schema, doctor, plot, warmup."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sensorium.cli.progress import span

Senso = Callable[..., Any]


def test_validate(senso: Senso) -> None:
    Path("bad.yaml").write_text("run: {stpes: 3, dt: -1}\n")
    assert senso("validate", "tiny.yaml", "manifold").out == "tiny.yaml: valid\nmanifold: valid\n"
    answer = senso("validate", "tiny.yaml", "bad.yaml", "none.yaml")
    assert answer.code == 3
    assert answer.out == "tiny.yaml: valid\n"
    assert len(answer.err.splitlines()) == 3
    report = json.loads(senso("validate", "tiny.yaml", "bad.yaml", "nome", "--json").out)
    assert [row["valid"] for row in report] == [True, False, False]
    assert report[1]["mistakes"][0] == {
        "file": "bad.yaml", "line": 1, "column": 7, "path": "run.stpes",
        "message": "unknown key 'stpes'; did you mean 'steps'?",
    }  # fmt: skip
    assert senso("validate", "tiny.yaml", "--set", "run.dt=0").code == 3
    assert senso("validate", "-q", "tiny.yaml").out == ""


def test_info_of_a_scenario(senso: Senso) -> None:
    answer = senso("info", "tiny.yaml", "--set", "populations.gas.count=1000")
    assert answer.code == 0
    # particle: 3 reals x 3 + 3 i4 + 3 reals = 108, oscillator 24, id 8
    assert "gas: 1000 rows x 140 bytes = 140.0 kB (particle, oscillator)" in answer.out
    steps = [line.split()[0] for line in answer.out.split("step\n")[1].split("\n\n")[0].splitlines()]
    assert steps == ["begin", "friction", "kick", "drift", "kick", "friction", "exchange", "end"]
    about = json.loads(senso("info", "tiny.yaml", "--json").out)
    assert about["populations"][0]["row_bytes"] == 140
    drag = next(row for row in about["flow"] if row["system"] == "drag")
    assert drag["reads"] == ["particle.mass", "particle.radius"]
    assert drag["writes"] == ["particle.velocity", "particle.heat"]
    single = json.loads(senso("info", "tiny.yaml", "--json", "--set", "run.precision=single").out)
    assert single["populations"][0]["row_bytes"] == 8 + 4 * 15 + 12


@pytest.mark.parametrize("name", ["stokes", pytest.param("collapse", marks=pytest.mark.slow)])
def test_measured_memory_is_right_to_ten_percent(senso: Senso, name: str) -> None:
    """Promised: memory per particle, stated before the run, true to 10%."""
    from sensorium.cli.memory import WHOLE, _held, measured
    from sensorium.scenarios.scenario import read_scenario

    gas = {"populations.gas.count": 400_000, "populations.gas.components.particle.radius": 0.0025}
    overrides = {"populations.spheres.count": 300_000} if name == "stokes" else gas
    scenario = read_scenario(name, overrides)
    assert scenario.populations[0].count > WHOLE
    assert measured(scenario).total == pytest.approx(_held(scenario, {}), rel=0.1)


SIZES = [
    ("gas.count=40000", "grid=[32,32,32]", "double"),
    pytest.param("gas.count=100000", "grid=[64,64,64]", "single", marks=pytest.mark.slow),
]


# the usage that a parent is told of its child begins with the parent's own memory: the process is asked itself
PEAK = """
import sys
from sensorium.cli import senso
from sensorium.cli.failures import guarded
code = guarded(senso, sys.argv[1:])
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
sys.exit(code)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs a system that tells the peak of a process")
@pytest.mark.parametrize(("count", "grid", "precision"), SIZES, ids=str)
def test_the_peak_of_a_run_is_what_info_said(senso: Senso, process: Any, count: str, grid: str, precision: str) -> None:
    """Promised: the memory of a run, known before it runs, true to 10%: the whole process, output included."""
    values = [f"populations.{count}", f"box.{grid}", f"run.precision={precision}", "run.steps=5"]
    values += ["populations.gas.components.particle.radius=0.004"]
    sets = [word for value in values for word in ("--set", value)]
    assert process("run", "collapse", "--quiet", "-o", "first.h5", *sets).wait() == 0  # compilers need memory, too
    said = process("info", "collapse", "--json", *sets)
    about = json.loads(said.communicate()[0])
    command = [sys.executable, "-c", PEAK, "run", "collapse", "--quiet", "-o", "peak.h5", *sets]
    peak = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert 1024 * int(peak) == pytest.approx(about["memory"]["peak_bytes"], rel=0.1)


def test_info_spares_the_measurement(senso: Senso) -> None:
    assert "memory" not in json.loads(senso("info", "tiny.yaml", "--json", "--no-measure").out)
    large = senso("info", "tiny.yaml", "--json", "--set", "box.grid=[512,512,512]")
    assert "memory" not in json.loads(large.out)


def test_info_describes_what_would_be_refused(senso: Senso) -> None:
    refused = senso("info", "collapse", "--set", "populations.gas.count=100", "--set", "run.dt=1")
    assert refused.code == 0
    assert "the run would be refused" in refused.out


def test_info_measures_memory(senso: Senso) -> None:
    assert "measured, systems, grids and output included" in senso("info", "tiny.yaml", "--measure").out
    about = json.loads(senso("info", "tiny.yaml", "--measure", "--json").out)
    assert about["memory"]["bytes"] > 50 * 140


def test_info_notes_systems_without_work(senso: Senso) -> None:
    Path("idle.yaml").write_text("populations: {a: {count: 1, components: {oscillator: }}}\nsystems: [motion]\n")
    assert "no population has what 'motion' works on" in senso("info", "idle.yaml").out


def test_info_of_a_run(senso: Senso) -> None:
    senso("run", "tiny.yaml")
    answer = senso("info", "runs/tiny.h5")
    assert answer.code == 0
    assert "runs/tiny.h5: tiny, complete" in answer.out
    assert "gas: 50 rows of" in answer.out
    about = json.loads(senso("info", "runs/tiny.h5", "--json").out)
    assert about["steps"] == [0, 6]
    assert "energy/residual" in about["series"]
    assert senso("info", "none.h5").code == 5


def test_systems(senso: Senso) -> None:
    listed = senso("systems").out
    assert any(line.startswith("drag ") and "friction" in line for line in listed.splitlines())
    page = senso("systems", "drag").out
    assert "viscosity [mass/(length time)]: float, >= 0, default 1.0" in page
    assert "- drag: {viscosity: 1.0}" in page
    rows = json.loads(senso("systems", "--json").out)
    assert {"motion", "drag"} <= {row["name"] for row in rows}
    page = senso("systems", "top-down").out  # an alias is the name that scenarios use
    assert "  phase [1/(energy^(1/2) time)]: float, >= 0, default 0.05" in page
    assert "damping: {restitution: float} | {coefficient: float} | none" in senso("systems", "collision").out
    answer = senso("systems", "darg")
    assert answer.code == 3
    assert "no system 'darg'; did you mean 'drag'?" in answer.err


def test_what_systems_prints_is_a_valid_entry(senso: Senso) -> None:
    for row in json.loads(senso("systems", "--json").out):
        entry = senso("systems", row["name"]).out.rstrip().splitlines()[-1]
        if any(parameter["required"] for parameter in row["parameters"]):
            assert ": {" in entry  # these have names in capitals where a value is needed
            continue
        Path("one.yaml").write_text(f"box: {{edges: 1, grid: 8}}\nsystems:\n{entry}\n")
        answer = senso("validate", "one.yaml")
        assert answer.code == 0, answer.err


def test_scenarios(senso: Senso) -> None:
    assert any(line.startswith("manifold ") for line in senso("scenarios").out.splitlines())
    text = senso("scenarios", "manifold").out
    Path("mine.yaml").write_text(text)
    assert senso("validate", "mine.yaml").code == 0
    assert json.loads(senso("scenarios", "--json").out)[0]["name"]
    answer = senso("scenarios", "manifodl")
    assert answer.code == 3
    assert "did you mean 'manifold'?" in answer.err


def test_schema(senso: Senso) -> None:
    schema = json.loads(senso("schema").out)
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert senso("schema", "-o", "s.json").code == 0
    assert json.loads(Path("s.json").read_text()) == schema


def test_doctor(senso: Senso) -> None:
    answer = senso("doctor")
    for word in ("Python", "numba", "threading", "kernel cache", "GPU", "plugins"):
        assert word in answer.out
    assert {row["check"] for row in json.loads(senso("doctor", "--json").out)} >= {"versions", "threading", "plugins"}


def test_plot(senso: Senso) -> None:
    senso("run", "tiny.yaml")
    assert senso("plot", "runs/tiny.h5").out == "runs/tiny.png\n"
    assert senso("plot", "runs/tiny.h5", "--view", "energy", "-o", "e.svg").out == "e.svg\n"
    assert "<svg" in Path("e.svg").read_text()
    answer = senso("plot", "runs/tiny.h5", "--view", "enrgy")
    assert answer.code == 5
    assert "did you mean 'energy'?" in answer.err
    assert senso("plot", "none.h5").code == 5


def test_warmup(senso: Senso) -> None:
    answer = senso("warmup", "tiny.yaml")
    assert answer.code == 0
    assert answer.out.startswith("tiny: ")
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.2, "0 s"), (59.4, "59 s"), (61, "1 min 01 s"), (3600, "1 h 00 min"), (7384, "2 h 03 min")]
)
def test_spans(seconds: float, said: str) -> None:
    assert span(seconds) == said


def test_watch(senso: Senso) -> None:
    senso("run", "tiny.yaml")
    line = senso("watch", "runs/tiny.h5").out
    assert line.startswith("tiny: state complete, step 6 of 6 (100%), gas 50, energy/total ")
    found = json.loads(senso("watch", "runs/tiny.h5", "--once", "--json", "--series", "momentum/x").out)
    assert (found["state"], found["step"], list(found["series"])) == ("complete", 6, ["momentum/x"])
    assert senso("watch", "none.h5").code == 5


def test_bench(senso: Senso) -> None:
    report = json.loads(senso("bench", "tiny.yaml", "--steps", "5", "--warmup", "2", "--json").out)
    assert (report["rows"], report["steps"]) == (50, 5)
    assert report["systems"]["motion"]["calls"] == 15
    assert "ns per row and step" in senso("bench", "tiny.yaml", "--steps", "5").out


def test_export(senso: Senso) -> None:
    senso("run", "tiny.yaml")
    assert senso("export", "runs/tiny.h5").out == "runs/tiny.extxyz\n"
    assert Path("runs/tiny.extxyz").read_text().startswith("50\n")
    assert senso("export", "runs/tiny.h5", "--table", "series").out == "runs/tiny.csv\n"
    assert "energy/total" in Path("runs/tiny.csv").read_text().splitlines()[0]
    assert senso("export", "runs/tiny.h5", "-o", "last.dump", "--frames", "-1:").code == 0
    assert Path("last.dump").read_text().count("ITEM: TIMESTEP") == 1
    assert senso("export", "runs/tiny.h5", "--transpose").out == "runs/tiny.transposed.h5\n"
    assert senso("export", "runs/tiny.h5", "-o", "x.what").code == 5
    assert senso("export", "runs/tiny.h5", "--frames", "a:b").code == 2
    assert senso("export", "runs/tiny.h5", "--population", "gsa").code == 5


def test_report_movie_and_repair(senso: Senso) -> None:
    senso("run", "tiny.yaml")
    assert senso("report", "runs/tiny.h5").out == "runs/tiny.html\n"
    assert "<html" in Path("runs/tiny.html").read_text()
    assert senso("movie", "runs/tiny.h5", "--frames", "2").out == "runs/tiny.gif\n"
    assert Path("runs/tiny.gif").read_bytes().startswith(b"GIF8")
    answer = senso("repair", "runs/tiny.h5")
    assert answer.code == 0, answer.err
    assert answer.out.startswith("runs/tiny.repaired.h5\n")
    assert senso("info", "runs/tiny.repaired.h5").code == 0
    for name in ("report", "movie", "repair"):
        assert senso(name, "none.h5").code == 5
    assert "did you mean 'particles'?" in senso("movie", "runs/tiny.h5", "--view", "particels").err
