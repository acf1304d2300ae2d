"""Section of a report on forecasts: what follows the data, and errors by step beside those of simple forecasts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bpcli.decision.intervals import level_name
from bpcli.documents.scores import Scores
from bpcli.errors import DataError
from bpcli.models.evaluation import SplitRows
from bpcli.models.forecasting import Forecast
from bpcli.models.model import Model
from bpcli.pages.charts import Chart, Series
from bpcli.pages.page import Section, as_sentence
from bpcli.training.forecast_scoring import SIMPLE, best_simple
from bpcli.training.scoring import true_outcomes
from bpcli.wording import counted, number

Values = NDArray[np.float64]

MOST_SERIES = 3
"""Number of series whose forecasts are drawn."""


def forecasts_section(model: Model, rows: SplitRows, scores: Scores, steps: Sequence[Scores]) -> Section | None:
    """Section of a model of series; None for others. scores: of the evaluated rows, in total and by step."""
    fitted = model.header.windows
    if fitted is None:
        return None
    sentences = [as_sentence(_verdict(scores))]
    charts = []
    try:
        found = model.forecast()
        charts += list(_coming(model, found))
        if len(found.values) > MOST_SERIES:
            sentences.append(f"The first {MOST_SERIES} of {counted(len(found.values), 'series', 'series')} are drawn.")
    except DataError as error:
        sentences.append(as_sentence(f"no forecast of what follows the data: {error}"))
    charts.append(_last_tested(rows))
    if len(steps) > 1:
        charts.append(_by_step(steps))
    return Section("Forecasts", sentences, charts)


def _verdict(scores: Scores) -> str:
    """Comparison with the best simple forecast, in words."""
    best, skill = best_simple(scores), scores.get("skill")
    if best is None or skill is None:
        return "skill against simple forecasts is undefined"
    errors = f"mae {number(scores.get('mae'))}, {best[0]} {number(best[1])}"
    if skill <= 0:
        return f"no better than the {best[0]} forecast: {errors}"
    return f"the mean absolute error is {skill:.0%} below that of the best simple forecast: {errors}"


def _coming(model: Model, found: Forecast) -> Iterator[Chart]:
    """Yield a chart of the latest values and the forecast of each series, up to MOST_SERIES."""
    fitted = model.header.windows
    assert fitted is not None
    for place, history in enumerate(found.history[:MOST_SERIES]):
        names = [cells[place] for cells in found.series.values()]
        title = f"{fitted.target}: what follows {found.now[place]}" + (f", {', '.join(names)}" if names else "")
        bounds = {level: (lower[place], upper[place]) for level, (lower, upper) in found.bounds.items()}
        drawn = _drawn(history, found.values[place], bounds, found.simple[place], fitted.season)
        yield Chart(title, "steps from now", fitted.target, drawn)


def _last_tested(rows: SplitRows) -> Chart:
    """Chart of the last window of the evaluated rows: its values, the forecast, and what came."""
    model, table = rows.model, rows.table.take(np.array([len(rows.numbers) - 1]))
    fitted = model.header.windows
    assert fitted is not None
    dataset, _ = model.preprocessor.apply(table, model.dtype)
    origins, scaled = dataset.origins, model.outcome_of(dataset.x).predicted
    assert origins is not None
    intervals = model.header.intervals
    around = [] if intervals is None else intervals.around(scaled)
    bounds = {level: (origins.restored(low)[0], origins.restored(high)[0]) for level, low, high in around}
    window = origins.restored(table[fitted.target].values)[0]
    if fitted.counts_from_last:
        window = np.append(window, origins.last[0])
    simple = origins.seasonal[0] if fitted.season > 1 else np.broadcast_to(origins.last[0], fitted.horizon)
    drawn = _drawn(window, origins.restored(scaled)[0], bounds, simple, fitted.season)
    steps, came = list(range(1, fitted.horizon + 1)), true_outcomes(model.target, dataset)[0]
    drawn.append(Series("what came", steps, came.tolist(), "points"))
    return Chart(f"{fitted.target}: the last {rows.part} rows", "steps from the forecast", fitted.target, drawn)


def _drawn(
    history: Values, forecast: Values, bounds: Mapping[float, tuple[Values, Values]], simple: Values, season: int
) -> list[Series]:
    """Latest values, a forecast from the last of them with a band for each level, and the naive forecast."""
    now = float(history[-1])
    past, steps = list(range(1 - len(history), 1)), list(range(len(forecast) + 1))
    line = [now, *forecast.tolist()]
    drawn = [Series("values", past, history.tolist())]
    for level, (lower, upper) in sorted(bounds.items(), reverse=True):
        spans = [(now, now), *zip(lower.tolist(), upper.tolist(), strict=True)]
        drawn.append(Series(f"forecast, with its {level_name(level)} % interval", steps, line, spans=spans))
    if not bounds:
        drawn.append(Series("forecast", steps, line))
    drawn.append(Series("seasonal naive" if season > 1 else "naive", steps[1:], simple.tolist()))
    return drawn


def _by_step(steps: Sequence[Scores]) -> Chart:
    """Mean absolute error by step of the horizon, of the model and of simple forecasts."""
    x = list(range(1, len(steps) + 1))
    drawn = [Series("model", x, [one.get("mae") for one in steps])]
    drawn += [
        Series(what, x, [one.get(name) for one in steps])
        for name, what in SIMPLE.items()
        if any(one.get(name) is not None for one in steps)
    ]
    return Chart("Error by step", "step", "mean absolute error", drawn)
