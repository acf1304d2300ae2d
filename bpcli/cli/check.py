"""`bpcli check`: validation of a config and its data without training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bpcli.cli.architecture import layer_lines, target_lines
from bpcli.cli.console import note, notes, result, result_json, result_table, warn
from bpcli.cli.options import AsJson, ConfigArgument, NoCache, Overrides, Strict
from bpcli.data.data_warning import require_none
from bpcli.wording import counted, sized

if TYPE_CHECKING:
    from bpcli.models.summary import ExperimentSummary


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
    from bpcli.models.summary import ExperimentSummary

    prepared = open_experiment(config, overrides or (), cache=not no_cache)
    notes(prepared.notes)
    if strict:
        require_none(prepared.warnings)
    warn(prepared.warnings)
    if learning_rate:
        from bpcli.cli.learning_rate_range import show_range_test

        show_range_test(prepared, as_json)
        return
    summary = ExperimentSummary.of(prepared)
    if prepared.plan.spec.shards is not None:
        from bpcli.system.ranks.speed import LinkSpeed
        from bpcli.training.steps.rank_times import shown_speedups, speedups

        speed = LinkSpeed.last()
        note(f"estimated speed by ranks: {shown_speedups(speedups(prepared.plan, speed), speed)}")
    if as_json:
        result_json(summary.to_json())
    else:
        _print_summary(summary)


def _print_summary(summary: ExperimentSummary) -> None:
    from bpcli.models.tables import choice_table, column_table
    from bpcli.system.memory import shown_bytes

    result("rows    " + ", ".join(f"{rows:,} {part}" for part, rows in summary.rows.items()))
    if summary.series is not None:
        result(f"series  {summary.series.shown}")
    if summary.groups:
        result("groups  " + ", ".join(f"{groups:,} {part}" for part, groups in summary.groups.items()))
    for line in target_lines(summary.network):
        result(line)
    result()
    result_table(column_table([(column, column.missing) for column in summary.columns]))
    result()
    for line in layer_lines(summary.network):
        result(line)
    result()
    if summary.recipe is not None:
        result_table(choice_table(summary.recipe, summary.choices))
        result()
    size = sized(summary.network.parameters, 1 if summary.ensemble is None else summary.ensemble.members)
    result(
        f"{size}; {counted(summary.steps_per_epoch, 'step')} per epoch of "
        f"{counted(summary.batch_size, 'row')}; {shown_bytes(summary.memory.total)} of memory"
    )
    if summary.augment is not None:
        result(f"training images are changed at random: {summary.augment.shown}")
    if summary.final_rows is not None:
        result(f"final training on all {counted(summary.final_rows, 'row')} that are not test rows, for the best epoch")
    result("ready to train")
