"""What `bpcli inspect` finds, in lines for a terminal."""

from __future__ import annotations

from collections import Counter
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from bpcli.cli.blocks import BLOCKS
from bpcli.cli.console import aligned
from bpcli.text import counted, number, printable, quoted

if TYPE_CHECKING:
    from bpcli.inspection.dependence import Dependence, PartialDependence
    from bpcli.inspection.neurons import Neuron

MOST_COLUMNS, MOST_CURVES = 12, 6
"""Lines of the tables where all columns are looked at; --json has all."""

PROSE = 100
"""Characters of a line of words."""

WIDEST = 40
"""Blocks of a curve."""


def column_lines(document: dict[str, Any], every: bool) -> list[str]:
    """The columns: what the network makes of them, and how much its answers hang on each."""
    importance, added = document["importance"], document["contributions"]
    encodings = {column["name"]: column for column in document["network"]["columns"]}
    shown = importance["columns"] if every else importance["columns"][:MOST_COLUMNS]
    rows = [
        [
            one["column"],
            encodings[one["column"]]["encoding"],
            str(encodings[one["column"]]["inputs"]),
            number(round(one["loss"], 9) + 0.0),
            f"± {number(one['deviation'])}",
            number(one["contribution"]),
        ]
        for one in shown
    ]
    lines = [
        *wrap(
            f"{importance['metric']} {number(importance['score'])} on {counted(importance['rows'], 'row')}; worse by: "
            "how much worse that gets with the column's cells in another order, ± standard deviation over orders; "
            "contribution: how far the column moves the answer, up or down, from that to an average row, mean over "
            f"{counted(added['rows'], 'row')}; the answer is {added['meaning']}",
            PROSE,
        ),
        *aligned([["column", "encoding", "inputs", "worse by", "", "contribution"], *rows], right=(2, 3, 4, 5)),
    ]
    left = len(importance["columns"]) - len(shown)
    return [*lines, f"and {left:,} more, none above; --json has all"] if left else lines


def dependence_lines(found: PartialDependence) -> list[str]:
    """A curve for each of the first columns: that of the class, label or target that moves most."""
    rows = []
    for one in found.columns[:MOST_CURVES]:
        name, answers = _moving(one)
        if not answers:
            continue
        ends = f"{number(answers[0])} → {number(answers[-1])}"
        rows.append([one.column, name, _cell(one.values[0]), curve(answers), _cell(one.values[-1]), ends])
    if not rows:
        return []
    head = wrap(
        f"partial dependence: mean {found.answer} over {counted(found.rows, 'row')} with a column at one value in all "
        "of them, from its lowest to its highest or category by category; --column NAME shows each",
        PROSE,
    )
    return [*head, *aligned([["column", "of", "from", "", "to", found.answer], *rows], right=(2,))]


def grid_lines(one: Dependence, found: PartialDependence) -> list[str]:
    """All values of a column, with the mean answers and a curve for each class, label or target."""
    over = counted(found.rows, "row")
    head = f"{printable(one.column)}: mean {found.answer} over {over} with this value in all of them"
    if not one.values:
        return [head, "it has no value in these rows"]
    values = [_cell(value) for value in one.values]
    rows = [[value, *map(number, means)] for value, *means in zip(values, *one.answers.values(), strict=True)]
    curves = ["", *(curve(answers) for answers in one.answers.values())]
    return [head, *aligned([["value", *one.answers], *rows, curves], right=range(len(curves)))]


def neurons_lines(neurons: list[Neuron], most: int) -> list[str]:
    """A table of neurons, those first whose loss would be missed most, and how many do nothing of their own."""
    ordered = sorted(neurons, key=lambda neuron: -neuron.loss_without)
    rows = [
        [
            f"{neuron.layer}.{neuron.place}",
            number(neuron.loss_without),
            number(neuron.separation),
            neuron.state,
            _drivers(neuron),
            *([quoted(_highest(neuron))] if neuron.by_class else []),
        ]
        for neuron in ordered[:most]
    ]
    classes = any(neuron.by_class for neuron in neurons)
    of = "the class" if classes else "the target"
    some = neurons[0]
    over = f", over {counted(some.loss_rows, 'row')}," if some.loss_rows < some.rows else ""
    lines = wrap(
        f"hidden neurons, as layer.neuron; loss without: how much the mean loss{over} grows where it gives its mean "
        f"for every row; separation: the share of its variance, 0 to 1, that goes with {of}; --neuron L.N shows more "
        "of one",
        PROSE,
    )
    if rows:
        header = ["neuron", "loss without", "separation", "state", "driven by", *(["highest for"] if classes else [])]
        lines += aligned([header, *rows], right=(1, 2))
    if len(ordered) > len(rows):
        lines.append(f"and {len(ordered) - len(rows):,} more; --neurons N lists N, --json has all")
    states = Counter(neuron.state.partition(" ")[0] for neuron in neurons if neuron.state)
    if states:
        words = {"as": "like another of their layer"}
        shown = ", ".join(f"{count} {words.get(state, state)}" for state, count in states.items())
        lines.append(f"{shown}, of {len(neurons)}")
    return lines


def neuron_lines(neuron: Neuron, targets: tuple[str, ...]) -> list[str]:
    """All that is known of one neuron."""
    lines = [
        f"layer {neuron.layer}, neuron {neuron.place}{f': {neuron.state}' if neuron.state else ''}",
        *aligned(
            [
                ["output", f"{number(neuron.mean)} ± {number(neuron.deviation)}, mean and standard deviation"],
                ["loss without", f"{number(neuron.loss_without)} more, where it gives its mean for every row"],
                ["separation", f"{number(neuron.separation)} of its variance goes with the target"],
                ["driven by", ", ".join(f"{name} ({value:+.2f})" for name, value in neuron.drivers) or "nothing"],
            ]
        ),
    ]
    if neuron.by_class:
        lines += ["mean output by class", *aligned([[f"  {k}", number(v)] for k, v in neuron.by_class.items()], (1,))]
    if neuron.excited_by:
        columns = list(neuron.excited_by[0].cells)
        rows = [
            [f"  {one.row}", number(one.output), *one.target, *(one.cells[name] for name in columns)]
            for one in neuron.excited_by
        ]
        lines += [
            "rows that excite it most, by their numbers in the data, as bpcli trace --row takes them",
            *aligned([["  row", "output", *targets, *columns], *rows], right=(0, 1)),
        ]
    return lines


def curve(values: list[float]) -> str:
    """Values as blocks, the lowest for the smallest of them and the highest for the largest; of many, every so many."""
    if len(values) > WIDEST:
        values = [values[place * (len(values) - 1) // (WIDEST - 1)] for place in range(WIDEST)]
    low, high = min(values), max(values)
    levels = BLOCKS.fills
    if high == low:
        return levels[0] * len(values)
    return "".join(levels[min(int((value - low) / (high - low) * len(levels)), len(levels) - 1)] for value in values)


def _moving(one: Dependence) -> tuple[str, list[float]]:
    """The answer that goes farthest; of two classes, whose probabilities mirror each other, the second."""
    answers = [(name, values) for name, values in one.answers.items() if values]
    if not answers:
        return "", []
    return max(reversed(answers), key=lambda item: round(max(item[1]) - min(item[1]), 9))


def _cell(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _drivers(neuron: Neuron) -> str:
    return ", ".join(f"{'+' if value > 0 else '−'} {name}" for name, value in neuron.drivers)


def _highest(neuron: Neuron) -> str:
    return max(neuron.by_class, key=lambda name: neuron.by_class[name])
