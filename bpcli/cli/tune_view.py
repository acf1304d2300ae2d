"""What `bpcli tune` shows: progress, the best trials, and what the best one is worth."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from bpcli.cli.console import note, result, result_table, say
from bpcli.documents.table import Table
from bpcli.system.files import path_from_here
from bpcli.system.memory import shown_bytes
from bpcli.wording import counted, duration, number, printable

if TYPE_CHECKING:
    from bpcli.tuning.study import Study
    from bpcli.tuning.trial import Trial

SHOWN = 10
"""Number of trials in the table, the best first."""


def show_progress(study: Study, before: int, seconds: float) -> None:
    """Print the number of trials that are over, the best so far, and the time that is left.

    before: number of trials that were over `seconds` ago.
    """
    done, best = len(study.trials), study.best
    score = "none yet" if best is None else f"{number(best.score)} (trial {best.number})"
    left = ""
    if before < done < study.spec.trials:
        left = f", about {duration(seconds / (done - before) * (study.spec.trials - done))} left"
    say(f"{done} of {counted(study.spec.trials, 'trial')}, best {score}{left}")


def show_study(study: Study, best: Trial) -> None:
    """Print the best trials, and what the best one is worth."""
    from bpcli.tuning.objective import value_of

    scored = [trial for trial in study.trials if trial.score is not None]
    order = study.front or sorted(scored, key=lambda trial: (trial.state != "complete", study.objective.rank(trial)))
    names, metrics = list(study.space.parameters), list(study.spec.metrics)
    rows = []
    for trial in order[:SHOWN]:
        used = study.space.used(trial.values)
        values = ["-" if (value := value_of(trial, metric)) is None else _value(value) for metric in metrics]
        cells = [_value(used.get(name, "-")) for name in names]
        rows.append([str(trial.number), trial.state, str(trial.epochs), *values, *cells])
    title = "Trials that no other beats in all metrics" if study.front else "Trials"
    header = ["trial", "state", "epochs", *metrics, *names]
    result_table(Table(title, header, rows, right=[0, 2, *range(3, 3 + len(metrics))], most=SHOWN))
    result()
    result(f"best of {counted(len(scored), 'trial')}: {study.objective.first} {number(best.score)}")
    optimism = study.optimism()
    if optimism is not None:
        why = ", as the best of many owes some of its score to chance" if optimism.difference else ""
        result(f"expected on new rows: {number(optimism.expected)}{why}")
    else:
        note("the best of many trials owes some of its score to chance; the test rows took no part in the choice")
    if not study.is_worth_it():
        result(f"no gain is to be expected over the config as it stands, with {number(study.start_score)}")
    test = study.test_scores
    if test:
        result("its test rows, seen once: " + ", ".join(f"{name} {number(value)}" for name, value in test.items()))
    directory = study.directory
    result(f"see {printable(path_from_here(directory.page))}; all of it takes {shown_bytes(directory.size)}")
    result(f"train it again with: bpcli train {shlex.quote(printable(path_from_here(directory.best)))}")


def trial_document(study: Study, trial: Trial) -> dict[str, Any]:
    """A trial as a JSON object."""
    from bpcli.tuning.batch import run_name

    run = study.directory.run(run_name(trial.number, "-fold1" if study.spec.folds else ""))
    return {**trial.to_json(), "run_directory": path_from_here(run)}


def study_document(study: Study, best: Trial) -> dict[str, Any]:
    """The study as a JSON object."""
    directory, optimism = study.directory, study.optimism()
    document: dict[str, Any] = {
        "study": path_from_here(directory.path),
        "metric": study.objective.first,
        "trials": len(study.trials),
        "best": {**trial_document(study, best), "run_directory": path_from_here(directory.best_run)},
        "best_config": path_from_here(directory.best),
        "expected": None if optimism is None else optimism.expected,
        "as_it_stands": study.start_score,
        "test": study.test_scores,
        "bytes": directory.size,
    }
    if study.front:
        document["front"] = [trial_document(study, trial) for trial in study.front]
    return document


def _value(value: object) -> str:
    return number(value) if isinstance(value, float) else str(value)
