"""The searches behind :mod:`~sensorium.engine.neighbors`: who is near, who is still near, how far rows have moved."""

from __future__ import annotations

from sensorium.engine.kernel import device, kernel
from sensorium.engine.math import rint
from sensorium.engine.primitives import nonnegative, real_bits

__all__ = [
    "CHUNK",
    "farthest",
    "find_neighbors",
    "list_pairs",
    "mark_pair",
    "nearest_image",
    "prune_slab",
    "separation",
    "sift",
    "squared_distance",
]

CHUNK = 2048  # rows of one task of `farthest`


@device
def nearest_image(difference, edge, inverse):
    """The difference of two coordinates to the nearest image; edge and inverse 0 on an open axis.

    Odd in `difference`, bit by bit: a pair sees the same distance from either side.
    """
    return difference - edge * rint(difference * inverse)


@device
def separation(i, j, position, edge_x, edge_y, edge_z, inverse_x, inverse_y, inverse_z):
    """The vector to row i from the nearest image of row j, and its square."""
    x = nearest_image(position[i, 0] - position[j, 0], edge_x, inverse_x)
    y = nearest_image(position[i, 1] - position[j, 1], edge_y, inverse_y)
    z = nearest_image(position[i, 2] - position[j, 2], edge_z, inverse_z)
    return x, y, z, x * x + y * y + z * z


@device
def squared_distance(i, j, position, edge_x, edge_y, edge_z, inverse_x, inverse_y, inverse_z):
    """Square of the distance of rows i and j."""
    _, _, _, squared = separation(i, j, position, edge_x, edge_y, edge_z, inverse_x, inverse_y, inverse_z)
    return squared


@device
def scan(i, first, last, found, width, neighbor, order, position, radius, skin,
         edge_x, edge_y, edge_z, inverse_x, inverse_y, inverse_z):  # fmt: skip
    """Append the rows order[first:last] that are near row i; returns how many it has now, kept or not."""
    reach = radius[i] + skin
    for s in range(first, last):
        j = nonnegative(order[nonnegative(s)])
        near = reach + radius[j]
        # written in any case and counted if near: no branch on the distance; the last place takes what is too much
        neighbor[nonnegative(i * width + min(found, width - 1))] = j
        found += squared_distance(
            i, j, position, edge_x, edge_y, edge_z, inverse_x, inverse_y, inverse_z
        ) < near * near  # fmt: skip
    return found


@kernel(cost=200.0)
def find_neighbors(s, cell, order, start, count_a, count_b, count_c, position, radius, skin, width, neighbor, count,
                   edge_x, edge_y, edge_z, inverse_x, inverse_y, inverse_z):  # fmt: skip
    """Neighbours of the s-th row in cell order, each pair once: those later in its cell, and those of half the cells.

    The half of the adjacent cells is (0, 0, 1), (0, 1, -1..1), (1, -1..1, -1..1); a grid of one cell along an axis has
    no such cells there. `neighbor` has `width` places per row; a `count` that reaches it says that they were too few.
    """
    i = nonnegative(order[s])
    own = cell[i]
    c = own % count_c
    b = own // count_c % count_b
    a = own // (count_c * count_b)
    found = scan(i, s + 1, start[own + 1], 0, width, neighbor, order, position, radius, skin,
                 edge_x, edge_y, edge_z, inverse_x, inverse_y, inverse_z)  # fmt: skip
    if count_c > 1:
        after = own + 1 if c + 1 < count_c else own - c
        found = scan(i, start[after], start[after + 1], found, width, neighbor, order, position, radius,
                     skin, edge_x, edge_y, edge_z, inverse_x, inverse_y, inverse_z)  # fmt: skip
    for k in range(4):  # the lines (0, 1), (1, -1), (1, 0), (1, 1) of cells, three cells of each
        step_a = 0 if k == 0 else 1
        step_b = 1 if k == 0 else k - 2
        if (step_a != 0 and count_a == 1) or (step_b != 0 and count_b == 1):
            continue
        line_a = a + step_a if a + step_a < count_a else 0
        line_b = b + step_b
        if line_b < 0:
            line_b += count_b
        if line_b >= count_b:
            line_b -= count_b
        line = (line_a * count_b + line_b) * count_c
        first, last = line + max(c - 1, 0), line + min(c + 2, count_c)
        found = scan(i, start[first], start[last], found, width, neighbor, order, position, radius, skin,
                     edge_x, edge_y, edge_z, inverse_x, inverse_y, inverse_z)  # fmt: skip
        if count_c > 1 and (c == 0 or c == count_c - 1):  # the cell across the border of the box
            across = line + count_c - 1 if c == 0 else line
            found = scan(i, start[across], start[across + 1], found, width, neighbor, order, position,
                         radius, skin, edge_x, edge_y, edge_z, inverse_x, inverse_y, inverse_z)  # fmt: skip
    count[i] = found


