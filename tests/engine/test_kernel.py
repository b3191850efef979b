"""Kernels: launches, precisions, what bodies may say, and what they are refused with."""

from __future__ import annotations

import enum
import math
import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import pytest

from sensorium.engine.device import Device, Rows
from sensorium.engine.kernel import KernelError, device, kernel, real
from sensorium.engine.kernel_precision import PrecisionWarning
from sensorium.engine.kernel_threads import set_threads, threads
from sensorium.engine.primitives import atomic_add, for_each, nonnegative

PRECISIONS = ["double", "single"]
ROWS = 5000  # three chunks of 2048 rows, the last one incomplete

HALF = 0.5
TABLE = (1.0, 2.0, 4.0)
CONSTANTS = np.array([0.25, 0.75])


class State(enum.IntEnum):
    VOLATILE = 0
    STABLE = 1


@device
def square(x):
    return x * x


@kernel
def push(i, force, charge, field):
    force[i, 0] += square(charge[i]) * field
    force[i, 2] -= HALF * charge[i]


@kernel
def use_constants(i, out):
    out[i] = TABLE[i % 3] + CONSTANTS[1] + math.pi + np.pi + 1e-3 + real(i)


@kernel
def use_enum(i, out):
    out[i] = State.STABLE if i > 2 else State.VOLATILE


@kernel
def fill(i, out, value):
    out[i] = value


@kernel
def increase(i, out, value):
    out[i] += value


@kernel
def lone(i, out):
    out[i] = 1.0


@kernel
def touch(i):
    pass


@kernel(tasks=True)
def add_up(t, out, values, width):
    total = real(0)
    for k in range(t * width, min((t + 1) * width, values.size)):
        total += values[nonnegative(k)]
    out[t] = total


@device
def put_double(k, source, target):
    target[k] = 2.0 * source[k]


@kernel(tasks=True)
def double_in_slabs(t, source, target, width):
    for_each(put_double, t * width, min((t + 1) * width, source.size), (source, target))


@kernel(cost=100.0)
def count(i, values, histogram):
    atomic_add(histogram, values[i], 1)


@pytest.fixture(params=PRECISIONS)
def cpu(request: pytest.FixtureRequest) -> Device:
    return Device("cpu", request.param)


class Table:
    """The least of a population: views of blocks that are longer than the number of rows."""

    def __init__(self, n: int, on: Device, **blocks: Any) -> None:
        self.n, self.device = n, on
        self.views = {name: block[:n] for name, block in blocks.items()}
        self.storage = {id(view): blocks[name] for name, view in self.views.items()}

    def __getitem__(self, name: str) -> Any:
        return self.views[name]


def test_every_row_once(cpu: Device) -> None:
    charge = cpu.array(np.linspace(-1, 1, 7), cpu.real)
    force = cpu.zeros((3, 7)).T
    push(Rows(7, cpu), force, charge, 2.0)
    expected = np.zeros((7, 3), cpu.real)
    expected[:, 0] = charge * charge * cpu.real.type(2.0)
    expected[:, 2] = -cpu.real.type(0.5) * charge
    assert np.array_equal(force, expected)
    assert force.dtype == cpu.real


def test_columns_of_a_population_run_on_their_blocks(cpu: Device) -> None:
    """A view of the first n rows is not contiguous; the block behind it is, so that no other code is compiled."""
    rows = Table(3, cpu, force=cpu.zeros((3, 10)).T, charge=np.ones(10, cpu.real))
    push(rows, rows["force"], rows["charge"], 1.0)
    one = Table(1, cpu, force=cpu.zeros((3, 2)).T, charge=np.ones(2, cpu.real))
    push(one, one["force"], one["charge"], 1.0)
    assert rows["force"].tolist() == [[1.0, 0.0, -0.5]] * 3
    assert rows.storage[id(rows["force"])][3:].tolist() == [[0.0] * 3] * 7
    assert len(push.signatures(cpu.precision)) == 1


def test_float_arguments_take_the_working_precision(cpu: Device) -> None:
    """Python floats, numpy floats of either kind and 0-d arrays; an int stays an int."""
    out = cpu.zeros(3)
    for value in (0.1, np.float64(0.1), np.array(0.1)):
        fill(Rows(3, cpu), out, value)
        assert out[0] == cpu.real.type(0.1)
    whole = np.zeros(3, np.int64)
    fill(Rows(3, cpu), whole, 2**53 + 1)  # not a float64
    assert whole[0] == 2**53 + 1


