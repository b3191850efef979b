"""What a failure looks like: one clear message and an exit code; a traceback only where it was asked for."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from types import FrameType

import click

__all__ = ["INTERNAL", "IO", "PHYSICS", "SCENARIO", "USAGE", "guarded", "survived", "wants_traceback"]

INTERNAL, USAGE, SCENARIO, PHYSICS, IO, INTERRUPTED = 1, 2, 3, 4, 5, 130
CRASHES = (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL)


def guarded(command: click.Command, arguments: Sequence[str]) -> int:
    """Run `command`; return the exit code, whatever happens."""
    try:
        answer = command.main(args=list(arguments), prog_name="senso", standalone_mode=False)
        return answer if isinstance(answer, int) else 0
    except click.exceptions.Exit as done:
        return int(done.exit_code)
    except click.ClickException as error:
        error.show()
        return USAGE
    except (KeyboardInterrupt, click.Abort):
        _say("stopped")
        return INTERRUPTED
    except BrokenPipeError:
        # the reader (head, less) went away; keep the interpreter from complaining about it at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except SystemExit as left:
        if _plugin_frame(left) is None:  # click, when the reader of the output (head, less) went away
            return 0
        return _explain(left, arguments)
    except Exception as error:
        return _explain(error, arguments)


def survived(work: Callable[[], int]) -> int:
    """Do `work`, which reads HDF5, in a child process: damage that kills the library ends in one sentence, too.

    Signals reach the child through this process alone, so that one Ctrl-C is one.
    """
    child = os.fork()
    if not child:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        sys.exit(work())
    received: list[int] = []

    def forward(number: int, frame: FrameType | None) -> None:
        received.append(number)
        os.kill(child, signal.SIGTERM)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, forward)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if received and code == INTERRUPTED:
        return 128 + received[0]
    if code >= 0:
        return code
    if -code in CRASHES:
        name = signal.Signals(-code).name
        _say(f"the HDF5 library broke down ({name}): the file is damaged; senso repair saves the frames that are whole")
        return IO
    _say(f"killed by {signal.Signals(-code).name}")
    return 128 - code


def wants_traceback(arguments: Sequence[str]) -> bool:
    """Whether ``--debug`` or ``SENSORIUM_DEBUG`` asks for tracebacks."""
    return "--debug" in arguments or os.environ.get("SENSORIUM_DEBUG", "") not in ("", "0")


def _explain(error: BaseException, arguments: Sequence[str]) -> int:
    from sensorium.engine.errors import SensoriumError

    if isinstance(error, SensoriumError):
        problems = getattr(error, "problems", ())
        _say(f"{error}\n{len(problems)} mistakes" if len(problems) > 1 else str(error))
        return error.exit_code if error.exit_code != INTERNAL else USAGE
    if wants_traceback(arguments):
        traceback.print_exception(error)
    if isinstance(error, MemoryError):
        _say(f"not enough memory: {str(error) or 'an allocation failed'}")
        return IO
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        _say(f"{where}{error.strerror or error}")
        return IO
    text = f"{type(error).__name__}: {' '.join(str(error).split())}"
    frame, fault = _plugin_frame(error), "in the plugin"
    if frame is not None:
        _say(f"plugin {frame.filename}:{frame.lineno}: {text}")
    else:
        frame, fault = traceback.extract_tb(error.__traceback__)[-1], "in the engine or in a plugin"
        _say(f"internal error: {text} ({frame.filename}:{frame.lineno})")
    if not wants_traceback(arguments):
        _say(f"the fault is {fault}, not in the scenario; SENSORIUM_DEBUG=1 shows the traceback")
    return INTERNAL


def _plugin_frame(error: BaseException) -> traceback.FrameSummary | None:
    """The innermost line, on the way to `error`, of a file with systems that are not ours."""
    from sensorium.engine.system import System

    modules, kinds = set(), [System]
    while kinds:
        kinds += (below := kinds.pop().__subclasses__())
        modules |= {kind.__module__ for kind in below if not kind.__module__.startswith("sensorium.")}
    files = {str(getattr(sys.modules.get(name), "__file__", "")) for name in modules}
    frames = traceback.extract_tb(error.__traceback__)
    return next((frame for frame in reversed(frames) if frame.filename in files), None)


def _say(message: str) -> None:
    label = click.style("error", fg="red", bold=True)
    click.echo(f"{label}: {message}" if "\n" not in message else f"{label}:\n{message}", err=True)
