"""Report section on the health of training: measures of each layer by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bpcli.pages.charts import Chart, Series
from bpcli.pages.page import Section, as_sentence
from bpcli.report.curves import MOST_CURVES
from bpcli.report.learning import mark_of
from bpcli.storage.records import EpochRecord, Summary

USUAL_RATIO = 1e-3
"""Typical ratio of update to weight norm, as a rule of thumb: Karpathy, CS231n, "Ratio of weights:updates"."""

CHARTS = {
    "gradient_norm": ("Gradient norm", "norm of the gradient"),
    "update_ratio": ("Update to weight", "norm of step / of parameters"),
    "dead": ("Dead units", "share of units"),
    "saturated": ("Saturated units", "share of units"),
}
"""Title and axis label of each measure's chart."""

ABOUT = (
    "Gradients and steps are those of the last step of each epoch. A dead unit outputs 0 for every row examined; a "
    "saturated one is almost always near a bound."
)

SHARES = ("dead", "saturated")

Curve = list[float | None]


def health_section(records: Sequence[EpochRecord], summary: Summary, layers: Mapping[int, str]) -> Section | None:
    """Charts of the layers' health, and the diagnosis. Returns None if the run has no health records.

    layers: title of each layer by index.
    """
    epochs, diagnosis = [record.epoch for record in records], summary.diagnosis
    best = mark_of(summary.best_epoch)
    charts = []
    for key, (title, label) in CHARTS.items():
        curves = _curves(records, key)
        shown = _most_extreme(curves, key)
        if not shown:
            continue
        names = [layers.get(layer, f"layer {layer}") for layer in shown]
        charts.append(
            Chart(
                title,
                "epoch",
                label,
                [Series(name, epochs, curves[layer]) for name, layer in zip(names, shown, strict=True)],
                logarithmic=key not in SHARES,
                shares=key in SHARES,
                mark=best,
                level=(USUAL_RATIO, "typical order, 0.001") if key == "update_ratio" else None,
                note=names[0] if len(names) == 1 else _choice(len(shown), len(curves), key),
            )
        )
    if not charts and not diagnosis:
        return None
    healthy = diagnosis is not None and not diagnosis
    nothing = ["No problem found in gradients, step sizes, dead or saturated units."] if healthy else []
    about = [ABOUT] if charts else []
    return Section("Health", [*map(as_sentence, diagnosis or ()), *nothing, *about], charts)


def _curves(records: Sequence[EpochRecord], key: str) -> dict[int, Curve]:
    """Values of a measure by layer, one per epoch, None if missing. Layers without any value are left out."""
    curves: dict[int, Curve] = {}
    for place, record in enumerate(records):
        for layer, health in record.layers.items():
            if (value := getattr(health, key)) is not None:
                curves.setdefault(layer, [None] * len(records))[place] = value
    return dict(sorted(curves.items()))


def _most_extreme(curves: dict[int, Curve], key: str) -> list[int]:
    """Layers to plot if there are too many: the highest shares, or evenly spaced from lowest to highest.

    Layers are ordered by their median, so that a single epoch does not decide.
    """
    if len(curves) <= MOST_CURVES:
        return list(curves)
    order = sorted(curves, key=lambda layer: _median(curves[layer]))
    if key in SHARES:
        return sorted(order[-MOST_CURVES:])
    last = len(order) - 1
    return sorted({order[round(place * last / (MOST_CURVES - 1))] for place in range(MOST_CURVES)})


def _choice(shown: int, layers: int, key: str) -> str:
    if shown == layers:
        return ""
    return f"{shown} of {layers} layers: {'the highest' if key in SHARES else 'from the lowest to the highest'}"


def _median(curve: Curve) -> float:
    known = sorted(value for value in curve if value is not None)
    return known[len(known) // 2]
