"""Comparison of runs with the first of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bpcli.comparison.common_rows import rows_of_file, rows_of_test
from bpcli.comparison.contestants import Contestant, contestants_of, decided_otherwise, have_same_weights
from bpcli.comparison.disagreement import disagreement
from bpcli.comparison.document import ComparedRows, ComparedRun, Comparison, ConfigDifference, RunDifference
from bpcli.comparison.not_worse import NotWorse
from bpcli.comparison.peer_answers import peer_answers, require_comparable
from bpcli.comparison.peers import Peer
from bpcli.comparison.score_differences import differences
from bpcli.errors import DataError, errors_in
from bpcli.experiment.surprises import surprise_notes
from bpcli.metrics import METRICS
from bpcli.models.evaluation import own_data, weighing_rows
from bpcli.models.model import Model
from bpcli.storage.records import EpochScores
from bpcli.storage.run_checkpoint import unfinished_notes
from bpcli.storage.run_directory import RunDirectory
from bpcli.storage.run_listing import differing_keys
from bpcli.system.files import path_from_here
from bpcli.training.scoring import metric_names
from bpcli.wording import enumerated, quoted

OF_THESE_MODELS = "this compares these trained models; bpcli train --seeds shows how much scores vary with the seed"
"""Note on the limits of a comparison."""

SAME = "the same model: weights are identical"
"""Verdict on two runs with identical best models."""


def compare_runs(
    paths: Sequence[Path],
    data: Path | None = None,
    cache: bool = True,
    seed: int = 0,
    requirements: Sequence[NotWorse] = (),
    peers: Sequence[Peer] = (),
) -> Comparison:
    """Compare runs with the first, on its test rows or on the rows of the file `data`.

    requirements: judged for each run but the first, not enforced. peers: fitted to the training rows of the first run,
    and compared with it too; then a single run will do.

    Raises:
        UsageError: there are too few runs, a run is given twice, a run lacks a required metric, or peers do not have
            such a target.
        CheckpointError: a run has no best checkpoint or is damaged.
        DataError: the runs cannot be compared on the same rows, or one was trained on some of them.
    """
    contestants = contestants_of(paths, least=1 if peers and not requirements else 2)
    if peers:
        require_comparable(contestants[0].model)
    models = [contestant.model for contestant in contestants]
    known = _common_metrics(models)
    for requirement in requirements:
        requirement.require_known(known)
    rows = rows_of_file(contestants, data, cache) if data else rows_of_test(contestants, cache)
    first = contestants[0].model
    kept, of_weights = weighing_rows(first, rows.tables[0], rows.source)
    tables = [table if len(kept) == table.rows else table.take(kept) for table in rows.tables]
    weight = first.preprocessor.row_weights(tables[0])
    answers, of_rows, of_runs, notes = [], [], [], [*rows.notes, *of_weights, *_other_weights(contestants)]
    for contestant, model, table in zip(contestants, rows.models, tables, strict=True):
        with errors_in(contestant.shown):
            answer, surprises = model.answers(table, weight)
        answers.append(answer if contestant.model.classes == first.classes else answer.reversed())
        of_rows.append(surprise_notes(surprises))
        of_runs += [f"{contestant.shown}: {line}" for line in unfinished_notes(contestant.model.path)]
    notes += [
        *_said_once(contestants, of_rows),
        *of_runs,
        *_other_positives(contestants),
        *_unequal_epochs(contestants),
    ]
    task = first.target.task
    configs = [contestant.run.config for contestant in contestants]
    labels = [contestant.label for contestant in contestants]
    of_peers = []
    if peers and rows.train is None and not data:
        raise DataError(f"--with: {contestants[0].shown} has no test rows for peers; train with data.split.test=0.15")
    if peers:
        train = own_data(first, cache).rows("train").table if rows.train is None else rows.train
        of_peers = peer_answers(peers, first, train, tables[0], answers[0], labels)
    found = []
    entered = [*labels, *(peer.label for peer, _ in of_peers)]
    answers += [answer for _, answer in of_peers]
    tested = differences(entered, answers, task, seed)
    for (headline, log_loss), contestant, answer in zip(tested, contestants[1:], answers[1:], strict=False):
        same = have_same_weights(first, contestant.model)
        if same and (otherwise := decided_otherwise(first, contestant.model)):
            notes.append(f"{contestant.shown} has the same weights as {contestants[0].shown}, but {otherwise}")
            same = False
        groups = disagreement((labels[0], contestant.label), first.classes, task, answers[0], answer)
        found.append(RunDifference(replace(headline, verdict=SAME) if same else headline, log_loss, groups, same))
    for (headline, log_loss), (peer, answer) in zip(tested[len(contestants) - 1 :], of_peers, strict=True):
        groups = disagreement((labels[0], peer.label), first.classes, task, answers[0], answer)
        found.append(RunDifference(headline, log_loss, groups, same_model=False))
    return Comparison(
        runs=[_compared(contestant) for contestant in contestants],
        config=[
            ConfigDifference(
                key, {label: flat[key] for label, flat in zip(labels, configs, strict=True) if key in flat}
            )
            for key in differing_keys(configs)
        ],
        rows=ComparedRows(rows.source, answers[0].report.rows, None if weight is None else first.preprocessor.weight),
        task=task,
        scores={label: answer.report for label, answer in zip(entered, answers, strict=True)},
        differences=found,
        notes=notes,
        requirements=[
            requirement.check(one, answers[0], answer, task, seed, first.loss.variance_power)
            for one, answer in zip(found[: len(contestants) - 1], answers[1 : len(contestants)], strict=True)
            for requirement in requirements
        ],
        peers=[peer for peer, _ in of_peers],
    )


def _common_metrics(models: Sequence[Model]) -> list[str]:
    """Metrics of all runs. Deviances of losses with different powers of the variance are not comparable."""
    first = models[0]
    names = [metric_names(model.target, model.loss) for model in models]
    same_power = all(model.loss.variance_power == first.loss.variance_power for model in models)
    common = [name for name in names[0] if all(name in others for others in names)]
    metrics = METRICS[first.target.task]
    return [name for name in common if same_power or not metrics[name].needs_deviance]


def _said_once(contestants: Sequence[Contestant], of_each: Sequence[Sequence[str]]) -> list[str]:
    """Notes about the rows from each run: once if all runs have the same one, else with the runs that have it."""
    by_line: dict[str, list[str]] = {}
    for contestant, lines in zip(contestants, of_each, strict=True):
        for line in lines:
            by_line.setdefault(line, []).append(contestant.shown)
    return [
        line if len(shown) == len(contestants) else f"{enumerated(shown)}: {line}" for line, shown in by_line.items()
    ]


def _unequal_epochs(contestants: Sequence[Contestant]) -> list[str]:
    """Note if runs were trained for different numbers of epochs, which alone can make a difference."""
    counts = [contestant.run.epochs for contestant in contestants]
    if len(set(counts)) == 1:
        return []
    each = ", ".join(f"{contestant.shown} {count:,}" for contestant, count in zip(contestants, counts, strict=True))
    return [f"trained for different numbers of epochs: {each}"]


def _other_positives(contestants: Sequence[Contestant]) -> list[str]:
    """Notes on runs whose positive class is not that of the first, by which all are scored."""
    first = contestants[0]
    others = [one for one in contestants if one.model.classes != first.model.classes]
    return [
        f"{one.shown} was trained with the positive class {quoted(one.model.classes[1])}; its test scores here are of "
        f"{quoted(first.model.classes[1])}"
        for one in others
    ]


def _other_weights(contestants: Sequence[Contestant]) -> list[str]:
    """Note if a run was trained with other row weights than the first, whose weights count in the scores of all."""
    first, *others = [contestant.model.preprocessor.weight for contestant in contestants]
    if all(other == first for other in others):
        return []
    how = "unweighted" if first is None else f"weighted by {quoted(first)}"
    return [f"all scores are {how}, as in {contestants[0].shown}; the runs have different data.weight"]


def _compared(contestant: Contestant) -> ComparedRun:
    run = contestant.run
    records = RunDirectory(run.path).records.read()
    return ComparedRun(
        label=contestant.label,
        path=path_from_here(run.path),
        status=run.status,
        epochs=run.epochs,
        parameters=run.parameters,
        training_seconds=run.training_seconds,
        monitor=run.monitor,
        best=run.best or EpochScores(0),
        curve=[replace(record, values=record.numbers) for record in records],
    )
