"""Ensemble: the members of a sweep, their folders, and what is left to run."""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sensorium.engine.component import Component
from sensorium.engine.errors import OutputError, ScenarioError
from sensorium.scenarios.launch import differences
from sensorium.scenarios.member import OUTCOME, TRAJECTORY, Job, Outcome
from sensorium.scenarios.problems import InvalidScenario, Problems
from sensorium.scenarios.scenario import Scenario, read_scenario
from sensorium.scenarios.sweep import read_sweep
from sensorium.scenarios.tree import Mark, Node, plain
from sensorium.scenarios.yaml12 import parse

__all__ = ["Ensemble", "member_name", "parse_variations"]

MANIFEST = "sweep.json"
HASH_DIGITS = 12
MAX_CHECKED = 256  # values that are tried out before the first run; each costs some milliseconds


def member_name(parameters: Mapping[str, Any]) -> str:
    """The folder of a member: a hash of its parameters, whatever their order."""
    text = json.dumps(dict(parameters), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:HASH_DIGITS]


def parse_variations(assignments: Iterable[str], option: str = "--vary") -> dict[str, Any]:
    """``["systems.drag.viscosity=0.1,1", "run.seed={range: 8}"]`` as a ``sweep`` section.

    A list in brackets, or one of the forms of the section, is taken as it is; anything else is values between commas.

    Raises
    ------
    InvalidScenario
        For each one that has no ``=``, an empty path, no value, or a value that is not YAML.
    """
    problems, found = Problems(), {}
    for assignment in assignments:
        path, equals, text = (part.strip() for part in assignment.partition("="))
        if not (path and equals and text):
            problems.add(Mark(option), "", f"'{assignment}' is not of the form path=value,value,...")
            continue
        own = Problems()
        try:
            value = plain(parse(f"[{text}]", option, own))
        except InvalidScenario:
            value = None
        for problem in own.found:
            problems.add(Mark(option), path, problem.message)
        alone = isinstance(value, list) and len(value) == 1 and isinstance(value[0], list | dict)
        found[path] = value[0] if isinstance(value, list) and alone else value
    problems.raise_any()
    return found


