"""Page on a search: its course, what the parameters had to do with it, and all trials."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from math import log10
from statistics import median

from bpcli.config.distribution import Distribution
from bpcli.documents.table import Table
from bpcli.pages.charts import Chart, Series
from bpcli.pages.page import Section, number, page, spaced
from bpcli.tuning.sampling import importances
from bpcli.tuning.study import Study
from bpcli.tuning.trial import Trial
from bpcli.wording import counted


def study_page(study: Study) -> str:
    """HTML page."""
    best, metric, test = study.best, spaced(study.objective.first), study.test_scores
    assert best is not None
    scores = [
        (f"best {metric}", number(best.score)),
        *((f"test {spaced(name)}", number(value)) for name, value in test.items()),
    ]
    over = counted(len(study.trials), "trial")
    subtitle = f"Search of {over} by {study.spec.sampler}, {study.at_once} at once; best is trial {best.number}"
    return page(f"Search {study.name}", subtitle, scores[:6], [_course(study), *_parameters(study), _trials(study)])


def _scored(study: Study) -> list[Trial]:
    return [trial for trial in study.trials if trial.score is not None]


def _course(study: Study) -> Section:
    """Scores by trial, and the best so far."""
    metric, scored = spaced(study.objective.first), _scored(study)
    whole = [trial for trial in scored if trial.state == "complete"]
    stopped = [trial for trial in scored if trial.state == "stopped"]
    best_so_far = list(accumulate((trial.score or 0.0 for trial in whole), max if study.objective.maximize else min))
    series = [
        Series("best so far", [trial.number for trial in whole], best_so_far),
        Series("trained to the end", [trial.number for trial in whole], [trial.score for trial in whole], "points"),
    ]
    if stopped:
        series.append(
            Series("stopped", [trial.number for trial in stopped], [trial.score for trial in stopped], "points")
        )
    sentences = [
        "The best of many trials owes some of its score to chance: the same validation rows chose it. The test rows "
        "took no part in the choice, and say what it is worth.",
    ]
    if failed := len(study.trials) - len(scored):
        sentences.append(f"{counted(failed, 'trial')} failed; the table has the reasons.")
    return Section("Course", sentences, [Chart("Score by trial", "trial", metric, series)])


def _parameters(study: Study) -> Iterator[Section]:
    """How scores depend on each parameter, the most important first."""
    shares = importances(study.space, study.trials, study.objective.maximize)
    names = sorted(study.space.parameters, key=lambda name: -shares.get(name, 0.0))
    charts, tables = [], []
    for name in names:
        one = study.space.parameters[name]
        known = [trial for trial in _scored(study) if name in study.space.used(trial.values)]
        if one.bounds is None or name.endswith(".depth"):
            tables.append(_by_choice(study, name, known))
        elif known:
            charts.append(_by_value(study, name, one, known))
    sentences = ["Each point is a trial. A parameter matters where scores follow its value."]
    if shares:
        cells = [[name, f"{shares[name]:.0%}"] for name in names if name in shares]
        tables.insert(0, Table("Importance", ["parameter", "share"], cells))
        sentences.append("Importance says how well a parameter tells the better trials from the others (PED-ANOVA).")
    yield Section("Parameters", sentences, charts, tables)


def _by_value(study: Study, name: str, one: Distribution, known: list[Trial]) -> Chart:
    def place(trial: Trial) -> float:
        value = trial.values[name]
        assert isinstance(value, int | float)
        return log10(value) if one.is_log else float(value)

    label = f"log10 {name}" if one.is_log else name
    points = Series("trials", [place(trial) for trial in known], [trial.score for trial in known], "points")
    return Chart(name, label, spaced(study.objective.first), [points])


def _by_choice(study: Study, name: str, known: list[Trial]) -> Table:
    """Scores of the trials with each value."""
    values = dict.fromkeys(
        sorted((trial.values[name] for trial in known), key=lambda value: (str(type(value)), value or 0))
    )
    rows = []
    for value in values:
        scores = [trial.score for trial in known if trial.values[name] == value and trial.score is not None]
        best = max(scores) if study.objective.maximize else min(scores)
        rows.append([str(value), str(len(scores)), number(best), number(median(scores))])
    metric = spaced(study.objective.first)
    return Table(name, [name, "trials", f"best {metric}", "median"], rows)


def _trials(study: Study) -> Section:
    """Table of all trials, the best first."""
    names = list(study.space.parameters)
    scored = sorted(_scored(study), key=lambda trial: (trial.state != "complete", study.objective.rank(trial)))
    ordered = [*scored, *(trial for trial in study.trials if trial.score is None)]
    rows = []
    for trial in ordered:
        used = study.space.used(trial.values)
        cells = [number(value) if isinstance(value := used.get(name, "–"), float) else str(value) for name in names]
        rows.append([str(trial.number), trial.note or trial.state, str(trial.epochs), number(trial.score), *cells])
    table = Table("All trials", ["trial", "state", "epochs", spaced(study.objective.first), *names], rows, words=False)
    return Section("Trials", [], [], [table])