@kernel(cost=10.0)
def list_pairs(s, order, width, neighbor, count, start, first, second):
    """Write the neighbours of the s-th row in cell order as pairs, from ``start[s]`` on."""
    i = nonnegative(order[s])
    for k in range(count[i]):
        place = nonnegative(start[s] + k)
        first[place] = i
        second[place] = neighbor[nonnegative(i * width + k)]


@device
def sift(begin, end, place, source_first, source_second, position, radius, skin, first, second,
         edge_x, edge_y, edge_z, inverse_x, inverse_y, inverse_z):  # fmt: skip
    """Write the pairs of [begin, end) that are within `skin` of touching from `place` on; returns where they end."""
    for k in range(begin, end):
        p = nonnegative(k)
        i = nonnegative(source_first[p])
        j = nonnegative(source_second[p])
        near = radius[i] + radius[j] + skin
        # written in any case and kept if near: no branch on the distance
        first[nonnegative(place)] = i
        second[nonnegative(place)] = j
        place += squared_distance(
            i, j, position, edge_x, edge_y, edge_z, inverse_x, inverse_y, inverse_z
        ) < near * near  # fmt: skip
    return place


@kernel(tasks=True)
def prune_slab(t, source_first, source_second, source_start, source_count, position, radius, skin,
               first, second, start, count, edge_x, edge_y, edge_z, inverse_x, inverse_y, inverse_z):  # fmt: skip
    """Of the pairs of a slab, those that are within `skin` of touching now."""
    count[t] = sift(
        source_start[t], source_start[t] + source_count[t], start[t], source_first, source_second, position, radius,
        skin, first, second, edge_x, edge_y, edge_z, inverse_x, inverse_y, inverse_z,
    ) - start[t]  # fmt: skip


@kernel(signature="i4[:], i4[:], real[:,:], real[:], real, bool[:], real, real, real, real, real, real")
def mark_pair(p, first, second, position, radius, skin, marked,
              edge_x, edge_y, edge_z, inverse_x, inverse_y, inverse_z):  # fmt: skip
    """Whether a pair is within `skin` of touching now: `prune_slab` for a GPU, with a thread per pair."""
    i = first[p]
    j = second[p]
    near = radius[i] + radius[j] + skin
    marked[p] = squared_distance(
        i, j, position, edge_x, edge_y, edge_z, inverse_x, inverse_y, inverse_z
    ) < near * near  # fmt: skip


@kernel(tasks=True, cost=4000.0)
def farthest(t, n, position, reference, peak, edge_x, edge_y, edge_z, inverse_x, inverse_y, inverse_z):
    """``peak[t]``: bits of the largest squared displacement from `reference` in a chunk of rows.

    The bits of floats >= 0 are ordered as the floats are, and NaN is above all of them.
    """
    best = real_bits(0.0)
    for k in range(t * CHUNK, min(n, (t + 1) * CHUNK)):
        i = nonnegative(k)
        x = nearest_image(position[i, 0] - reference[i, 0], edge_x, inverse_x)
        y = nearest_image(position[i, 1] - reference[i, 1], edge_y, inverse_y)
        z = nearest_image(position[i, 2] - reference[i, 2], edge_z, inverse_z)
        best = max(best, real_bits(x * x + y * y + z * z))
    peak[t] = best
