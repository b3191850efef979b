"""The command line, ``senso``. A command is imported when it is called, so that the help appears at once."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

import click

from sensorium.cli.failures import guarded, survived

__all__ = ["COMMANDS", "main", "senso"]

# name -> one line of help; the module of each command has the same name and a click command `command`
COMMANDS = {
    "run": "Run a scenario; the same command again resumes it.",
    "resume": "Go on with an interrupted run.",
    "validate": "Check scenarios and report every mistake.",
    "info": "Show what a scenario will do, or what a run contains.",
    "watch": "Show how far a run is, until it ends.",
    "plot": "Draw a run.",
    "report": "Write one HTML page on a run.",
    "movie": "Draw a run as moving pictures.",
    "export": "Write a run for another program.",
    "repair": "Save the good frames of a damaged run.",
    "sweep": "Run a scenario for many values of its parameters.",
    "systems": "List the systems, or describe one.",
    "scenarios": "List the packaged scenarios, or print one.",
    "new-plugin": "Make a package with a system of your own.",
    "schema": "Print the JSON Schema of scenarios, plugins included.",
    "doctor": "Say what is installed and what works.",
    "warmup": "Compile the kernels of scenarios ahead of time.",
    "bench": "Time a scenario, system by system.",
}
READERS = frozenset({"info", "watch", "plot", "report", "movie", "export"})  # of HDF5 that may be damaged


class _Lazy(click.Group):
    """A group whose commands are imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"sensorium.cli.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError:
            from sensorium.engine.naming import did_you_mean

            hint = did_you_mean(str(args[0]), COMMANDS)
            raise click.UsageError(f"No such command '{args[0]}'{hint}", ctx) from None


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"senso {version('sensorium-engine')}")
        ctx.exit()


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Print the version."
)
def senso() -> None:
    """Sensorium: particles, oscillators and the carriers that they share.

    \b
    senso run manifold         run a packaged scenario
    senso run my.yaml          run your own
    senso validate my.yaml     check it first

    \b
    Exit codes: 0 done, 1 internal error, 2 usage, 3 invalid scenario, 4 physics guard,
    5 input/output, 130 and 143 stopped by a signal.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    given = list(sys.argv[1:] if arguments is None else arguments)

    def work() -> int:
        return guarded(senso, given)

    sys.exit(survived(work) if given and given[0] in READERS else work())
