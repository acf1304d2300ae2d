"""One contender on one series: `python -m benchmarks.peers.series_job CONTENDER PACKAGE NAME SEASON HORIZON`.

The last fifth of the series is for testing. Forecasts of the whole horizon are made from at most ORIGINS origins in it,
evenly spaced. Prints the mean absolute error of each method and the seconds of CPU time.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

import numpy as np

from benchmarks.peers.series_data import Case, values_of

TEST_SHARE, ORIGINS = 0.2, 40


def filled(values: np.ndarray) -> np.ndarray:
    """Values, missing ones as the ones before."""
    places = np.maximum.accumulate(np.where(np.isnan(values), 0, np.arange(len(values))))
    return values[places]


def origins(count: int, horizon: int) -> np.ndarray:
    """Numbers of the values before each forecast."""
    first = count - round(count * TEST_SHARE)
    every = np.arange(min(first, count - horizon), count - horizon + 1)
    return every[np.unique(np.linspace(0, len(every) - 1, ORIGINS).astype(int))]


def of_bpcli(case: Case, values: np.ndarray) -> dict[str, float]:
    """`recipe: series`, trained once on the first four fifths, with its ridge and the naive forecasts."""
    import bpcli
    import bpcli.jobs.training  # outside of the time
    from bpcli.models.evaluation import split_rows
    from bpcli.training.ridge import ridge_logits

    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        cells = ["" if np.isnan(value) else repr(float(value)) for value in values]
        (folder / "series.csv").write_text("t,y\n" + "".join(f"{t},{cell}\n" for t, cell in enumerate(cells)))
        data = {"path": "series.csv", "target": "y", "time": "t", "split": {"test": TEST_SHARE}}
        forecast = {"horizon": case.horizon, "season": case.season}
        (folder / "config.yaml").write_text(json.dumps({"recipe": "series", "data": data, "forecast": forecast}))
        started = process_time()
        run = bpcli.train(folder / "config.yaml", run_dir=folder / "run", cache=False, threads=1)
        cpu = process_time() - started
        model = run.load()
        rows = split_rows(model, "test")
        answers, _ = model.answers(rows.table)
        dataset, _ = model.preprocessor.apply(rows.table, model.dtype)
    beside = dataset.origins
    ridge = beside.restored(
        ridge_logits(model.header.config.ensemble, model.inference, None, dataset).astype(np.float64)
    )
    wanted = origins(len(values), case.horizon) - (len(values) - case.horizon) - 1
    wanted = wanted[wanted >= -len(answers.true)]

    def error(predicted: np.ndarray) -> float:
        return float(np.abs(answers.true - predicted)[wanted].mean())

    found = {"bpcli": error(answers.predicted), "ridge": error(ridge)}
    naive = {"naive": error(beside.last), "seasonal naive": error(beside.seasonal)}
    return {**found, **naive, "cpu": cpu}


def of_ets(case: Case, values: np.ndarray) -> dict[str, float]:
    """AutoETS of statsforecast: fitted once, with states that follow the values, and fitted anew at each origin."""
    from statsforecast.models import MSTL, AutoETS

    values = filled(values)
    long = case.season > 24
    every, started = origins(len(values), case.horizon), process_time()

    def model() -> MSTL | AutoETS:
        return MSTL([case.season], AutoETS(model="ZZN")) if long else AutoETS(season_length=case.season)

    def error(forecast: Callable[[np.ndarray], np.ndarray]) -> float:
        found = [forecast(values[:origin]) - values[origin : origin + case.horizon] for origin in every]
        return float(np.abs(found).mean())

    anew = error(lambda known: model().forecast(y=known, h=case.horizon)["mean"])
    cpu = process_time() - started
    fitted = model().fit(values[: len(values) - round(len(values) * TEST_SHARE)])
    return {"ETS": error(lambda known: fitted.forward(y=known, h=case.horizon)["mean"]), "ETS anew": anew, "cpu": cpu}


CONTENDERS = {"bpcli": of_bpcli, "ETS": of_ets}


def main(contender: str, package: str, name: str, season: str, horizon: str) -> None:
    case = Case(package, name, int(season), int(horizon))
    print(json.dumps(CONTENDERS[contender](case, values_of(case))))


if __name__ == "__main__":
    main(*sys.argv[1:])
