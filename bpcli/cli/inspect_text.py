"""Terminal output of `bpcli inspect`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import inf
from textwrap import wrap
from typing import TYPE_CHECKING

from bpcli.cli.console import aligned, table_lines
from bpcli.documents.table import MOST_COLUMNS, Table
from bpcli.wording import counted, number, printable, quoted, with_deviation

if TYPE_CHECKING:
    from bpcli.data.columns.base import InputSummary
    from bpcli.inspection.dependence import Dependence, PartialDependence
    from bpcli.inspection.document import InspectedColumns, RankedColumns
    from bpcli.inspection.importance import ColumnImportance, Importance, PartImportance
    from bpcli.inspection.neurons import Neuron

MOST_CURVES = 6
"""Maximum number of columns with a dependence curve, unless columns are named; --json has more."""

PROSE = 100
"""Line length of running text, in characters."""

MISSING = "(missing)"
"""Missing cell, among values of a column."""

ROUNDING = 1e-9
"""Relative range below which a curve is flat."""

LEVELS = "▁▂▃▄▅▆▇█"

INTEGRATED = "integrated gradients"

LONGEST_BAR = 12
"""Maximum length of the bar of an importance, in characters."""

LONGEST_DRIVERS = 46
"""Maximum length of the regions that drive a neuron in a table, in characters."""

WIDEST = 40
"""Maximum width of a curve, in characters."""


def column_lines(columns: Sequence[InputSummary], found: InspectedColumns, every: bool) -> list[str]:
    """Lines on the columns: encoding and importance of each."""
    importance = found.importance
    encodings = {column.name: column for column in columns}
    rows = []
    most = max((max(one.importance, one.high or 0.0) for one in importance.columns), default=0.0)
    for one in importance.columns:
        encoding = encodings[one.column]
        rows.append(
            [
                one.column,
                encoding.shown_encoding,
                str(encoding.inputs),
                number(round(one.importance, 9) + 0.0),
                interval(one),
                bar(one, most),
                number(one.contribution),
            ]
        )
    with_missing = any(column.kind == "numeric" and column.inputs == 2 for column in columns)
    table = Table(
        "Columns",
        [
            "column",
            "encoding",
            "inputs",
            "permutation",
            f"{importance.confidence:.0%} interval",
            "",
            "integrated gradients",
        ],
        rows,
        right=(2, 3, 4, 6),
        most=len(rows) if every else MOST_COLUMNS,
    )
    meaning = importance_meaning(found, "a column's values")
    missing = "; numbers with 2 inputs: the value and a missing indicator" if with_missing else ""
    return [*wrap(f"{meaning}{missing}", PROSE), *table_lines(table, "less important; --json lists all")]


def importance_meaning(found: InspectedColumns, shuffled: str) -> str:
    """Meaning of the numbers of a table of importance, given what is shuffled."""
    importance, added = found.importance, found.contributions
    mean = f" (mean of {importance.repeats})" if importance.repeats > 1 else ""
    return (
        f"{score_name(importance)} {number(importance.score)} on {counted(importance.rows, 'row')}; permutation: "
        f"how much worse with {shuffled} shuffled{mean}; bar: █ low, ▓ value, ░ high end; integrated gradients: mean "
        f"|contribution| to the answer, relative to an average row, over {counted(added.rows, 'row')}; the answer "
        f"is {added.meaning}"
    )


def score_name(found: Importance | RankedColumns) -> str:
    """Name of the score of an importance: `weighted roc_auc`, `loss (cross_entropy)`."""
    return (
        f"{'weighted ' if found.weighted else ''}{found.metric}{f' ({found.loss})' if found.metric == 'loss' else ''}"
    )


def interval(one: ColumnImportance | PartImportance) -> str:
    """Interval of an importance: `0.0123 to 0.0456`."""
    ends = [number(None if end is None else round(end, 9) + 0.0) for end in (one.low, one.high)]
    return "-" if one.low is None else " to ".join(ends)


def bar(one: ColumnImportance | PartImportance, most: float) -> str:
    """Bar of an importance on a scale from 0 to `most`, with three shades that end at low end, value and high end."""
    if most <= 0:
        return ""
    ends = (one.low if one.low is not None else one.importance, one.importance, one.high or one.importance)
    low, value, high = (max(0, round(end / most * LONGEST_BAR)) for end in ends)
    return "█" * low + "▓" * (value - low) + "░" * (high - value)


def dependence_lines(found: PartialDependence, count: int) -> list[str]:
    """Lines with a curve for each of the first columns, of the class, label or target that varies most.

    count: number of input columns, of which `found` has the most important.
    """
    columns = [one for one in found.columns[:MOST_CURVES] if one.values]
    moving = [_moving(one) for one in columns]
    low, high = _scale([value for one, name in zip(columns, moving, strict=True) for value in one.drawn(name)])
    with_missing = any(one.missing for one in columns)
    rows = []
    for one, name in zip(columns, moving, strict=True):
        answers = one.answers[name]
        line = curve(answers, low, high)
        row = [one.column, name, _cell(one.values[0]), line, _cell(one.values[-1]), _ends(one, answers)]
        rows.append([*row, number(one.missing.get(name))] if with_missing else row)
    if not rows:
        return []
    classes = len(found.columns[0].answers) > 1
    moved = "; of: the output that changes most" if classes else ""
    head = wrap(
        f"partial dependence: mean {found.answer} over {counted(found.rows, 'row')} with the column set to one value "
        f"in all, drawn over their range, {low:.4g} to {high:.4g}; numbers and dates at "
        f"quantiles, all but numbers with extremes named{moved}"
        f"{'; missing: at a missing cell' if with_missing else ''}; "
        "--column NAME shows all values",
        PROSE,
    )
    header = ["column", "of", "from", "", "to", found.answer, *(["missing"] if with_missing else [])]
    left = count - min(len(found.columns), MOST_CURVES)
    more = [f"and {left:,} more, less important; --column NAME shows any of them, --json lists more"] if left else []
    return [*head, *table_lines(Table("Partial dependence", header, rows, right=(2, 6))), *more]


def grid_lines(one: Dependence, found: PartialDependence) -> list[str]:
    """Lines with all values of a column: mean outputs, and a curve for each class, label or target."""
    over = counted(found.rows, "row")
    head = f"{printable(one.column)}: mean {found.answer} over {over} with the column set to each value"
    if not one.values and not one.missing:
        return [head, "no values in these rows"]
    low, high = _scale([value for name in one.answers for value in one.drawn(name)])
    values = [*map(_cell, one.values), *([MISSING] if one.missing else [])]
    drawn = [one.drawn(name) for name in one.answers]
    rows = [[value, *map(number, means)] for value, *means in zip(values, *drawn, strict=True)]
    curves = ["", *(curve(answers, low, high) for answers in one.answers.values())]
    head += f"; curves drawn over their range, {low:.4g} to {high:.4g}"
    every = [*rows, curves]
    table = Table(one.column, ["value", *one.answers], every, right=range(len(curves)), most=len(every))
    return [head, *table_lines(table)]


def neurons_lines(neurons: list[Neuron], most: int) -> list[str]:
    """Table of neurons, largest increase of the loss first, and the number of inactive or duplicate ones."""
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
        for neuron in ordered
    ]
    classes = any(neuron.by_class for neuron in neurons)
    of = "the class" if classes else "the target"
    some = neurons[0]
    over = f", over {counted(some.loss_rows, 'row')}," if some.loss_rows < some.rows else ""
    lines = wrap(
        f"hidden neurons, as layer.neuron; loss without (ablation): increase of the mean loss{over} when the output is "
        f"replaced by its mean; separation ({'η²' if classes else 'r²'}): share of the output's variance, 0 to 1, "
        f"explained by {of}; --neuron L.N shows details",
        PROSE,
    )
    header = ["neuron", "loss without", "separation", "state", "driven by", *(["highest for"] if classes else [])]
    table = Table("Hidden neurons", header, rows, right=(1, 2), most=most)
    listed = table_lines(table, "more; --neurons N lists N, --json lists all")
    lines += listed if most else listed[1:]  # no header without rows
    states = Counter(neuron.state.partition(" ")[0] for neuron in neurons if neuron.state)
    if states:
        words = {"as": "duplicates of another in their layer"}
        shown = ", ".join(f"{count} {words.get(state, state)}" for state, count in states.items())
        lines.append(f"{shown}, of {len(neurons)}")
    return lines


def neuron_lines(neuron: Neuron, targets: tuple[str, ...]) -> list[str]:
    """Lines with all details of one neuron."""
    share = "η²" if neuron.by_class else "r²"
    lines = [
        f"layer {neuron.layer}, neuron {neuron.place}{f': {neuron.state}' if neuron.state else ''}",
        *aligned(
            [
                ["output", f"{' ± '.join(with_deviation(neuron.mean, neuron.deviation))}, mean and standard deviation"],
                [
                    "loss without",
                    f"{number(neuron.loss_without)} higher with the output replaced by its mean (ablation)",
                ],
                ["separation", f"{number(neuron.separation)} of the variance is explained by the target ({share})"],
                ["driven by", _joined([f"{name} ({value:+.2f})" for name, value in neuron.drivers]) or "nothing"],
            ]
        ),
    ]
    if neuron.by_class:
        lines += ["mean output by class", *aligned([[f"  {k}", number(v)] for k, v in neuron.by_class.items()], (1,))]
    if neuron.excited_by:
        columns = list(neuron.excited_by[0].cells)
        file = ["file"] if neuron.excited_by[0].file is not None else []
        rows = [
            [
                f"  {one.row}",
                *([one.file] if one.file is not None else []),
                number(one.output),
                *one.target,
                *(one.cells[name] for name in columns),
            ]
            for one in neuron.excited_by
        ]
        lines += [
            "rows with the highest output, by row number in the data (as in bpcli trace --row)",
            *table_lines(Table("Rows", ["  row", *file, "output", *targets, *columns], rows, right=(0, 1 + len(file)))),
        ]
    return lines


def curve(values: list[float], low: float, high: float) -> str:
    """Draw values as block characters on a scale from low to high. Long series are subsampled."""
    if len(values) > WIDEST:
        values = [values[place * (len(values) - 1) // (WIDEST - 1)] for place in range(WIDEST)]
    if high - low <= ROUNDING * max(abs(low), abs(high)):
        return LEVELS[0] * len(values)
    return "".join(LEVELS[min(int((value - low) / (high - low) * len(LEVELS)), len(LEVELS) - 1)] for value in values)


def _scale(drawn: Sequence[float]) -> tuple[float, float]:
    """Limits of the scale of a table's curves, shared by all of them so that heights are comparable."""
    return min(drawn, default=0.0), max(drawn, default=0.0)


