"""`bpcli check`: everything short of training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bpcli.cli.architecture import architecture, layer_lines, shown_kind, target_lines
from bpcli.cli.console import aligned, note, result, result_json, warn
from bpcli.cli.learning_rate_range import show_range_test
from bpcli.cli.options import AsJson, ConfigArgument, NoCache, Overrides, Strict
from bpcli.wording import counted

if TYPE_CHECKING:
    from bpcli.experiment.prepare import Prepared


def check(
    config: ConfigArgument,
    overrides: Overrides = None,
    learning_rate: Annotated[
        bool,
        typer.Option(
            "--learning-rate",
            help="Run a learning-rate range test: increase the rate step by step on a copy of the network and plot "
            "the loss.",
        ),
    ] = False,
    no_cache: NoCache = False,
    strict: Strict = False,
    as_json: AsJson = False,
) -> None:
    """Validate a config against its data, without training.

    Prints what would be trained: columns, layers, parameters, memory. With --learning-rate, prints at which rates the
    loss falls, from which rate training diverges, and a suggestion. Writes nothing.

    Example: bpcli check configs/penguins.yaml --learning-rate
    """
    from bpcli.experiment.opening import open_experiment

    prepared = open_experiment(config, overrides or (), cache=not no_cache)
    for line in prepared.notes:
        note(line)
    warn(prepared.warnings, strict)
    if learning_rate:
        show_range_test(prepared, as_json)
        return
    summary = describe(prepared)
    if as_json:
        result_json(summary)
    else:
        _print_summary(summary)


def describe(prepared: Prepared) -> dict[str, Any]:
    """What a prepared experiment is, as plain data."""
    network = architecture(prepared.preprocessor, prepared.network, prepared.plan.loss)
    columns = [{**column, "missing": prepared.missing[column["name"]]} for column in network["columns"]]
    batch = prepared.plan.batch_size
    return {
        "name": prepared.config.name,
        "rows": {part: dataset.rows for part, dataset in prepared.datasets.items()},
        **network,
        "columns": columns,
        "batch_size": batch,
        "steps_per_epoch": -(-prepared.plan.train.rows // batch),
        "memory_bytes": {
            "data": prepared.memory.data,
            "parameters": prepared.memory.parameters,
            "workspace": prepared.memory.workspace,
            "checkpoint": prepared.memory.checkpoint,
            "compiled": prepared.memory.compiled,
        },
        "data_sha256": prepared.digest,
        "notes": prepared.notes,
        "warnings": prepared.warnings,
    }


def _print_summary(summary: dict[str, Any]) -> None:
    from bpcli.system.memory import shown_bytes

    result("rows    " + ", ".join(f"{rows:,} {part}" for part, rows in summary["rows"].items()))
    for line in target_lines(summary):
        result(line)
    result()
    shown = summary["columns"][:40]
    rows = [[c["name"], shown_kind(c), c["encoding"], str(c["inputs"]), str(c["missing"])] for c in shown]
    for line in aligned([["column", "kind", "encoding", "inputs", "missing"], *rows], right=(3, 4)):
        result(line)
    if len(summary["columns"]) > len(shown):
        result(f"and {len(summary['columns']) - len(shown):,} more")
    result()
    for line in layer_lines(summary):
        result(line)
    result()
    memory = summary["memory_bytes"]
    result(
        f"{counted(summary['parameters'], 'parameter')}; {counted(summary['steps_per_epoch'], 'step')} an epoch of "
        f"{counted(summary['batch_size'], 'row')}; {shown_bytes(sum(memory.values()))} of memory"
    )
    result("ready to train")