def test_constants_take_the_working_precision(cpu: Device) -> None:
    real_of = cpu.real.type
    out = cpu.zeros(5)
    with warnings.catch_warnings():
        warnings.simplefilter("error", PrecisionWarning)
        use_constants(Rows(5, cpu), out)
    expected = [
        real_of(t) + real_of(0.75) + real_of(math.pi) + real_of(np.pi) + real_of(1e-3) + real_of(i)
        for i, t in enumerate([1.0, 2.0, 4.0, 1.0, 2.0])
    ]
    assert out.tolist() == expected


def test_members_of_an_enumeration_are_constants() -> None:
    out = np.zeros(5, np.uint8)
    use_enum(Rows(5, Device("cpu", "double")), out)
    assert out.tolist() == [0, 0, 0, 1, 1]


def test_no_rows_compile_nothing() -> None:
    lone(Rows(0, Device("cpu", "double")), np.zeros(0))
    assert lone.signatures("double") == []


def test_a_kernel_without_arguments_runs() -> None:
    touch(Rows(3, Device("cpu", "double")))


@pytest.mark.parametrize("n", [1, 2047, 2048, 2049, ROWS])
def test_serial_and_parallel_twins_give_the_same_bits(cpu: Device, n: int) -> None:
    rng = np.random.default_rng(n)
    charge, start = rng.normal(size=ROWS).astype(cpu.real), rng.normal(size=(3, ROWS)).astype(cpu.real)
    twins, forces = push.cpu(cpu.precision), []
    for twin in (twins.serial, twins.parallel_twin):
        force = start.copy()
        twin(n, force.T, charge, 0.3)
        forces.append(force)
    assert forces[0].tobytes() == forces[1].tobytes()
    assert np.array_equal(forces[0][:, n:], start[:, n:])


def test_long_launches_use_the_threads_there_are() -> None:
    on, before = Device("cpu", "double"), threads()
    try:
        for number in (1, 2):
            set_threads(number)
            values = np.zeros(20_000)
            increase(Rows(values.size, on), values, 1.0)
            assert (values == 1.0).all()
    finally:
        set_threads(before)
    assert bool(increase.cpu("double")._parallel) is (min(2, before) > 1)


def test_tasks_run_once_each_and_keep_their_own_order(cpu: Device) -> None:
    values = np.random.default_rng(3).normal(size=1000).astype(cpu.real)
    out = cpu.zeros(10)
    add_up(Rows(10, cpu), out, values, 100)
    expected = []
    for t in range(10):
        total = cpu.real.type(0)
        for value in values[100 * t : 100 * t + 100]:
            total += value
        expected.append(total)
    assert out.tolist() == expected


def test_little_work_stays_in_one_thread(cpu: Device) -> None:
    out, values = cpu.zeros(10), np.ones(1000, cpu.real)
    fresh = kernel(tasks=True)(add_up.function)
    fresh(Rows(10, cpu, work=5000.0), out, values, 100)
    assert fresh.cpu(cpu.precision)._parallel is None
    assert out.tolist() == [100.0] * 10


def test_a_loop_inside_a_task(cpu: Device) -> None:
    source, target = cpu.array(np.arange(1000), cpu.real), cpu.zeros(1000)
    double_in_slabs(Rows(10, cpu), source, target, 101)
    assert np.array_equal(target, 2 * source)


def test_atomic_sums_do_not_lose_counts() -> None:
    on = Device("cpu", "double")
    values = np.random.default_rng(4).integers(0, 3, ROWS)
    histogram = np.zeros(3, np.int64)
    count.cpu("double").parallel_twin(ROWS, values, histogram)
    assert histogram.tolist() == np.bincount(values).tolist()
    with pytest.raises(KernelError, match=r"atomic_add needs a 1-D integer array"):
        count(Rows(3, on), values[:3], np.zeros(3))


def test_a_column_may_be_given_twice() -> None:
    values = np.arange(100.0)
    same = kernel(copy_twice.function)
    same(Rows(100, Device("cpu", "double")), values, values)
    assert np.array_equal(values, 2 * np.arange(100.0))


@kernel
def copy_twice(i, source, target):
    target[i] = source[i] + source[i]


def test_functions_of_one_name_do_not_meet() -> None:
    on, out = Device("cpu", "double"), np.zeros(1)
    for made, value in ((first_of_two(), 1.0), (second_of_two(), 2.0)):
        made(Rows(1, on), out)
        assert out[0] == value


def first_of_two() -> Any:
    @kernel
    def same_name(i, out):
        out[i] = 1.0

    return same_name


def second_of_two() -> Any:
    @kernel
    def same_name(i, out):
        out[i] = 2.0

    return same_name


def test_device_functions_can_be_called_from_python() -> None:
    assert square(3.0) == 9.0
    assert repr(square).startswith("<device function 'square'")