def _ends(one: Dependence, answers: list[float]) -> str:
    """Outputs at both ends of a numeric column; for categories, the lowest and the highest output."""
    if not isinstance(one.values[0], str):
        return f"{number(answers[0])} → {number(answers[-1])}"
    low, high = answers.index(min(answers)), answers.index(max(answers))
    return f"{number(answers[low])} {one.values[low]}, {number(answers[high])} {one.values[high]}"


def _moving(one: Dependence) -> str:
    """Output that varies most; of two classes, whose probabilities are complementary, the second."""
    return max(reversed(one.answers), key=lambda name: round(max(one.drawn(name)) - min(one.drawn(name)), 9))


def _cell(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _drivers(neuron: Neuron) -> str:
    return _joined([f"{'+' if value > 0 else '−'} {name}" for name, value in neuron.drivers], LONGEST_DRIVERS)


def _joined(names: Sequence[str], longest: float = inf) -> str:
    """Names separated by commas; by semicolons if they have commas, as regions do, up to a length but at least one."""
    if not any(", " in name for name in names):
        return ", ".join(names)
    separator = "; "
    count = next((n for n in range(len(names), 1, -1) if len(separator.join(names[:n])) <= longest), 1)
    return separator.join(names[:count])


def _highest(neuron: Neuron) -> str:
    return max(neuron.by_class, key=lambda name: neuron.by_class[name])
