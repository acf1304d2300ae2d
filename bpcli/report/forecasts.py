"""Section of a report on forecasts: what follows the data, and errors by step beside those of simple forecasts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bpcli.decision.intervals import level_name
from bpcli.documents.scores import Scores
from bpcli.errors import DataError
from bpcli.models.forecasting import Forecast
from bpcli.models.model import Model
from bpcli.pages.charts import Chart, Series
from bpcli.pages.page import Section, as_sentence
from bpcli.training.forecast_scoring import SIMPLE, best_simple
from bpcli.wording import counted, number

MOST_SERIES = 3
"""Number of series whose forecasts are drawn."""


def forecasts_section(model: Model, scores: Scores, steps: Sequence[Scores]) -> Section | None:
    """Section of a model of series; None for others. scores: of the evaluated windows, in total and by step."""
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
    steps = list(range(1, found.horizon + 1))
    for place, history in enumerate(found.history[:MOST_SERIES]):
        names = [cells[place] for cells in found.series.values()]
        title = f"{fitted.target}: what follows {found.now[place]}" + (f", {', '.join(names)}" if names else "")
        past = list(range(1 - len(history), 1))
        bounds = list(found.bounds.items())
        drawn = [Series("values", past, history.tolist())]
        for level, (lower, upper) in reversed(bounds):
            spans = list(zip(lower[place].tolist(), upper[place].tolist(), strict=True))
            name = f"forecast, with {level_name(level)} % intervals"
            drawn.append(Series(name, steps, found.values[place].tolist(), "points", spans=spans))
        if not bounds:
            drawn.append(Series("forecast", steps, found.values[place].tolist()))
        drawn.append(Series("seasonal naive" if fitted.season > 1 else "naive", steps, found.simple[place].tolist()))
        yield Chart(title, "steps from now", fitted.target, drawn)


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
