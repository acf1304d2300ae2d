"""`bpcli init`: a first config for a data file."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bpcli.cli.console import note, result, say
from bpcli.cli.options import Force, NoCache, OutputFile
from bpcli.cli.output import require_free
from bpcli.wording import printable


class Task(StrEnum):
    """What a target of whole numbers can be taken for."""

    classification = "classification"
    regression = "regression"


def init(
    data: Annotated[Path, typer.Argument(help="CSV, TSV, NPZ or Parquet.")],
    target: Annotated[
        list[str] | None, typer.Option(help="The column to predict; repeatable. May be left out for NPZ.")
    ] = None,
    task: Annotated[
        Task | None, typer.Option(help="Where a target of whole numbers could be either. Left out: a guess, explained.")
    ] = None,
    output: OutputFile = None,
    force: Force = False,
    no_cache: NoCache = False,
) -> None:
    """Write a commented config for a data file, which trains as it is.

    Example: bpcli init datasets/penguins.csv --target species -o my.yaml
    """
    from bpcli.experiment.first_config import draft_config
    from bpcli.system.files import write_atomic

    if str(output) == "-":
        output = None
    if output is not None:
        require_free(output, force)
    draft = draft_config(data, target or [], output, task.value if task else None, cache=not no_cache)
    for line in draft.notes:
        note(line)
    if output is None:
        result(draft.text.rstrip("\n"))
    else:
        write_atomic(output, draft.text.encode())
        say(f"written to {printable(str(output))}; train it with: bpcli train {printable(str(output))}")
