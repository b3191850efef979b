"""Cloud-in-cell weights: how a particle shares what it has with the eight nodes around it, and reads them back.

The cloud of a particle is a cell-sized cube around it; a node gets the part of the cube that is nearest to it. Along
one axis that is 1 - f for the node below and f for the node above, f the fraction of a cell between them. The same
weights serve both ways, so a force that is antisymmetric on the grid conserves momentum, and no particle pulls itself.

Sums over particles are made of **int64 quanta**: a contribution is rounded once, to a whole number of quanta, and
integers can be added in any order. Gathers that must balance a deposit round their weights in the same way.
"""

from __future__ import annotations

from sensorium.engine.kernel import device, kernel
from sensorium.engine.primitives import add_shares, atomic_add, floor, nonnegative, real, rint, weigh

__all__ = [
    "QUANTA",
    "bracket",
    "deposit_order",
    "deposit_rows",
    "deposit_slabs",
    "gather_ratio",
    "gather_scalar",
    "gather_shares",
    "gather_vector",
    "lower_node",
]

QUANTA = 2.0**62  # quanta of the power of two above a total: sums of one sign fit int64 with a bit to spare


@device
def bracket(x, inverse, count):
    """Nodes below and above `x` along one periodic axis, and the fraction of a cell from the lower one to `x`."""
    s = x * inverse
    whole = floor(s)
    low = int(whole)
    if low < 0 or low >= count:  # outside of the box or on its far edge: wrapped; NaN: kept inside the arrays
        turns = floor(whole / real(count))
        low = min(max(int(whole - turns * real(count)), 0), count - 1)
    high = low + 1
    if high == count:
        high = 0
    return nonnegative(low), nonnegative(high), s - whole


@device
def lower_node(x, inverse, count):
    """The node below `x` along one periodic axis: the number of its cell."""
    return bracket(x, inverse, count)[0]


@device
def quanta(amount):
    """`amount` as a whole number, rounded to the nearest."""
    return rint(amount)


@device
def corners(i, position, inverse_x, inverse_y, inverse_z, nx, ny, nz):
    """The eight nodes around row `i`, as flat indices in the order of :func:`shares`, and the three fractions."""
    x0, x1, f = bracket(position[i, 0], inverse_x, nx)
    y0, y1, g = bracket(position[i, 1], inverse_y, ny)
    z0, z1, h = bracket(position[i, 2], inverse_z, nz)
    a = (x0 * ny + y0) * nz
    b = (x0 * ny + y1) * nz
    c = (x1 * ny + y0) * nz
    d = (x1 * ny + y1) * nz
    nodes = (
        nonnegative(a + z0), nonnegative(a + z1), nonnegative(b + z0), nonnegative(b + z1),
        nonnegative(c + z0), nonnegative(c + z1), nonnegative(d + z0), nonnegative(d + z1),
    )  # fmt: skip
    return nodes, f, g, h


@device
def shares(amount, f, g, h):
    """`amount` split among the eight nodes."""
    below, above = amount * (1.0 - f), amount * f
    a, b = below * (1.0 - g), below * g
    c, d = above * (1.0 - g), above * g
    e = 1.0 - h
    return a * e, a * h, b * e, b * h, c * e, c * h, d * e, d * h


@device
def spread(i, grid, position, amount, inverse_x, inverse_y, inverse_z, nx, ny, nz):
    """Add the quanta of row `i` to `grid`; not safe against other threads on the same nodes."""
    node, f, g, h = corners(i, position, inverse_x, inverse_y, inverse_z, nx, ny, nz)
    add_shares(grid, node, amount, f, g, h)


@kernel(tasks=True)
def deposit_slabs(t, grid, position, values, scale, start, first, stride, inverse_x, inverse_y, inverse_z, nx, ny, nz):
    """Deposit the rows ``start[s]`` to ``start[s + 1]`` of slab ``s = first + stride t``, in row order."""
    s = first + stride * t
    for row in range(start[s], start[s + 1]):
        i = nonnegative(row)
        spread(i, grid, position, values[i] * scale, inverse_x, inverse_y, inverse_z, nx, ny, nz)


@kernel(
    tasks=True,
    signature="i8[:], real[:,:], real[:], real, u4[:], i8[:], int, int, real, real, real, int, int, int",
)
def deposit_order(
    t, grid, position, values, scale, order, start, first, stride, inverse_x, inverse_y, inverse_z, nx, ny, nz
):
    """Deposit the rows that ``order`` lists for slab ``s = first + stride t``."""
    s = first + stride * t
    for place in range(start[s], start[s + 1]):
        i = order[nonnegative(place)]
        spread(i, grid, position, values[i] * scale, inverse_x, inverse_y, inverse_z, nx, ny, nz)


