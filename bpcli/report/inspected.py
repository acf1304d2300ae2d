"""Page of an inspection: what the network looks at, importance, curves, neurons and layers."""

from __future__ import annotations

from collections.abc import Sequence

from bpcli.documents.table import Table, shortened
from bpcli.inspection.dependence import Dependence, PartialDependence
from bpcli.inspection.document import Inspection
from bpcli.inspection.filters import Filters
from bpcli.inspection.neurons import Neuron
from bpcli.inspection.pictured import PicturedImage
from bpcli.models.tables import layer_table
from bpcli.pages.charts import Chart, Series
from bpcli.pages.page import Section, number, page
from bpcli.report.importance import importance_section
from bpcli.report.network_pictures import filters_gallery, pictures_section
from bpcli.wording import counted

MOST_CHARTS = 12
"""Maximum number of columns with a chart of partial dependence, the most important first."""

LONGEST_LABEL = 40
"""Maximum length of a column's name below an axis, in characters."""

MOST_NEURONS = 50
"""Maximum number of neurons listed, the most important first."""


def inspection_page(
    title: str, found: Inspection, pictures: Sequence[PicturedImage], filters: Sequence[Filters]
) -> str:
    """HTML page of an inspection."""
    sections = []
    shown: list[tuple[str, str]] = [("parameters", f"{found.network.parameters:,}")]
    if (section := pictures_section(pictures)) is not None:
        sections.append(section)
    if filters:
        about = "Kernels of the layer that takes the picture: each gives one channel of its output."
        sections.append(Section("Filters", [about], (), (), [filters_gallery(one) for one in filters]))
    if found.columns is not None:
        importance = found.columns.importance
        shown.insert(0, (importance.metric, number(importance.score)))
        sections.append(importance_section(importance))
        if (curves := _dependence(found.columns.dependence)) is not None:
            sections.append(curves)
    if found.neurons:
        sections.append(_neurons(found.neurons))
    about = f"{counted(found.network.parameters, 'parameter')}; the loss is {found.network.loss}."
    sections.append(Section("Network", [about], (), [layer_table(found.network)]))
    return page(title, f"{found.checkpoint}, {found.rows}", shown, sections)


def _dependence(found: PartialDependence) -> Section | None:
    """Charts of the columns of numbers, and tables of all others; None if there are neither."""
    charts, tables = [], []
    for one in [column for column in found.columns if column.values][:MOST_CHARTS]:
        names = list(one.answers)
        values = [value for value in one.values if not isinstance(value, str)]
        if len(values) == len(one.values) and len(values) > 1:
            series = [Series(name, values, one.answers[name]) for name in names]
            charts.append(
                Chart(
                    one.column, shortened(one.column, LONGEST_LABEL), f"mean {found.answer}", series, note=_missing(one)
                )
            )
            continue
        rows = [
            [str(value), *(number(one.answers[name][place]) for name in names)]
            for place, value in enumerate(one.values)
        ]
        tables.append(Table(one.column, ["value", *names], rows))
    if not (charts or tables):
        return None
    sentence = (
        f"Mean {found.answer} over {counted(found.rows, 'row')} with the column set to each value in all of them "
        "(partial dependence)."
    )
    return Section("Partial dependence", [sentence], charts, tables)


def _missing(one: Dependence) -> str:
    """Note on the outputs at a missing cell."""
    outputs = [f"{name} {number(value)}" for name, value in one.missing.items()]
    return f"at a missing cell: {', '.join(outputs)}" if outputs else ""


def _neurons(neurons: Sequence[Neuron]) -> Section:
    ordered = sorted(neurons, key=lambda neuron: -neuron.loss_without)
    classes = any(neuron.by_class for neuron in neurons)
    of = "the class" if classes else "the target"
    rows = [
        [
            f"{neuron.layer}.{neuron.place}",
            number(neuron.loss_without),
            number(neuron.separation),
            neuron.state or "–",
            "; ".join(f"{name} ({value:+.2f})" for name, value in neuron.drivers) or "–",
            *([max(neuron.by_class, key=lambda name: neuron.by_class[name])] if neuron.by_class else []),
        ]
        for neuron in ordered
    ]
    header = ["neuron", "loss without", "separation", "state", "driven by", *(["highest for"] if classes else [])]
    sentence = (
        f"Loss without (ablation): increase of the mean loss when the output is replaced by its mean. Separation: "
        f"share of the output's variance, 0 to 1, explained by {of}. Driven by: the highest correlations."
    )
    return Section(
        "Hidden neurons", [sentence], (), [Table("Hidden neurons", header, rows, right=(1, 2), most=MOST_NEURONS)]
    )