@dataclass(frozen=True)
class Ensemble:
    """The members of a sweep of one scenario, in one folder.

    Attributes
    ----------
    scenario
        The scenario that the members change.
    folder
        Where the folders of the members lie, side by side.
    members
        What each of them changes, by path.
    device, threads
        For the runs.
    """

    scenario: Scenario
    folder: Path
    members: tuple[dict[str, Any], ...]
    device: str = "auto"
    threads: int = 1

    @classmethod
    def read(
        cls,
        source: str | Path | Mapping[str, Any],
        folder: str | Path,
        *,
        overrides: Mapping[str, Any] | None = None,
        vary: Mapping[str, Any] | None = None,
        plugins: Iterable[str | Path] = (),
        device: str = "auto",
        threads: int = 1,
    ) -> Ensemble:
        """Read a scenario and lay out its sweep: the section ``sweep``, and `vary` in the same form over it.

        Raises
        ------
        InvalidScenario
            With every mistake of the scenario and of the values that members give it.
        ScenarioError
            If nothing varies.
        """
        plugins = tuple(plugins)
        scenario = read_scenario(source, overrides, plugins=plugins, origin="--set")
        section = scenario.root.get("sweep")
        if vary:
            # the values of the command line are checked like those of the file, under their own name
            whole = {**(plain(section) if section is not None else {}), **vary}
            changed = {**(overrides or {}), "sweep": whole}
            scenario = read_scenario(source, changed, plugins=plugins, registry=scenario.registry, origin="--vary")
            section = scenario.root.get("sweep")
        problems = Problems()
        members = read_sweep(section or Node({}, scenario.root.mark), problems)
        problems.raise_any()
        if not members:
            raise ScenarioError(
                f"{scenario.name} has nothing to vary: add a section 'sweep: {{PATH: [value, ...]}}', "
                "or give --vary PATH=VALUE,VALUE"
            )
        unique = {member_name(member): member for member in members}
        return cls(scenario, Path(folder), tuple(unique.values()), device, threads)

    def inside(self, folder: Path) -> Ensemble:
        """The same members in another folder."""
        return replace(self, folder=folder)

    def check(self) -> None:
        """Try every value that some member gives, without running.

        Raises
        ------
        InvalidScenario
            With every value that the scenario does not take.
        """
        seen: set[tuple[str, str]] = set()
        problems, portable = Problems(), self.scenario.portable
        for member in self.members:
            values = {(path, json.dumps(value)) for path, value in member.items()}
            if values <= seen or len(seen) > MAX_CHECKED:
                continue
            seen |= values
            try:
                read_scenario(
                    portable, member, plugins=self.scenario.plugins, folder=self.scenario.folder,
                    registry=self.scenario.registry, origin="sweep",
                )  # fmt: skip
            except InvalidScenario as error:
                for problem in error.problems:
                    problems.add(problem.mark, problem.path, problem.message)
        problems.raise_any()

    # ---- the folder -------------------------------------------------------------------------------------------

    def folder_of(self, member: Mapping[str, Any]) -> Path:
        """The folder of a member's run."""
        return self.folder / member_name(member)

    def claim(self, *, overwrite: bool = False) -> None:
        """Make the folder this sweep's own.

        Parameters
        ----------
        overwrite
            Delete the runs of the members that are there.

        Raises
        ------
        OutputError
            If the folder holds a sweep of another scenario, or cannot be written.
        """
        manifest = self.folder / MANIFEST
        if not overwrite and (changed := self._changed(manifest)):
            raise OutputError(
                f"{self.folder} holds a sweep of another scenario (it differs in: {', '.join(changed)}); "
                "choose another folder with -o, or replace it with --overwrite"
            )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if overwrite:
                self._clear()
            told = {"scenario": self._resolved(), "members": {member_name(m): m for m in self.members}}
            fresh = manifest.with_suffix(".tmp")
            fresh.write_text(json.dumps(told, indent=1), encoding="utf-8")
            fresh.replace(manifest)
        except OSError as error:
            raise OutputError(f"cannot write into {self.folder}: {(error.strerror or str(error)).lower()}") from None

    def _resolved(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(json.dumps(self.scenario.resolved))
        return found

    def _changed(self, manifest: Path) -> list[str]:
        try:
            before = json.loads(manifest.read_text(encoding="utf-8"))["scenario"]
        except (OSError, ValueError, KeyError):
            return []
        return differences(before, self._resolved())

    def _clear(self) -> None:
        for member in self.members:
            folder = self.folder_of(member)
            for name in (TRAJECTORY, OUTCOME):
                (folder / name).unlink(missing_ok=True)
            shutil.rmtree(folder / f"{TRAJECTORY}.parts", ignore_errors=True)

    # ---- what to do -------------------------------------------------------------------------------------------

    def outcome(self, member: Mapping[str, Any]) -> Outcome:
        """How far a member is by the note in its folder."""
        folder = self.folder_of(member)
        found = Outcome.read(folder)
        if found is not None and found.status == "complete" and not (folder / TRAJECTORY).is_file():
            found = None
        return found or Outcome(dict(member))

    def jobs(self) -> list[Job]:
        """A job for every member that is not complete."""
        scenario = self.scenario
        portable, sweep = scenario.portable, uuid.uuid4().hex
        return [
            Job(
                portable, scenario.sources.text, member, str(self.folder_of(member).resolve()),
                str(scenario.folder.resolve()) if scenario.folder is not None else None,
                tuple(str(Path(plugin).resolve()) for plugin in scenario.plugins), self.device, self.threads, sweep,
            )
            for member in self.members
            if self.outcome(member).status != "complete"
        ]  # fmt: skip

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths that vary."""
        return tuple(dict.fromkeys(path for member in self.members for path in member))

    def unit(self, path: str) -> str:
        """Unit of a path that varies; ``"1"`` where it has none or none is known."""
        match path.split("."):
            case ["run", "dt"]:
                return "time"
            case ["systems", instance, name, *_]:
                plan = next((plan for plan in self.scenario.systems if plan.instance == instance), None)
                info = plan.kind.parameters().model_fields.get(name) if plan is not None else None
                extra = info.json_schema_extra if info is not None else None
                return str(extra.get("unit", "1")) if isinstance(extra, dict) else "1"
            case ["populations", _, "components", component, name, *_]:
                kind: type[Component] | None = self.scenario.registry.components.get(component)
                field = kind.fields.get(name) if kind is not None else None
                return field.unit if field is not None else "1"
            case _:
                return "1"
