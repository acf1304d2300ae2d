"""Page on a search: its course, what the parameters had to do with it, and all trials."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from math import log10
from statistics import median

from bpcli.config.distribution import Distribution, Value
from bpcli.documents.table import Table
from bpcli.pages.charts import Chart, Series
from bpcli.pages.page import Section, number, page, spaced
from bpcli.pages.parallel import Axis, Parallel
from bpcli.tuning.objective import value_of
from bpcli.tuning.sampling import importances
from bpcli.tuning.study import Study
from bpcli.tuning.trial import Trial
from bpcli.wording import counted

IN_FRONT = 3
"""Number of trials that are named in the parallel coordinates."""


def study_page(study: Study) -> str:
    """HTML page."""
    best, metric, optimism = study.best, spaced(study.objective.first), study.optimism()
    assert best is not None
    scores = [
        (f"best {metric}", number(best.score)),
        *([] if optimism is None else [("expected on new rows", number(optimism.expected))]),
        *((f"test {spaced(name)}", number(value)) for name, value in study.test_scores.items()),
    ]
    over = counted(len(study.trials), "trial")
    subtitle = f"Search of {over} by {study.spec.sampler}, {study.at_once} at once; best is trial {best.number}"
    sections = [_course(study), *_front(study), *_parameters(study), _trials(study)]
    return page(f"Search {study.name}", subtitle, scores[:6], sections)


def _ordered(study: Study) -> list[Trial]:
    """Trials with a score, those that were trained to the end before the others, the best first."""
    scored = [trial for trial in study.trials if trial.score is not None]
    return sorted(scored, key=lambda trial: (trial.state != "complete", study.objective.rank(trial)))


def _course(study: Study) -> Section:
    """Scores by trial, and the best so far."""
    metric = spaced(study.objective.first)
    scored = sorted(_ordered(study), key=lambda trial: trial.number)
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
    if (optimism := study.optimism()) is not None:
        sentences.append(
            f"On new rows, {metric} {number(optimism.expected)} is to be expected of the best of these "
            f"{optimism.trials} trials, in place of {number(optimism.score)}. Estimated from the validation rows, by a "
            "bootstrap of the choice (Tsamardinos et al. 2018)."
        )
    if study.start_score is not None:
        gain = "" if study.is_worth_it() else "; no gain over it is to be expected on new rows"
        sentences.append(f"Trial 0 is the config as it stands, with {number(study.start_score)}{gain}.")
    if failed := len(study.trials) - len(scored):
        sentences.append(f"{counted(failed, 'trial')} failed; the table has the reasons.")
    return Section("Course", sentences, [Chart("Score by trial", "trial", metric, series)])


def _front(study: Study) -> Iterator[Section]:
    """Trials that no other beats in all metrics, of several metrics."""
    if not study.front:
        return
    first, *others = study.objective.metrics
    front, numbers = study.front, {trial.number for trial in study.front}
    rest = [trial for trial in _ordered(study) if trial.number not in numbers and trial.state == "complete"]
    charts = []
    for other in others:
        along = sorted(front, key=lambda trial: value_of(trial, other) or 0.0)
        drawn = [
            Series(name, [value_of(trial, other) or 0.0 for trial in of], [trial.score for trial in of], "points")
            for name, of in (("front", along), ("others", rest))
            if of
        ]
        charts.append(Chart(f"{spaced(first)} against {spaced(other)}", spaced(other), spaced(first), drawn))
    metrics = study.objective.metrics
    rows = [[str(trial.number), *_values(trial, metrics)] for trial in front]
    table = Table("Trials in front", ["trial", *map(spaced, metrics)], rows)
    sentence = (
        "No other trial is better in one metric without being worse in another. The folder front has their configs."
    )
    yield Section("Front", [sentence], charts, [table])


def _parameters(study: Study) -> Iterator[Section]:
    """How scores depend on each parameter, the most important first."""
    shares = importances(study.space, study.trials, study.objective)
    names = sorted(study.space.parameters, key=lambda name: -shares.get(name, 0.0))
    ordered = _ordered(study)
    charts: list[Chart | Parallel] = [_parallel(study, names, ordered)] if len(ordered) > 1 else []
    tables = []
    for name in names:
        one = study.space.parameters[name]
        known = [trial for trial in ordered if name in study.space.used(trial.values)]
        if one.bounds is None or name.endswith(".depth"):
            tables.append(_by_choice(study, name, known))
        elif known:
            charts.append(_by_value(study, name, one, known))
    sentences = ["Each line or point is a trial. A parameter matters where scores follow its value."]
    if shares:
        cells = [[name, f"{shares[name]:.0%}"] for name in names if name in shares]
        tables.insert(0, Table("Importance", ["parameter", "share"], cells))
        sentences.append("Importance says how well a parameter tells the better trials from the others (PED-ANOVA).")
    yield Section("Parameters", sentences, charts, tables)


def _parallel(study: Study, names: list[str], ordered: list[Trial]) -> Parallel:
    """A line for each trial, through an axis for each parameter and one for the score."""
    used = [study.space.used(trial.values) for trial in ordered]
    axes = []
    for name in names:
        one = study.space.parameters[name]
        places = [_place(one, values[name]) if name in values else None for values in used]
        ends = [_shown(one.ends[0]), _shown(one.ends[-1])]
        axes.append(Axis(name, (ends[0], ends[1]), places, [_shown(values.get(name, "–")) for values in used]))
    scores = [trial.score or 0.0 for trial in ordered]
    low, high = min(scores), max(scores)
    places = [(score - low) / (high - low) if high > low else 0.5 for score in scores]
    metric = spaced(study.objective.first)
    axes.append(Axis(metric, (number(low), number(high)), places, [number(score) for score in scores]))
    return Parallel("Trials", axes, [f"trial {trial.number}" for trial in ordered[:IN_FRONT]])


def _place(one: Distribution, value: Value) -> float:
    """Place of a value between the ends of its distribution, from 0 to 1."""
    if one.bounds is None:
        choices = [repr(choice) for choice in one.choice or ()]
        return choices.index(repr(value)) / max(1, len(choices) - 1)
    low, high, at = (log10(float(end)) if one.is_log else float(end) for end in (*one.bounds, _as_number(value)))
    return (at - low) / (high - low) if high > low else 0.5


def _as_number(value: Value) -> float:
    assert isinstance(value, int | float)
    return value


def _by_value(study: Study, name: str, one: Distribution, known: list[Trial]) -> Chart:
    def place(trial: Trial) -> float:
        value = _as_number(trial.values[name])
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
    names, metrics = list(study.space.parameters), study.objective.metrics
    ordered = [*_ordered(study), *(trial for trial in study.trials if trial.score is None)]
    rows = []
    for trial in ordered:
        used = study.space.used(trial.values)
        cells = [_shown(used.get(name, "–")) for name in names]
        rows.append([str(trial.number), trial.note or trial.state, str(trial.epochs), *_values(trial, metrics), *cells])
    header = ["trial", "state", "epochs", *map(spaced, metrics), *names]
    return Section("Trials", [], [], [Table("All trials", header, rows, words=False)])


def _values(trial: Trial, metrics: Sequence[str]) -> list[str]:
    """Value of each metric."""
    found = [value_of(trial, metric) for metric in metrics]
    return ["-" if value is None else _shown(value) for value in found]


def _shown(value: Value) -> str:
    return number(value) if isinstance(value, float) else str(value)
