"""`bpcli inspect`: what a trained network is, and what its neurons learned."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bpcli.cli.console import aligned, note, number, result, result_json
from bpcli.text import counted, quoted

if TYPE_CHECKING:
    from bpcli.inspection.importance import Importance
    from bpcli.inspection.neurons import Neuron

MOST_COLUMNS, MOST_NEURONS = 20, 40
"""Lines of each table; --json has all."""


def inspect(
    run: Annotated[Path, typer.Argument(help="A run directory (its best checkpoint) or a checkpoint file.")],
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Read the data file anew, and keep no typed copy in the user's cache.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as one JSON document.")] = False,
) -> None:
    """Show which columns a model's answers hang on, and what each hidden neuron does.

    Looked at are the rows that evaluate takes: test, or else validation, or else training rows.

    Example: bpcli inspect runs/penguins-20261121-140203
    """
    from bpcli.evaluation import split_rows
    from bpcli.inspection.importance import permutation_importance
    from bpcli.inspection.neurons import inspect_neurons
    from bpcli.model import Model

    model = Model.load(run)
    rows = split_rows(model, None, cache=not no_cache)
    for line in rows.notes:
        note(line)
    importance = permutation_importance(model, rows.table)
    neurons = inspect_neurons(model, rows.table)
    if as_json:
        result_json(
            {
                "checkpoint": str(model.path),
                "rows": rows.source,
                "importance": asdict(importance),
                "neurons": [asdict(neuron) for neuron in neurons],
            }
        )
        return
    result(f"{rows.source}, {counted(rows.table.rows, 'row')}, epoch {model.header.score.epoch}")
    _print_importance(importance)
    if neurons:
        _print_neurons(neurons)


def _print_importance(importance: Importance) -> None:
    result(f"\n{importance.metric} {number(importance.score)}; how much worse with a column's cells in another order")
    shown = importance.columns[:MOST_COLUMNS]
    rows = [[one.column, number(round(one.loss, 9)), f"± {number(one.deviation)}"] for one in shown]
    for line in aligned([["column", "worse by", ""], *rows], right=(1, 2)):
        result(line)
    if len(importance.columns) > len(shown):
        result(f"and {len(importance.columns) - len(shown):,} more, none above; --json has all")


def _print_neurons(neurons: list[Neuron]) -> None:
    result("\nhidden neurons; loss without: how much the mean loss grows where one gives its mean for every row")
    ordered = sorted(neurons, key=lambda neuron: -neuron.loss_without)
    rows = [
        [
            f"layer {neuron.layer}, neuron {neuron.place}",
            number(neuron.loss_without),
            number(neuron.separation),
            neuron.state,
            ", ".join(f"{'+' if value > 0 else '−'} {name}" for name, value in neuron.drivers),
            _told_apart(neuron),
        ]
        for neuron in ordered[:MOST_NEURONS]
    ]
    header = ["neuron", "loss without", "separation", "state", "driven by", "highest for"]
    for line in aligned([header, *rows], right=(1, 2)):
        result(line)
    if len(ordered) > MOST_NEURONS:
        result(f"and {len(ordered) - MOST_NEURONS:,} more; --json has all")
    idle = [neuron for neuron in neurons if neuron.state]
    if idle:
        states: dict[str, int] = {}
        for neuron in idle:
            state = neuron.state.partition(" ")[0]
            states[state] = states.get(state, 0) + 1
        words = {"as": "like another of their layer"}
        result(
            ", ".join(f"{count} {words.get(state, state)}" for state, count in states.items()) + f", of {len(neurons)}"
        )


def _told_apart(neuron: Neuron) -> str:
    if not neuron.by_class:
        return ""
    best: Any = max(neuron.by_class, key=lambda name: neuron.by_class[name])
    return quoted(best)