@kernel(cost=20.0, signature="i8[:], real[:,:], real[:], real, real, real, real, int, int, int")
def deposit_rows(i, grid, position, values, scale, inverse_x, inverse_y, inverse_z, nx, ny, nz):
    """Deposit one row with atomic adds: the order in which rows meet on a node does not show in integers."""
    node, f, g, h = corners(i, position, inverse_x, inverse_y, inverse_z, nx, ny, nz)
    part = shares(values[i] * scale, f, g, h)
    atomic_add(grid, node[0], int(quanta(part[0])))
    atomic_add(grid, node[1], int(quanta(part[1])))
    atomic_add(grid, node[2], int(quanta(part[2])))
    atomic_add(grid, node[3], int(quanta(part[3])))
    atomic_add(grid, node[4], int(quanta(part[4])))
    atomic_add(grid, node[5], int(quanta(part[5])))
    atomic_add(grid, node[6], int(quanta(part[6])))
    atomic_add(grid, node[7], int(quanta(part[7])))


@device
def weigh_scalar(grid, node, part):
    """Sum of ``part * grid`` over the eight nodes."""
    low = (part[0] * grid[node[0]] + part[1] * grid[node[1]]) + (part[2] * grid[node[2]] + part[3] * grid[node[3]])
    high = (part[4] * grid[node[4]] + part[5] * grid[node[5]]) + (part[6] * grid[node[6]] + part[7] * grid[node[7]])
    return low + high


@device
def rounded_shares(amount, f, g, h):
    """The quanta that :func:`spread` gave to the eight nodes, as reals."""
    part = shares(amount, f, g, h)
    return (
        quanta(part[0]), quanta(part[1]), quanta(part[2]), quanta(part[3]),
        quanta(part[4]), quanta(part[5]), quanta(part[6]), quanta(part[7]),
    )  # fmt: skip


@kernel(tasks=True)
def gather_vector(t, out, position, values, vectors, n, chunk, inverse_x, inverse_y, inverse_z, nx, ny, nz):
    """out_i += value_i * (sum over nodes of W_ic vector_c); task `t` takes `chunk` rows."""
    for row in range(t * chunk, min(n, (t + 1) * chunk)):
        i = nonnegative(row)
        node, f, g, h = corners(i, position, inverse_x, inverse_y, inverse_z, nx, ny, nz)
        x, y, z = weigh(vectors, node, shares(values[i], f, g, h))
        out[i, 0] += x
        out[i, 1] += y
        out[i, 2] += z


@device
def keep_and_add(i, out, kept, x, y, z):
    """kept_i = (x, y, z), and out_i += the same."""
    kept[i, 0] = x
    kept[i, 1] = y
    kept[i, 2] = z
    out[i, 0] += x
    out[i, 1] += y
    out[i, 2] += z


@kernel(tasks=True)
def gather_shares(
    t, out, kept, position, values, scale, back, vectors, n, chunk, inverse_x, inverse_y, inverse_z, nx, ny, nz
):
    """As :func:`gather_vector`, each value_i W_ic rounded as in the deposit: what nodes give adds up exactly."""
    for row in range(t * chunk, min(n, (t + 1) * chunk)):
        i = nonnegative(row)
        node, f, g, h = corners(i, position, inverse_x, inverse_y, inverse_z, nx, ny, nz)
        x, y, z = weigh(vectors, node, rounded_shares(values[i] * scale, f, g, h))
        keep_and_add(i, out, kept, back * x, back * y, back * z)


@kernel(tasks=True)
def gather_scalar(t, out, position, values, scale, back, grid, n, chunk, inverse_x, inverse_y, inverse_z, nx, ny, nz):
    """out_i = sum over nodes of (value_i W_ic) grid_c, each value_i W_ic rounded as in the deposit."""
    for row in range(t * chunk, min(n, (t + 1) * chunk)):
        i = nonnegative(row)
        node, f, g, h = corners(i, position, inverse_x, inverse_y, inverse_z, nx, ny, nz)
        out[i] = back * weigh_scalar(grid, node, rounded_shares(values[i] * scale, f, g, h))


@kernel(tasks=True)
def gather_ratio(
    t, out, kept, position, values, vectors, divisor, n, chunk, inverse_x, inverse_y, inverse_z, nx, ny, nz
):
    """kept_i = value_i (sum of W_ic vector_c) / (sum of W_ic divisor_c), added to out_i."""
    for row in range(t * chunk, min(n, (t + 1) * chunk)):
        i = nonnegative(row)
        node, f, g, h = corners(i, position, inverse_x, inverse_y, inverse_z, nx, ny, nz)
        part = shares(1.0, f, g, h)
        below = weigh_scalar(divisor, node, part)
        factor = values[i] / below if below > 0.0 else 0.0
        x, y, z = weigh(vectors, node, part)
        keep_and_add(i, out, kept, factor * x, factor * y, factor * z)
