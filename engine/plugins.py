"""Find systems, components, writers and scenarios: built in, installed (entry points), or in one file.

A scenario names systems by their key in a :class:`Registry`; it can never name code. Code comes from the packages given
as built in, from installed distributions through the entry-point groups ``sensorium.systems``,
``sensorium.components``, ``sensorium.writers`` and ``sensorium.scenarios``, and from files that the user names on the
command line.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from sensorium.engine.component import Component
from sensorium.engine.errors import ScenarioError
from sensorium.engine.naming import did_you_mean
from sensorium.engine.system import System

__all__ = ["GROUPS", "Registry", "entry_points_of", "load_file"]

GROUPS = ("sensorium.systems", "sensorium.components", "sensorium.writers", "sensorium.scenarios")


@dataclass
class Registry:
    """What a scenario may name, and where each thing comes from.

    Attributes
    ----------
    systems, components, writers
        Classes by the name that scenarios use.
    origins
        Origin of each class in words: ``built in``, ``package NAME VERSION``, ``file PATH``.
    broken
        One sentence for each plugin that could not be loaded; a run that does not need it goes on.
    """

    systems: dict[str, type[System]] = field(default_factory=dict)
    components: dict[str, type[Component]] = field(default_factory=dict)
    writers: dict[str, Any] = field(default_factory=dict)
    origins: dict[Any, str] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    @classmethod
    def discover(cls, packages: Iterable[str] = (), files: Iterable[str | Path] = ()) -> Registry:
        """Everything there is: the modules of `packages`, what is installed, then each plugin file.

        Raises
        ------
        ScenarioError
            If a plugin file is missing, fails to import, has nothing to register, or takes a name that exists.
        """
        registry = cls()
        for package in packages:
            registry.add_package(package)
        registry.add_installed()
        for file in files:
            registry.add_file(file)
        return registry

    def system(self, name: str) -> type[System]:
        """The system class `name`; ScenarioError suggests the nearest when there is none."""
        if name not in self.systems:
            raise ScenarioError(self.unknown("system", name, self.systems))
        return self.systems[name]

    def component(self, name: str) -> type[Component]:
        """The component class `name`; ScenarioError suggests the nearest when there is none."""
        if name not in self.components:
            raise ScenarioError(self.unknown("component", name, self.components))
        return self.components[name]

    def unknown(self, kind: str, name: str, known: Iterable[str]) -> str:
        """What to say of a name that nobody registered."""
        broken = f" ({len(self.broken)} plugins could not be loaded: see senso doctor)" if self.broken else ""
        return f"no {kind} '{name}'{did_you_mean(name, known)}{broken}"

    # ---- sources ----------------------------------------------------------------------------------------------

    def add_package(self, package: str) -> None:
        """Register every system and component of the modules of `package` and its subpackages."""
        root = importlib.import_module(package)
        for name in [package, *(m.name for m in pkgutil.walk_packages(root.__path__, f"{package}."))]:
            with self._tolerant(f"module {name}"):
                self._add_module(importlib.import_module(name), "built in")

    def add_installed(self) -> None:
        """Register what installed distributions offer through entry points."""
        for group in ("sensorium.systems", "sensorium.components"):
            for entry in entry_points_of(group):
                with self._tolerant(_entry_name(entry)):
                    self._add_object(entry.load(), _origin(entry))
        for entry in entry_points_of("sensorium.writers"):
            with self._tolerant(_entry_name(entry)):
                self._register(self.writers, "writer", entry.name, entry.load(), _origin(entry))

    def add_file(self, path: str | Path) -> None:
        """Register every system and component of one Python file."""
        module = load_file(path)
        try:
            found = self._add_module(module, f"file {path}")
        except ScenarioError:
            raise
        except Exception as error:
            raise ScenarioError(f"plugin {path}: {_told(error)}") from error
        if not found:
            raise ScenarioError(f"plugin {path}: defines no System and no Component")

    @contextmanager
    def _tolerant(self, what: str) -> Iterator[None]:
        """One broken plugin must not stop the runs that do not need it."""
        try:
            yield
        except Exception as error:
            self.broken.append(f"{what}: {_told(error)}")

    def _add_object(self, found: object, origin: str) -> None:
        if isinstance(found, ModuleType):
            self._add_module(found, origin)
        elif isinstance(found, type) and issubclass(found, System | Component):
            self._add_class(found, origin)
        else:
            raise ScenarioError(f"{found!r} is neither a System, nor a Component, nor a module with some")

    def _add_module(self, module: ModuleType, origin: str) -> int:
        classes = list(_own_classes(module))
        for cls in classes:
            self._add_class(cls, origin)
        return len(classes)

    def _add_class(self, cls: type[System] | type[Component], origin: str) -> None:
        if issubclass(cls, System):
            cls.parameters()  # a parameter that cannot be checked is a fault of the plugin: tell it here
            self._register(self.systems, "system", cls.name, cls, origin)
        else:
            self._register(self.components, "component", cls.name, cls, origin)

    def _register(self, table: dict[str, Any], kind: str, name: str, cls: Any, origin: str) -> None:
        other = table.setdefault(name, cls)
        if other is not cls:
            raise ScenarioError(f"{kind} '{name}' of {origin} has the name of the one that is {self.origins[other]}")
        self.origins.setdefault(cls, origin)


def load_file(path: str | Path) -> ModuleType:
    """Import one Python file as a module of its own; the same content is imported once per process.

    Raises
    ------
    ScenarioError
        If the file is missing or its import fails; names the file, the line and the exception.
    """
    file = Path(path)
    try:
        source = file.read_bytes()
    except OSError as error:
        raise ScenarioError(f"plugin {path}: cannot be read: {error.strerror}") from None
    digest = hashlib.sha256(str(file.resolve()).encode() + b"\0" + source).hexdigest()[:12]
    name = f"sensorium_plugin_{file.stem.replace('-', '_').replace('.', '_')}_{digest}"
    if name in sys.modules:
        return sys.modules[name]
    module = ModuleType(name)
    module.__file__ = str(file)
    sys.modules[name] = module
    try:
        exec(compile(source, str(file), "exec"), module.__dict__)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise ScenarioError(f"plugin {path}{_line(error, file)}: {_told(error)}") from error
    return module


def _own_classes(module: ModuleType) -> Iterator[type[System] | type[Component]]:
    for name, value in vars(module).items():
        if name.startswith("_") or not isinstance(value, type) or value.__module__ != module.__name__:
            continue
        if issubclass(value, System | Component) and not inspect.isabstract(value):
            yield value


def entry_points_of(group: str) -> list[EntryPoint]:
    """The installed entry points of `group`, sorted by name; nothing is imported."""
    # sorted: the order of sys.path must not decide which of two equal names is reported
    return sorted(entry_points(group=group), key=lambda entry: (entry.name, entry.value))


def _entry_name(entry: EntryPoint) -> str:
    return f"plugin {entry.name} = {entry.value} ({_origin(entry)})"


def _origin(entry: EntryPoint) -> str:
    return f"package {entry.dist.name} {entry.dist.version}" if entry.dist else "an installed package"


def _told(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text if isinstance(error, ScenarioError) else f"{type(error).__name__}: {text}"


def _line(error: BaseException, file: Path) -> str:
    """``:LINE`` of the deepest frame of the error that lies in the file."""
    if isinstance(error, SyntaxError) and error.lineno:
        return f":{error.lineno}"
    trace, line = error.__traceback__, ""
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(file):
            line = f":{trace.tb_lineno}"
        trace = trace.tb_next
    return line
