"""The command line assembled: commands in order of use, and errors mapped to exit codes."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from bpcli._version import __version__
from bpcli.cli.check import check
from bpcli.cli.evaluate import evaluate
from bpcli.cli.init import init
from bpcli.cli.predict import predict
from bpcli.cli.schema import schema
from bpcli.cli.train import train
from bpcli.errors import BpcliError, ExitCode

app = typer.Typer(
    rich_markup_mode=None,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(shown: bool) -> None:
    if shown:
        print(f"bpcli {__version__}")
        raise typer.Exit


@app.callback()
def bpcli(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Train neural networks by backpropagation, from one YAML file.

    With --debug, anywhere on the line, an error shows where in bpcli it came from.
    """


for command in (init, check, train, evaluate, predict, schema):
    app.command()(command)


def run(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with the code that the result has."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    try:
        app(args=arguments, prog_name="bpcli")
    except BpcliError as error:
        if debug:
            raise
        for message in error.messages:
            print(f"error: {message}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader of our output has left. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except Exception as error:
        if debug:
            raise
        print(
            f"error: a bug in bpcli: {type(error).__name__}: {error}; please report it, with the output of --debug",
            file=sys.stderr,
        )
        sys.exit(ExitCode.BUG)
