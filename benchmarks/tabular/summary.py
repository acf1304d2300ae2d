"""Results in Markdown: a contender in relation to each of its rivals, and the scores of every table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log, sqrt
from statistics import mean, median, stdev

from benchmarks.harness import significant, table

METRICS = {"error": "error", "log_loss": "log loss", "rmse": "RMSE", "calibration": "calibration error"}
LEAST = 1e-9

Scored = Mapping[tuple[str, int], Mapping[str, float]]
"""Scores, and `cpu`, of a contender by table and seed."""


@dataclass(frozen=True)
class Relation:
    """Log ratios of means over common seeds, one a table; negative is better."""

    ratios: list[float]

    @property
    def text(self) -> str:
        """Mean with its standard error over tables, and wins."""
        if not self.ratios:
            return "–"
        error = f" ± {stdev(self.ratios) / sqrt(len(self.ratios)):.3f}" if len(self.ratios) > 1 else ""
        wins = sum(ratio < 0 for ratio in self.ratios)
        return f"{mean(self.ratios):+.3f}{error}, {wins}/{len(self.ratios)}".replace("-", "−")


def relation(ours: Scored, theirs: Scored, metric: str) -> Relation:
    """How a metric of one contender relates to another's, over the seeds of each table that both have."""
    pairs: dict[str, list[tuple[float, float]]] = {}
    for (name, seed), scores in ours.items():
        other = theirs.get((name, seed), {})
        if metric in scores and metric in other:
            pairs.setdefault(name, []).append((scores[metric], other[metric]))
    means = [(mean(a for a, _ in found), mean(b for _, b in found)) for found in pairs.values()]
    return Relation([log(max(a, LEAST) / max(b, LEAST)) for a, b in means])


def relations(scored: Mapping[str, Scored]) -> str:
    """The first contender in relation to each of the others."""
    (reference, ours), *others = scored.items()
    rows = []
    for name, theirs in others:
        found = [relation(ours, theirs, metric).text for metric in METRICS]
        cpu = relation(ours, theirs, "cpu").ratios
        rows.append([name, *found, f"{exp(median(cpu)):.2f}×" if cpu else "–"])
    return table([f"{reference} against", *METRICS.values(), "CPU (median)"], rows)


def scores(scored: Mapping[str, Scored], tables: Sequence[str]) -> str:
    """Means over seeds: error and log loss of classes, RMSE of numbers, CPU seconds; the best in bold."""
    rows = []
    for name in tables:
        for metric in (*METRICS, "cpu"):
            values = [_mean(found, name, metric) for found in scored.values()]
            present = [value for value in values if value is not None]
            if metric == "calibration" or not present:
                continue
            label = METRICS.get(metric, "CPU seconds")
            rows.append([name, label, *(_cell(value, min(present)) for value in values)])
    return table(["table", "", *scored], rows)


def _mean(scored: Scored, name: str, metric: str) -> float | None:
    values = [found[metric] for (table_name, _), found in scored.items() if table_name == name and metric in found]
    return mean(values) if values else None


def _cell(value: float | None, best: float) -> str:
    if value is None:
        return "–"
    return f"**{significant(value)}**" if value == best else significant(value)
