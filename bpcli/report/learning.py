"""Report section on training: a curve of each value by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bpcli.history.curves import Curves, suits_logarithmic_axis
from bpcli.pages.charts import Chart, Series
from bpcli.pages.page import Section, as_sentence, spaced
from bpcli.storage.records import MEMBER_LOSSES, EpochRecord, Summary
from bpcli.training.scoring import UNWEIGHTED


def learning_section(records: Sequence[EpochRecord], summary: Summary) -> Section:
    """Charts of the losses, of each metric, and of the learning rate if it varied."""
    if not records:
        return Section("Learning", ["No epoch was finished."])
    best = summary.best_epoch
    drawn = {"train_loss", *Curves("", records).names}  # without validation rows, their values are not in the charts
    keys = [key for key in records[-1].values if key in drawn and key != MEMBER_LOSSES]
    losses = [key for key in ("train_loss", "validation_loss") if key in keys]
    metrics = [key for key in keys if key.startswith("validation_") and key not in losses]
    charts = [_chart("Loss", "loss per row", {spaced(key): (records, key) for key in losses}, best)]
    plain = {key: f"{key}{UNWEIGHTED}" for key in metrics}
    for key in metrics:
        if key not in plain.values():
            names = [key, *([plain[key]] if plain[key] in keys else [])]
            curves = {spaced(name): (records, name) for name in names}
            charts.append(_chart(_titled(key), spaced(key), curves, best, loss=False))
    if len({record.number("learning_rate") for record in records}) > 1:
        charts.append(metric_chart({"learning rate": records}, "learning_rate", best))
    sentence = f"Epochs are compared by {spaced(summary.monitor or 'train_loss')}"
    final = summary.final_training
    sentence += f"; the best is epoch {best}{', whose model is kept' if final is None else ''}." if best else "."
    if final is not None:
        sentence += f" {as_sentence(final.line)} Its model is the one that predicts; its epochs are not in the charts."
    if members := len(records[-1].member_losses):
        sentence += f" The faint lines are the {members} members of the ensemble, each on the rows it is validated on."
    return Section("Learning", [sentence], charts)


def metric_chart(records: Mapping[str, Sequence[EpochRecord]], key: str, best: int | None = None) -> Chart:
    """Chart of one value with a curve per run. Losses with a wide range have a logarithmic axis."""
    curves = {name: (lines, key) for name, lines in records.items()}
    return _chart(_titled(key), spaced(key), curves, best, loss=key.endswith("_loss"))


def _titled(key: str) -> str:
    named = spaced(key)
    return f"{named[0].upper()}{named[1:]}"


def _chart(
    title: str,
    label: str,
    curves: Mapping[str, tuple[Sequence[EpochRecord], str]],
    best: int | None,
    loss: bool = True,
) -> Chart:
    series = [
        Series(
            name,
            [record.epoch for record in records],
            [record.number(key) for record in records],
            behind=_of_members(records) if key == "validation_loss" else (),
        )
        for name, (records, key) in curves.items()
    ]
    values = [value for one in series for line in (one.y, *one.behind) for value in line if value is not None]
    return Chart(title, "epoch", label, series, logarithmic=loss and suits_logarithmic_axis(values), mark=mark_of(best))


def _of_members(records: Sequence[EpochRecord]) -> list[list[float | None]]:
    """Validation loss of each member of an ensemble by epoch; empty for one network."""
    losses = [record.member_losses for record in records]
    count = min(map(len, losses), default=0)
    return [[of_epoch[member] for of_epoch in losses] for member in range(count)]


def mark_of(best: int | None) -> tuple[float, str] | None:
    """Vertical mark at the best epoch; None without one."""
    return (float(best), f"best epoch, {best}") if best else None
