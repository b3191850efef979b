"""The peer of ``whole_step.py``: the same step in Taichi, single precision, one thread."""

import math
from typing import Any

import ducc0
import numpy as np
import taichi as ti

# one thread: loops in order, so that deposits need no atomics
ti.init(arch=ti.cpu, cpu_max_num_threads=1, default_fp=ti.f32, default_ip=ti.i32)

SKIN, NEIGHBORS = 0.2, 64  # as LAMMPS has it; room of one list
Grid = ti.types.ndarray(dtype=ti.f32, ndim=3)


@ti.data_oriented
class Peer:
    """State and step; spheres of diameter 1 and mass pi / 6."""

    def __init__(self, state: dict[str, Any], cells: int, physics: dict[str, float]) -> None:
        n = self.n = len(state["x"])
        m = self.m = cells
        self.edge, self.dt = float(state["edge"]), physics["dt"]
        self.per, self.mass = m / self.edge, math.pi / 6
        self.volume = (self.edge / m) ** 3
        self.stiffness = 4 / 3 * physics["modulus"]
        self.damping, self.gas = physics["damping"], physics["gas_constant"]
        self.friction = 6 * math.pi * physics["viscosity"] * 0.5
        self.conduct = physics["diffusivity"] * self.dt * self.per**2
        vector = lambda shape: ti.Vector.field(3, ti.f32, shape)  # noqa: E731
        self.x, self.v, self.f, self.push, self.old, self.u = (vector(n) for _ in range(6))
        self.heat, self.spare = ti.field(ti.f32, n), ti.field(ti.f32, n)
        self.id, self.spare_id = ti.field(ti.i32, n), ti.field(ti.i32, n)
        self.count, self.list = ti.field(ti.i32, n), ti.field(ti.i32, (n, NEIGHBORS))
        self.g = int(self.edge / (1 + SKIN))
        self.start, self.order, self.cell = ti.field(ti.i32, self.g**3 + 1), ti.field(ti.i32, n), ti.field(ti.i32, n)
        self.rho, self.energy, self.e, self.change = (ti.field(ti.f32, (m, m, m)) for _ in range(4))
        self.a, self.gas_a = vector((m, m, m)), vector((m, m, m))
        self.phi = np.zeros((m, m, m + 2), np.float32)
        self.real, self.spectrum = self.phi[:, :, :m], self.phi.view(np.complex64)
        full, half = 2 * np.pi * np.fft.fftfreq(m, 1 / self.per), 2 * np.pi * np.fft.rfftfreq(m, 1 / self.per)
        square = full[:, None, None] ** 2 + full[:, None] ** 2 + half**2
        square[0, 0, 0] = np.inf
        self.green = (-4 * math.pi * physics["gravity"] / square / m**3).astype(np.float32)
        self.x.from_numpy(state["x"].astype(np.float32))
        self.v.from_numpy(state["v"].astype(np.float32))
        self.heat.fill(physics["heat"])
        self.id.from_numpy(np.arange(n, dtype=np.int32))
        self.rebuild()
        self.forces()

    # ---- lists ----------------------------------------------------------------------------------------------------

    @ti.func
    def cell_of(self, x):
        """Number of the search cell of a place."""
        c = ti.min(ti.cast(x * (self.g / self.edge), ti.i32), self.g - 1)
        return (c[0] * self.g + c[1]) * self.g + c[2]

    @ti.func
    def nearest(self, d):
        """The nearest image of a difference."""
        return d - self.edge * ti.round(d * (1 / self.edge))

    @ti.kernel
    def sort(self):
        """Rows in the order of their cells."""
        for k in self.start:
            self.start[k] = 0
        ti.loop_config(serialize=True)
        for i in range(self.n):
            self.cell[i] = self.cell_of(self.x[i])
            self.start[self.cell[i] + 1] = self.start[self.cell[i] + 1] + 1
        ti.loop_config(serialize=True)
        for k in range(self.g**3):
            self.start[k + 1] = self.start[k + 1] + self.start[k]
        ti.loop_config(serialize=True)
        for j in range(self.n):
            i = self.n - 1 - j
            k = self.cell[i] + 1
            self.start[k] = self.start[k] - 1
            self.order[self.start[k]] = i
        for i in range(self.n):
            j = self.order[i]
            self.old[i], self.u[i], self.f[i] = self.x[j], self.v[j], self.push[j]
            self.spare[i], self.spare_id[i] = self.heat[j], self.id[j]
        for i in range(self.n):
            self.x[i], self.v[i], self.push[i] = self.old[i], self.u[i], self.f[i]
            self.heat[i], self.id[i] = self.spare[i], self.spare_id[i]

    @ti.kernel
    def find(self):
        """All neighbours within reach, of every row."""
        for i in range(self.n):
            x, found = self.x[i], 0
            c = ti.min(ti.cast(x * (self.g / self.edge), ti.i32), self.g - 1)
            for a, b, d in ti.static(ti.ndrange((-1, 2), (-1, 2), (-1, 2))):
                o = (c + ti.Vector([a, b, d]) + self.g) % self.g
                k = (o[0] * self.g + o[1]) * self.g + o[2]
                for j in range(self.start[k + 1], self.end_of(k)):
                    if j != i and self.nearest(self.x[j] - x).norm_sqr() < (1 + SKIN) ** 2:
                        self.list[i, found] = j
                        found += 1
            self.count[i] = found

    @ti.func
    def end_of(self, k):
        """End of the rows of cell `k`, whose starts have moved up by one in :meth:`sort`."""
        return self.start[k + 2] if k + 2 <= self.g**3 else self.n

    @ti.kernel
    def farthest(self) -> ti.f32:
        """Greatest displacement squared since the lists were made."""
        most = 0.0
        ti.loop_config(serialize=True)
        for i in range(self.n):
            most = ti.max(most, self.nearest(self.x[i] - self.old[i]).norm_sqr())
        return most

    def rebuild(self) -> None:
        """Sort the rows and make the lists."""
        self.sort()
        self.find()

    # ---- grid -----------------------------------------------------------------------------------------------------

    @ti.func
    def corner(self, x):
        """Node below a place, and the fraction of a cell above it."""
        s = x * self.per
        low = ti.floor(s)
        return ti.cast(low, ti.i32) % self.m, s - low

    @ti.func
    def weight(self, f, a: ti.template(), b: ti.template(), c: ti.template()):
        """Share of one of the eight nodes."""
        return (
            (f[0] if ti.static(a) else 1 - f[0])
            * (f[1] if ti.static(b) else 1 - f[1])
            * (f[2] if ti.static(c) else 1 - f[2])
        )

    @ti.kernel
    def deposit(self, real: Grid, mass: ti.template()):
        """Densities of mass (where asked for) and heat."""
        for i, j, k in self.rho:
            self.energy[i, j, k] = 0.0
            if ti.static(mass):
                self.rho[i, j, k] = 0.0
        ti.loop_config(serialize=True)
        for p in range(self.n):
            low, f = self.corner(self.x[p])
            q, r = self.heat[p] / self.volume, self.mass / self.volume
            for a, b, c in ti.static(ti.ndrange(2, 2, 2)):
                o = (low + ti.Vector([a, b, c])) % self.m
                w = self.weight(f, a, b, c)
                self.energy[o] = self.energy[o] + w * q
                if ti.static(mass):
                    self.rho[o] = self.rho[o] + w * r
        if ti.static(mass):
            for i, j, k in self.rho:
                real[i, j, k] = self.rho[i, j, k]

    @ti.func
    def face(self, i, j):
        """Pressure on a face; none where one node is empty."""
        return 0.5 * self.gas * (self.energy[i] + self.energy[j]) if self.rho[i] > 0 and self.rho[j] > 0 else 0.0

    @ti.kernel
    def slopes(self, phi: Grid):
        """Acceleration of the nodes by gravity, four-point, and by pressure."""
        for i, j, k in self.rho:
            here = ti.Vector([i, j, k])
            share = self.per / self.rho[here] if self.rho[here] > 0 else 0.0
            for axis in ti.static(range(3)):
                unit = ti.Vector.unit(3, axis, ti.i32)
                e, w = (here + unit) % self.m, (here - unit + self.m) % self.m
                ee, ww = (here + 2 * unit) % self.m, (here - 2 * unit + self.m) % self.m
                near = phi[e[0], e[1], e[2]] - phi[w[0], w[1], w[2]]
                far = phi[ee[0], ee[1], ee[2]] - phi[ww[0], ww[1], ww[2]]
                self.a[here][axis] = -self.per * (2 / 3 * near - far / 12)
                self.gas_a[here][axis] = share * (self.face(here, w) - self.face(here, e))

    @ti.kernel
    def specific(self):
        """e = u / rho."""
        for i, j, k in self.e:
            self.e[i, j, k] = self.energy[i, j, k] / self.rho[i, j, k] if self.rho[i, j, k] > 0 else 0.0

    @ti.func
    def flow(self, i, j):
        """Heat through one face: the harmonic mean of two densities conducts."""
        both = self.rho[i] * self.rho[j]
        return 2 * both / (self.rho[i] + self.rho[j]) * (self.e[j] - self.e[i]) if both > 0 else 0.0

    @ti.kernel
    def exchange(self):
        """Change of the specific energy of the nodes in one explicit step."""
        for i, j, k in self.change:
            here, total = ti.Vector([i, j, k]), 0.0
            for axis in ti.static(range(3)):
                unit = ti.Vector.unit(3, axis, ti.i32)
                total += self.flow(here, (here + unit) % self.m) + self.flow(here, (here - unit + self.m) % self.m)
            self.change[here] = self.conduct * total / self.rho[here] if self.rho[here] > 0 else 0.0

    @ti.kernel
    def warm(self):
        """Bring the change of the nodes back to the particles."""
        for p in range(self.n):
            low, f = self.corner(self.x[p])
            gain = 0.0
            for a, b, c in ti.static(ti.ndrange(2, 2, 2)):
                gain += self.weight(f, a, b, c) * self.change[(low + ti.Vector([a, b, c])) % self.m]
            self.heat[p] += self.mass * gain

    # ---- particles ------------------------------------------------------------------------------------------------

    @ti.kernel
    def pull_and_touch(self):
        """Forces of gravity, pressure and contact."""
        for p in range(self.n):
            x = self.x[p]
            low, f = self.corner(x)
            a_sum, gas = ti.Vector([0.0, 0.0, 0.0]), ti.Vector([0.0, 0.0, 0.0])
            for a, b, c in ti.static(ti.ndrange(2, 2, 2)):
                o = (low + ti.Vector([a, b, c])) % self.m
                w = self.weight(f, a, b, c)
                a_sum += w * self.a[o]
                gas += w * self.gas_a[o]
            self.push[p] = self.mass * gas
            force = self.mass * (a_sum + gas)
            for entry in range(self.count[p]):
                d = self.nearest(x - self.x[self.list[p, entry]])
                square = d.norm_sqr()
                if square < 1.0:
                    r = ti.sqrt(square)
                    overlap = 1.0 - r
                    force += self.stiffness * 0.5 * overlap * ti.sqrt(overlap) / r * d
            self.f[p] = force

    @ti.func
    def drag(self, v):
        """Velocity after half a step of friction."""
        return v * ti.exp(-self.friction * 0.5 * self.dt / self.mass)

    @ti.kernel
    def begin(self):
        """Friction, kick and drift; heat pays for the work of the pressure."""
        for p in range(self.n):
            v, half = self.drag(self.v[p]), 0.5 * self.dt
            h = self.heat[p] + 0.5 * self.mass * (self.v[p].norm_sqr() - v.norm_sqr())
            h -= half * self.push[p].dot(v + 0.5 * half / self.mass * self.f[p])
            v += half / self.mass * self.f[p]
            x = self.x[p] + self.dt * v
            self.v[p], self.heat[p] = v, h
            self.x[p] = x - self.edge * ti.floor(x * (1 / self.edge))

    @ti.kernel
    def finish(self):
        """The second kick; velocities into `u`, for the damping of contacts."""
        for p in range(self.n):
            v, half = self.v[p], 0.5 * self.dt
            self.heat[p] -= half * self.push[p].dot(v + 0.5 * half / self.mass * self.f[p])
            self.u[p] = v + half / self.mass * self.f[p]

    @ti.kernel
    def damp(self):
        """Damping of contacts, half of the heat to each of two; then friction."""
        for p in range(self.n):
            x, v = self.x[p], self.u[p]
            kick, made = ti.Vector([0.0, 0.0, 0.0]), 0.0
            for entry in range(self.count[p]):
                q = self.list[p, entry]
                d = self.nearest(x - self.x[q])
                square = d.norm_sqr()
                if square < 1.0:
                    r = ti.sqrt(square)
                    strength = self.dt * self.damping * ti.sqrt(0.25 * (1.0 - r))
                    approach = (v - self.u[q]).dot(d) / r
                    impulse = -0.5 * self.mass * strength / (1 + 0.5 * strength) * approach
                    kick += impulse / r * d
                    made -= 0.5 * impulse * (approach + impulse / self.mass)
            v += kick / self.mass
            w = self.drag(v)
            self.heat[p] += made + 0.5 * self.mass * (v.norm_sqr() - w.norm_sqr())
            self.v[p] = w

    def forces(self) -> None:
        """All forces at the present positions."""
        self.deposit(self.phi, True)
        ducc0.fft.r2c(self.real, out=self.spectrum, nthreads=1)
        np.multiply(self.spectrum, self.green, out=self.spectrum)
        c2r = {"lastsize": self.m, "forward": False, "nthreads": 1, "allow_overwriting_input": True}
        ducc0.fft.c2r(self.spectrum, out=self.real, **c2r)
        self.slopes(self.phi)
        self.pull_and_touch()

    def step(self) -> None:
        """One step."""
        self.begin()
        if self.farthest() > (0.5 * SKIN) ** 2:
            self.rebuild()
        self.forces()
        self.finish()
        self.damp()
        self.deposit(self.phi, False)
        self.specific()
        self.exchange()
        self.warm()

    def wait(self) -> None:
        """Until everything asked for is done."""
        ti.sync()

    def positions(self) -> Any:
        """Where the spheres are, by id."""
        return self.x.to_numpy()[np.argsort(self.id.to_numpy())]
