"""Entry point of the command line: command groups, and mapping of errors to exit codes."""

from __future__ import annotations

import io
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Annotated, Any

import typer
import typer.core
import typer.main

from bpcli._version import __version__
from bpcli.cli.console import discard, note, say, say_error
from bpcli.cli.signals import ending_at_once, ending_cleanly
from bpcli.errors import ArgumentsError, BpcliError, ExitCode
from bpcli.wording import printable

CLOSED_PIPE = 128 + signal.SIGPIPE

_TyperError: Any = typer.BadParameter.__mro__[2]
"""Base class of Typer's usage errors, which has no public name in some releases."""

GROUPS: dict[str, tuple[str, ...]] = {
    "Prepare": ("init", "check", "schema"),
    "Train": ("train", "tune", "runs", "reproduce", "ranks"),
    "Judge": ("evaluate", "predict", "forecast", "compare", "report"),
    "Understand": ("inspect", "plot", "trace", "gradcheck"),
}
"""Commands by group, in the order of `bpcli --help`."""

COMMANDS = tuple(name for names in GROUPS.values() for name in names)


def _function(name: str) -> Callable[..., None]:
    """Function of a command, in the module of its name."""
    function: Callable[..., None] = getattr(import_module(f"bpcli.cli.{name}"), name)
    return function


@cache
def _parser(name: str) -> Any:
    """Parser of a command. A process that runs a command several times builds it once."""
    single = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    single.command()(_function(name))
    return typer.main.get_command(single)


class _Parsers(Mapping[str, Any]):
    """Parsers of all commands. Only the parser of the command that is run is built."""

    def __getitem__(self, name: str) -> Any:
        if name not in COMMANDS:
            raise KeyError(name)
        return _parser(name)

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class _Grouped(typer.core.TyperGroup):
    """Command group that lists its commands by section."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands: Any = _Parsers()

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write a section for each group, with aligned columns: the first lines of the commands' docstrings."""
        width = max(map(len, COMMANDS))
        for heading, names in GROUPS.items():
            with formatter.section(heading):
                summaries = [(_function(name).__doc__ or "").partition("\n")[0] for name in names]
                formatter.write_dl([(name.ljust(width), line) for name, line in zip(names, summaries, strict=True)])


app = typer.Typer(
    cls=_Grouped,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(shown: bool) -> None:
    if shown:
        print(f"bpcli {__version__}")
        raise typer.Exit


@app.callback()
def bpcli(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Train neural networks by backpropagation, from one YAML file.

    bpcli COMMAND --help explains a command. With --debug, an error comes with its traceback; with --json, as one JSON
    object.
    """
    for line in context.obj:
        note(line)


command_line = typer.main.get_command(app)
"""Parser of the command line."""


def run(arguments: list[str] | None = None, notes: Sequence[str] = ()) -> None:
    """Run the command line and exit with its exit code. Commands print `notes` before they start."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    debug, as_json = "--debug" in arguments, "--json" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    if not {"--quiet", "-q"}.isdisjoint(arguments):
        notes = ()
    _require_streams()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Predictions are UTF-8 in any locale, and paths that are not UTF-8 keep their bytes.
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")
    try:
        try:
            with ending_at_once() if "--mpi" in arguments else ending_cleanly():
                code = command_line(args=arguments or ["--help"], prog_name="bpcli", standalone_mode=False, obj=notes)
        finally:
            sys.stdout.flush()
    except ArgumentsError as error:
        code = error.exit_code
        say_error(code, f"{error}; see {_help(arguments)}", as_json=as_json)
    except BpcliError as error:
        if debug:
            traceback.print_exc()
        code = error.exit_code
        say_error(code, *error.messages, as_json=as_json, names=error.names)
    except _TyperError as error:
        what = printable(error.format_message()).rstrip(".").replace("Value error, ", "")
        code = ExitCode.CONFIG
        say_error(code, f"{what}; see {_help(arguments)}", as_json=as_json)
    except SystemExit as stop:
        # Typer exits with code 1 on a broken pipe.
        if not isinstance(stop.__context__, BrokenPipeError):
            if stop.code == 128 + signal.SIGINT:
                say("interrupted")
            raise
        discard(sys.stdout)
        code = CLOSED_PIPE
    except OSError as error:
        if error.filename is None:  # a stream, not a file
            discard(sys.stdout)
        if isinstance(error, BrokenPipeError):
            sys.exit(CLOSED_PIPE)
        if debug:
            traceback.print_exc()
        where = "" if error.filename is None else f"{printable(str(error.filename))}: "
        code = ExitCode.IO
        say_error(code, f"{where}{error.strerror or error}", as_json=as_json)
    except MemoryError:
        if debug:
            traceback.print_exc()
        code = ExitCode.MEMORY
        remedy = "use fewer rows or columns, fewer units, or a smaller batch"
        say_error(code, f"out of memory; {remedy}", as_json=as_json)
    except Exception as error:
        if debug:
            traceback.print_exc()
        what = printable(f"{type(error).__name__}: {error}")
        code = ExitCode.BUG
        say_error(code, f"a bug in bpcli: {what}; please report it, with the output of --debug", as_json=as_json)
    sys.exit(code)


def _help(arguments: Sequence[str]) -> str:
    """Command line that explains the command in `arguments`, or all commands if they name none."""
    return " ".join(["bpcli", *(name for name in arguments[:1] if name in COMMANDS), "--help"])


def _require_streams() -> None:
    """Open standard streams that were closed at startup, and so are None, on the null device."""
    for name, flags in (("stdin", os.O_RDONLY), ("stdout", os.O_WRONLY), ("stderr", os.O_WRONLY)):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, flags), "r" if name == "stdin" else "w"))
