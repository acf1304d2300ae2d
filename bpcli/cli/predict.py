"""`bpcli predict`: predictions of a trained model."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from bpcli.cli.console import note, notes, say
from bpcli.cli.options import Force, OutputFile, RowsOption, ThresholdOption, the_one
from bpcli.cli.output import is_standard_output, require_free
from bpcli.errors import UsageError
from bpcli.wording import counted, enumerated, listed, printable, without_formula

if TYPE_CHECKING:
    from bpcli.inspection.explained_predictions import AttributionColumns
    from bpcli.models.model import Model


STANDARD_INPUT = ("-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0")
"""Names of standard input."""


def predict(
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="INPUT...", help="Data files, pipes, or patterns such as 'parts/*.csv'; - reads standard input."
        ),
    ] = None,
    data: RowsOption = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            "--checkpoint",
            "--run",
            help="Run directory or checkpoint file (default: the newest finished run that fits the first file).",
        ),
    ] = None,
    runs_dir: Annotated[
        Path, typer.Option(help="Folder of the runs from which one is taken without --checkpoint.")
    ] = Path("runs"),
    output: OutputFile = None,
    force: Force = False,
    probabilities: Annotated[
        bool, typer.Option("--probabilities", help="Add a column with the probability of each class.")
    ] = False,
    keep: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME,NAME", help="Input columns to copy to the output; repeatable. Quote as in CSV."),
    ] = None,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain",
            help="Add the contribution of each input column to each prediction (integrated gradients): explained, "
            "baseline and contribution_NAME, where explained = baseline + the sum of all contributions. Explained is "
            "a numeric prediction, or the log-odds of the predicted class; baseline is its value for an average "
            "training row. With several targets, there is one column for each: explained_TARGET, baseline_TARGET, "
            "contribution_NAME_to_TARGET. An image has a contribution for each pixel; a note sums them up by region.",
        ),
    ] = False,
    threshold: ThresholdOption = None,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help="Write a JSON object for each row, one a line, in place of CSV.")
    ] = False,
    spreadsheet_safe: Annotated[
        bool,
        typer.Option(
            "--spreadsheet-safe",
            help="Prefix text that a spreadsheet would run as a formula (starting with = + - @, tab or line end) with "
            "an apostrophe; numbers stay as they are.",
        ),
    ] = False,
) -> None:
    """Predict the target of each row, as CSV or JSON lines.

    Keeps the order of the files and of their rows. The target column is not needed. Standard input and pipes are CSV or
    JSON lines, and each row is answered as it arrives.

    Example: bpcli predict datasets/penguins.csv --probabilities --output predictions.csv
    """
    from bpcli.experiment.surprises import notes_of_clipped, surprise_notes
    from bpcli.models.model import Model
    from bpcli.models.prediction import predict_files
    from bpcli.models.prediction_lines import CsvLines, JsonLines
    from bpcli.storage.run_checkpoint import unfinished_notes
    from bpcli.storage.run_directory import RunDirectory

    sources = _sources(the_one(inputs or None, data or None, "INPUT", "--data"))
    output = None if output is None or is_standard_output(output) else output
    run = next((source for source in sources if source is not None and RunDirectory(source).is_run()), None)
    if run is not None:
        shown = printable(str(run))
        raise UsageError(f"{shown}: a run directory, not data; give the data, and --checkpoint {shown}")
    if checkpoint is None:
        from bpcli.models.fitting_run import fitting_run

        model = Model.load(fitting_run(sources[0], runs_dir).path)
    else:
        model = Model.load(checkpoint)
    if threshold is not None:
        model = model.with_threshold(threshold)
    if checkpoint is None:
        chosen, targets = model.path.parent.parent, listed(model.preprocessor.target.names)
        file = "the file" if len(sources) == 1 else "the first file"
        fits = "" if sources[0] is None else f" that fits {file}"
        say(f"the newest finished run{fits}: {printable(str(chosen))}, which predicts {targets}")
    kept = [name for row in csv.reader(keep or ()) for name in row if name]
    explainer: AttributionColumns | None = None
    if explain:
        from bpcli.inspection.explained_predictions import AttributionColumns

        explainer = AttributionColumns(model)
    if jsonl and spreadsheet_safe:
        raise UsageError("--spreadsheet-safe: for CSV; leave it out with --jsonl")
    cleaning = [without_formula] * spreadsheet_safe + [printable] * (output is None and sys.stdout.isatty())
    lines_of = JsonLines if jsonl else partial(CsvLines, cleaning=cleaning)
    with _opened(output, sources, force) as out:
        tally = predict_files(model, sources, out, probabilities, kept, explainer, lines_of)
    if tally.ignored:
        note(f"columns ignored, since the model does not use them: {listed(tally.ignored)}")
    notes([*unfinished_notes(model.path), *model.decision_notes, *surprise_notes(tally.surprises), *tally.notes])
    before = "; explained is the prediction before that" if explain else ""
    notes(f"{line}{before}" for line in notes_of_clipped(model.target, tally.clipped))
    if explainer is not None:
        from bpcli.inspection.attributions import explained_output

        notes(explainer.regions.lines())
        notes(explainer.terms.lines())
        same = "that of the same class" if model.target.task in ("binary", "multiclass") else "the same"
        note(f"explained is {explained_output(model)}; baseline is {same} for an average training row")
    say(f"{counted(tally.rows, 'row')} predicted by {_shown(model)}")


def _sources(names: Sequence[str]) -> list[Path | None]:
    """Files that names and patterns stand for; None is standard input. Raises UsageError for that among others."""
    from bpcli.data.files.given import given_files

    stream = next((name for name in names if name in STANDARD_INPUT), None)
    if stream is None:
        return [*given_files(names)]
    if len(names) > 1:
        raise UsageError(f"{stream}: standard input is read alone; leave the other data out")
    return [None]


def _shown(model: Model) -> str:
    values = [] if model.decision.values is None else [f"{value:.4g}" for value in model.decision.values]
    decision = f", {'thresholds' if len(values) > 1 else 'threshold'} {enumerated(values)}" if values else ""
    return f"{printable(str(model.path))}, epoch {model.header.score.epoch}{decision}"


@contextmanager
def _opened(output: Path | None, sources: Sequence[Path | None], force: bool) -> Iterator[TextIO]:
    """Open standard output, or a file that gets its name only when it is complete."""
    from bpcli.system.files import replacing

    if output is None:
        yield sys.stdout
        sys.stdout.flush()
        return
    if any(source is not None and output.resolve() == source.resolve() for source in sources):
        itself = "the input file itself" if len(sources) == 1 else "one of the input files"
        raise UsageError(f"--output {printable(str(output))}: {itself}; choose another name")
    require_free(output, force)
    with replacing(output) as file:
        yield file
