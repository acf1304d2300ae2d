"""`bpcli forecast`: what follows the last row of series."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from bpcli.cli.console import notes, result_json, say
from bpcli.cli.options import AsJson, Force, OutputFile, RowsOption, RunOption, the_one
from bpcli.cli.output import is_standard_output, require_free
from bpcli.errors import UsageError
from bpcli.wording import counted, printable


def forecast(
    checkpoint: Annotated[
        Path | None, typer.Argument(metavar="CHECKPOINT", help="Run directory or checkpoint file.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[DATA]", help="Rows of the series up to now (default: those of the training)."),
    ] = None,
    run: RunOption = None,
    data: RowsOption = None,
    future: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Coming rows, with the columns that are known ahead.")
    ] = None,
    output: OutputFile = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Forecast what follows the last row of each series, as CSV.

    A row for each coming step: its time, the forecast, and the bounds of its intervals.

    Example: bpcli forecast runs/co2-20261121-140203 --output coming.csv
    """
    from bpcli.models.forecasting import future_rows, history_rows
    from bpcli.models.model import Model
    from bpcli.models.prediction_lines import CsvLines
    from bpcli.storage.run_checkpoint import unfinished_notes
    from bpcli.system.files import write_output

    if run is not None and checkpoint is not None and file is None:
        checkpoint, file = None, checkpoint
    model = Model.load(the_one(checkpoint, run, "CHECKPOINT", "--run"))
    named = [*(data or ()), *([str(file)] if file is not None else ())]
    if len(named) > 1:
        raise UsageError("give one file of rows")
    output = None if output is None or is_standard_output(output) else output
    if output is not None:
        require_free(output, force)
    history = history_rows(model.header, Path(named[0])) if named else None
    coming = None if future is None else future_rows(model.header, future)
    found = model.forecast_from(history, coming)
    notes([*unfinished_notes(model.path), *found.notes])
    columns = found.columns()
    if as_json:
        names = list(columns)
        rows = [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        document = {"checkpoint": str(model.path), "notes": found.notes, "forecast": rows}
        if output is None:
            result_json(document)
        else:
            write_output(output, f"{json.dumps(document, indent=2, allow_nan=False)}\n".encode())
        return
    cleaning = [printable] * (output is None and sys.stdout.isatty())
    lines = partial(CsvLines, cleaning=cleaning)(list(columns))
    cells = [
        values if not values or not isinstance(values[0], str) else lines.cells(values) for values in columns.values()
    ]
    text = lines.beginning() + lines.rows(cells)
    if output is None:
        sys.stdout.write(text)
        sys.stdout.flush()
    else:
        write_output(output, text.encode())
    series = len(found.values)
    what = f"{counted(found.horizon, 'step')} of {counted(series, 'series', 'series')}"
    say(f"{what} forecast by {printable(str(model.path))}")
