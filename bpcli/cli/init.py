"""`bpcli init`: starter config for a data file."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bpcli.cli.console import notes, result, say
from bpcli.cli.options import Force, NoCache, OutputFile, Query, the_one
from bpcli.cli.output import is_standard_output, require_free
from bpcli.errors import UsageError
from bpcli.wording import printable, quoted


class Task(StrEnum):
    """Tasks possible for an integer target."""

    classification = "classification"
    regression = "regression"


class RecipeChoice(StrEnum):
    """Recipes that a config can name."""

    tabular = "tabular"
    quick = "quick"
    linear = "linear"
    classic = "classic"
    image = "image"
    text = "text"


def init(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA", help="Data file, pattern such as 'parts/*.csv', folder of pictures, or URL of a database."
        ),
    ] = None,
    data: Annotated[str | None, typer.Option("--data", metavar="DATA", help="The same as an option.")] = None,
    target: Annotated[
        list[str] | None, typer.Option(help="Column to predict; repeatable. Optional for NPZ files.")
    ] = None,
    task: Annotated[
        Task | None, typer.Option(help="Task for an integer target (default: inferred, with the reason).")
    ] = None,
    time: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Column of the time of each row, to forecast the target; repeatable."),
    ] = None,
    time_format: Annotated[
        str | None,
        typer.Option(metavar="FORMAT", help="Format of the time, such as %d/%m/%Y (default: recognised)."),
    ] = None,
    horizon: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Steps to forecast (default: by the frequency).")
    ] = None,
    group: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Column that tells series apart; repeatable.")
    ] = None,
    known: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Column of a series whose coming values are known; repeatable."),
    ] = None,
    query: Query = None,
    sheet: Annotated[str | None, typer.Option(help="Sheet of a workbook (default: the first).")] = None,
    skip_rows: Annotated[
        int | None,
        typer.Option(
            min=0, metavar="N", help="Lines of a text, or rows of a sheet, above the header (default: recognised)."
        ),
    ] = None,
    header: Annotated[
        bool | None,
        typer.Option(help="Whether the first row names the columns; else they are column0, column1, … (recognised)."),
    ] = None,
    delimiter: Annotated[str | None, typer.Option(help="Character between cells (default: recognised).")] = None,
    decimal: Annotated[str | None, typer.Option(help="Decimal separator, . or , (default: recognised).")] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Encoding of text, such as cp1252 (default: recognised).")
    ] = None,
    recipe: Annotated[
        RecipeChoice,
        typer.Option(
            help="Defaults of everything but the data; image for images, text for texts, classic: one plain network."
        ),
    ] = RecipeChoice.tabular,
    budget: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Longest training, such as 30s, 5m or 2h: chooses quick, or a limit."),
    ] = None,
    tune: Annotated[
        bool, typer.Option("--tune", help="Add a section tune, by which bpcli tune searches for better settings.")
    ] = False,
    output: OutputFile = None,
    force: Force = False,
    no_cache: NoCache = False,
) -> None:
    """Write a commented config for a data file, ready to train.

    Example: bpcli init datasets/penguins.csv --target species -o my.yaml
    """
    from bpcli.experiment.first_config import draft_config
    from bpcli.system.files import write_output

    if output is not None and is_standard_output(output):
        output = None
    if output is not None:
        require_free(output, force)
    path = the_one(source, data, "DATA", "--data")
    options = {
        "skip_rows": skip_rows,
        "header": header,
        "delimiter": delimiter,
        "decimal": decimal,
        "encoding": encoding,
    }
    reading = {key: value for key, value in options.items() if value is not None}
    if time:
        from bpcli.experiment.first_series import SeriesNames, draft_series

        if task is not None or budget is not None:
            raise UsageError("--time: a forecast takes neither --task nor --budget")
        names = SeriesNames(target or [], time, group or [], known or [], time_format)
        draft = draft_series(path, names, horizon, output, not no_cache, query, sheet, reading)
    elif horizon is not None or group or known or time_format is not None:
        raise UsageError(
            "--time-format, --horizon, --group and --known are for forecasts; name the column of the time with --time"
        )
    else:
        draft = draft_config(
            path,
            target or [],
            output,
            task.value if task else None,
            cache=not no_cache,
            query=query,
            sheet=sheet,
            reading=reading,
            recipe=recipe.value,
            budget=None if budget is None else _seconds(budget),
        )
    notes(draft.notes)
    text = draft.text
    if tune:
        from bpcli.tuning.default_space import search_section

        if recipe is RecipeChoice.classic:
            raise UsageError("--tune searches around a recipe; choose another than classic")
        folder = Path.cwd() if output is None else output.parent
        text = f"{text.rstrip()}\n{search_section(text, folder, not no_cache)}"
    if draft.expected and (output is not None or budget is not None):
        notes([draft.expected])
    if output is None:
        result(text.rstrip("\n"))
    else:
        write_output(output, text.encode())
        command = "tune" if tune else "train"
        say(f"written to {printable(str(output))}; {command} it with: bpcli {command} {printable(str(output))}")


def _seconds(text: str) -> float:
    """Seconds of a time such as 30s, 5m or 2h. Raises UsageError."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(s|m|h)?", text.strip())
    if match is None or not float(match[1]):
        raise UsageError(f"--budget {quoted(text)}: must be a time above 0, such as 30s, 5m or 2h")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2] or "s"]
