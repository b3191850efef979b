"""The cache of compiled kernels: it serves what is the same, and nothing else. Each run is a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from sensorium.engine.device import Device, Rows
from sensorium.engine.kernel import kernel
from sensorium.engine.kernel_cache import write_once

HELPER = """
from sensorium.engine.kernel import device
GAIN = 2.0
@device
def inner(x):
    return GAIN * x
@device
def gain(x):
    return inner(x) + 1.0
"""
MAIN = """
import sys
import numpy as np
from helper import gain
from sensorium.engine.device import Device, Rows
from sensorium.engine.kernel import kernel
OFFSET = 10.0
@kernel
def apply(i, x):
    x[i] = gain(x[i]) + OFFSET
device = Device("cpu", sys.argv[1])
x = np.ones(3, device.real)
apply(Rows(3, device), x)
print(x[0])
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A folder with a kernel in one file and what it calls in another."""
    (tmp_path / "helper.py").write_text(HELPER)
    (tmp_path / "main.py").write_text(MAIN)
    (tmp_path / "cache").mkdir()
    return tmp_path


def start(folder: Path, *arguments: str, cache: str | None = None) -> subprocess.Popen[str]:
    environment = {**os.environ, "SENSORIUM_CACHE": cache or str(folder / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, str(folder / "main.py"), *(arguments or ("double",))]
    return subprocess.Popen(
        command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder
    )


def finished(process: subprocess.Popen[str]) -> float:
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return float(output)


def compiled(folder: Path) -> dict[str, int]:
    """Compiled files and when each was written."""
    return {path.name: path.stat().st_mtime_ns for path in (folder / "cache").glob("*.nbc")}


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_results_follow_every_edit_and_known_code_is_not_compiled_again(program: Path) -> None:
    assert finished(start(program)) == 13.0
    first = compiled(program)
    assert len(first) == 1

    edit(program / "helper.py", "inner(x) + 1.0", "inner(x) + 2.0")  # a callee in another module
    assert finished(start(program)) == 14.0
    edit(program / "helper.py", "return GAIN * x", "return GAIN * x * x * 0.5")  # a callee of the callee
    assert finished(start(program)) == 13.0
    edit(program / "helper.py", "GAIN = 2.0", "GAIN = 8.0")  # a constant that it reads
    assert finished(start(program)) == 16.0
    edit(program / "main.py", "OFFSET = 10.0", "OFFSET = 20.0")  # a constant beside the kernel
    assert finished(start(program)) == 26.0
    assert len(compiled(program)) == 5

    (program / "helper.py").write_text("# a comment, and the code as it was\n" + HELPER)
    (program / "main.py").write_text(MAIN)
    assert finished(start(program)) == 13.0
    assert len(compiled(program)) == 5
    assert first.items() <= compiled(program).items()


def test_the_launcher_is_a_file_that_can_be_read(program: Path) -> None:
    finished(start(program))
    (launcher,) = (program / "cache").glob("apply_serial_*.py")
    assert "def apply_serial_" in launcher.read_text()


def test_a_damaged_file_is_compiled_anew(program: Path) -> None:
    finished(start(program))
    (entry,) = (program / "cache").glob("*.nbc")
    whole = entry.read_bytes()
    for damaged in (b"", whole[: len(whole) // 2], whole[:-1] + bytes([whole[-1] ^ 1])):
        entry.write_bytes(damaged)
        assert finished(start(program)) == 13.0
    assert len(entry.read_bytes()) == len(whole)


def test_processes_that_compile_at_once_do_not_disturb_each_other(program: Path) -> None:
    """Two precisions of one kernel, both compiled by two processes at the same time."""
    precisions = ["double", "single"] * 2
    assert [finished(p) for p in [start(program, name) for name in precisions]] == [13.0] * 4
    before = compiled(program)
    assert len(before) == 2
    assert [finished(start(program, name)) for name in precisions[:2]] == [13.0] * 2
    assert compiled(program) == before
    leftovers = [path.name for path in (program / "cache").iterdir() if path.suffix not in (".py", ".nbc")]
    assert leftovers == []


def test_a_directory_that_cannot_be_written_costs_time_only(program: Path) -> None:
    """/dev/null is no directory, for root either; without any home there is still a place among temporary files."""
    assert finished(start(program, cache="/dev/null/kernels")) == 13.0


def test_no_place_at_all_compiles_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sensorium.engine.kernel_cpu.cache_directory", lambda: None)
    values = np.ones(3)
    kernel(triple.function)(Rows(3, Device("cpu", "double")), values)
    assert values.tolist() == [3.0] * 3


@kernel
def triple(i, values):
    values[i] *= 3.0


PLUGIN = """
from sensorium.engine.kernel import kernel
@kernel
def own(i, x):
    x[i] = VALUE
"""


def test_plugin_files_of_one_name_keep_their_own_kernels(tmp_path: Path) -> None:
    from sensorium.engine.plugins import load_file

    for folder, value in (("one", 1.0), ("two", 2.0)):
        (tmp_path / folder).mkdir()
        file = tmp_path / folder / "plugin.py"
        file.write_text(PLUGIN.replace("VALUE", str(value)))
        values = np.zeros(3)
        load_file(file).own(Rows(3, Device("cpu", "double")), values)
        assert values.tolist() == [value] * 3


def test_a_file_edited_after_its_import_does_not_mix_with_what_was_imported(tmp_path: Path) -> None:
    from sensorium.engine.plugins import load_file

    file = tmp_path / "edited.py"
    file.write_text(PLUGIN.replace("VALUE", "1.0"))
    own = load_file(file).own
    file.write_text("\n\n\n" + PLUGIN.replace("VALUE", "2.0"))
    values = np.zeros(3)
    own(Rows(3, Device("cpu", "double")), values)
    assert values.tolist() == [1.0] * 3


@pytest.mark.parametrize("contents", [[b"first", b"second"]])
def test_a_file_is_written_once(tmp_path: Path, contents: Sequence[bytes]) -> None:
    for content in contents:
        write_once(tmp_path / "entry", content)
    assert (tmp_path / "entry").read_bytes() == contents[0]
    write_once(tmp_path / "missing" / "entry", b"nowhere")  # no error
    assert [path.name for path in tmp_path.iterdir()] == ["entry"]
