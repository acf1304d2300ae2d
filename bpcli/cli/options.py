"""Options and arguments that several commands share, each with its one help text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ConfigArgument = Annotated[Path, typer.Argument(metavar="CONFIG", help="Experiment, a YAML file.")]

CheckpointArgument = Annotated[Path, typer.Argument(help="Run directory (its best checkpoint) or checkpoint file.")]

Overrides = Annotated[
    list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Override a config key; repeatable.")
]

NoCache = Annotated[bool, typer.Option("--no-cache", help="Bypass the cache of typed tables.")]

Threads = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="Threads that share long steps (default: one per core). Same result."),
]

Strict = Annotated[bool, typer.Option("--strict", help="Treat data warnings as errors.")]

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only the result.")]

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as one JSON document.")]

OutputFile = Annotated[Path | None, typer.Option("--output", "-o", help="Output file (default: standard output).")]

Force = Annotated[bool, typer.Option("--force", help="Replace the output file if it exists.")]