# ---- refusals: at the definition where it shows, otherwise at the first launch, with the line ------------------------


def plain_helper(x):
    return 2.0 * x


@kernel
def calls_plain_helper(i, out):
    out[i] = plain_helper(out[i])


@kernel
def calls_missing(i, out):
    out[i] = no_such_name(out[i])  # noqa: F821


@kernel
def makes_a_list(i, out):
    out[i] = sum([k * k for k in range(3)])


@kernel
def raises(i, out):
    if out[i] < 0:
        raise ValueError("negative")


@kernel
def reads_an_object(i, out):
    out[i] = SETTINGS["gain"]


@kernel
def uses_a_missing_attribute(i, out):
    out[i] = math.no_such_function(out[i])


@kernel
def does_not_compile(i, out):
    out[i] = "text" + out[i]


@device
def recurses(x):
    return recurses(x - 1.0) if x > 0.0 else x


@kernel
def calls_recursion(i, out):
    out[i] = recurses(out[i])


SETTINGS = {"gain": 1.0}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (calls_plain_helper, r"'calls_plain_helper' .* calls 'plain_helper'.* decorate it with @device"),
        (calls_missing, r"'calls_missing' .* uses 'no_such_name', which is not defined"),
        (makes_a_list, r"'makes_a_list' .*test_kernel.py:\d+\) makes a list"),
        (raises, r"'raises' .* raises an exception"),
        (reads_an_object, r"'reads_an_object' .* uses 'SETTINGS', a dict; .* pass it as an argument"),
        (uses_a_missing_attribute, r"uses 'math.no_such_function', which does not exist"),
        (does_not_compile, r"'does_not_compile' .* does not compile"),
        (calls_recursion, r"'recurses' .* reaches itself; kernels have no recursion"),
    ],
)
def test_bodies_that_cannot_be_kernels_are_refused_by_name(body: Any, message: str) -> None:
    with pytest.raises(KernelError, match=message):
        body(Rows(1, Device("cpu", "double")), np.zeros(1))


def test_a_compilers_report_is_cut_down_to_the_lines_of_the_body() -> None:
    with pytest.raises(KernelError) as caught:
        does_not_compile(Rows(1, Device("cpu", "double")), np.zeros(1))
    text = str(caught.value)
    assert "test_kernel.py" in text
    assert "kernel_loop" not in text
    assert "nopython mode pipeline" not in text
    assert "nopython mode pipeline" in str(caught.value.__cause__)


def test_closures_are_refused_at_the_definition() -> None:
    gain = 2.0
    with pytest.raises(KernelError, match=r"'leaks' .* closes over gain"):

        @kernel
        def leaks(i, out):
            out[i] = gain


def test_other_signatures_are_refused_at_the_definition() -> None:
    with pytest.raises(KernelError, match="without defaults"):
        kernel(lambda i, out, gain=2.0: None)
    with pytest.raises(KernelError, match="plain positional arguments"):
        kernel(lambda i, *columns: None)
    with pytest.raises(KernelError, match="needs the row index"):
        kernel(lambda: None)
    with pytest.raises(KernelError, match="takes a plain function"):
        kernel(print)


def test_source_that_cannot_be_read_is_refused() -> None:
    scope: dict[str, Any] = {"kernel": kernel}
    exec("@kernel\ndef ghost(i, out):\n    out[i] = 1.0\n", scope)
    with pytest.raises(KernelError, match=r"source of kernel 'ghost' .* cannot be read; .* defined in a file"):
        scope["ghost"](Rows(1, Device("cpu", "double")), np.zeros(1))


@pytest.mark.parametrize("arguments", [(), (np.zeros(3),), (np.zeros(3), 1.0, 2.0)])
def test_a_wrong_number_of_arguments_is_told_with_their_names(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(KernelError, match=r"launched as fill\(rows, out, value\)"):
        fill(Rows(3, Device("cpu", "double")), *arguments)


@kernel
def mixes(i, out, number):
    out[i] = 3 * out[i] + i / number


def test_float64_in_single_precision_is_told_with_its_line() -> None:
    line = mixes.function.__code__.co_firstlineno + 2
    fresh = kernel(mixes.function)
    fresh.cpu("single").serial._cache.stem = None  # as in a process that compiles
    with pytest.warns(PrecisionWarning, match=rf"'mixes' .*test_kernel\.py:{line}; write 2\.0 instead of 2"):
        fresh(Rows(3, Device("cpu", "single")), np.zeros(3, np.float32), 7)


def test_defining_a_kernel_does_not_load_numba() -> None:
    """What keeps the command line quick: numba takes half a second to import."""
    program = "import sys, sensorium.engine.reduce, sensorium.engine.random; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
