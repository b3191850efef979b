"""Where scenarios and texts are: in the package, in installed plugin packages, or in a file of the user's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from sensorium.engine.errors import ScenarioError
from sensorium.engine.naming import did_you_mean

__all__ = ["SUFFIXES", "Packaged", "locate", "packaged", "text_file"]

SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True)
class Packaged:
    """A scenario that runs by name."""

    name: str
    path: Path
    origin: str

    @property
    def header(self) -> str:
        """The comment at the top of the file: what it shows, its source, what to expect, how long it takes."""
        lines = []
        for line in self.path.read_text(encoding="utf-8").splitlines():
            if not line.startswith("#"):
                break
            lines.append(line.lstrip("#").strip())
        return "\n".join(line for line in lines if "yaml-language-server" not in line).strip()

    @property
    def summary(self) -> str:
        """Its description; without one, the first sentence of the header."""
        said = re.search(r"^description: *(.+)$", self.path.read_text(encoding="utf-8"), re.MULTILINE)
        text = said[1].strip("\"'") if said else self.header.split("\n\n")[0].replace("\n", " ").split(". ")[0]
        return text.rstrip(".")


def packaged() -> dict[str, Packaged]:
    """Every scenario that runs by name, sorted; plugin packages may not take a name that is taken."""
    found = {p.stem: Packaged(p.stem, p, "built in") for p in _yaml(Path(str(resources.files("sensorium.scenarios"))))}
    from sensorium.engine.plugins import entry_points_of

    for entry in entry_points_of("sensorium.scenarios"):
        try:
            folder = Path(str(resources.files(entry.value.split(":")[0])))
        except (ImportError, TypeError):
            continue
        origin = f"package {entry.dist.name} {entry.dist.version}" if entry.dist else "an installed package"
        for path in _yaml(folder):
            found.setdefault(path.stem, Packaged(path.stem, path, origin))
    return dict(sorted(found.items()))


def locate(source: str | Path, near: Path | None = None) -> Path:
    """The file of a scenario that is given as a path (relative to `near`) or as a packaged name.

    Raises
    ------
    ScenarioError
        If `source` is neither; suggests the nearest packaged name.
    """
    name = str(source)
    path = Path(name) if near is None else near / name
    # a path that exists, or that looks like one, is a path; its reader says what is wrong with it
    if path.is_file() or path.suffix in SUFFIXES or "/" in name:
        return path
    library = packaged()
    if name in library:
        return library[name].path
    if path.exists():
        return path
    hint = did_you_mean(name, library) or f" (packaged: {', '.join(library)})"
    raise ScenarioError(f"no file and no packaged scenario '{name}'{hint}")


def text_file(name: str, near: Path | None) -> Path:
    """A text given as a path relative to `near`, or as the name of one that is shipped (``genesis.txt``).

    Raises
    ------
    ScenarioError
        If there is neither; suggests the nearest shipped text.
    """
    path = Path(name) if near is None else near / name
    if path.exists():
        return path
    folder = Path(str(resources.files("sensorium.scenarios"))) / "texts"
    shipped = {p.name: p for p in sorted(folder.glob("*.txt"))} | {p.stem: p for p in sorted(folder.glob("*.txt"))}
    if name in shipped:
        return shipped[name]
    raise ScenarioError(f"no file '{path}' and no shipped text of that name{did_you_mean(name, shipped)}")


def _yaml(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES) if folder.is_dir() else []
