"""Calibration and thresholds fitted to validation rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.data.batches import Dataset
from bpcli.data.targets import TargetBase
from bpcli.decision.fitted import FittedDecision
from bpcli.decision.spec import DecisionSpec
from bpcli.documents.decision import AFTER, BEFORE, DecisionReport, ThresholdReport
from bpcli.documents.scores import Scores
from bpcli.metrics.reliability import calibration_scores
from bpcli.nn.losses import LossBase
from bpcli.training.scoring import outcome_of, true_outcomes


def fit_decision(
    spec: DecisionSpec,
    target: TargetBase,
    loss: LossBase,
    logits_of: Callable[[Dataset], Array],
    validation: Dataset | None,
) -> FittedDecision | None:
    """Fit calibration, then thresholds on calibrated probabilities. None if the config asks for neither.

    logits_of: logits (rows, outputs) of a dataset. validation: rows of the fit, which a threshold given as a number
    does without. Rows count with their weights.
    """
    names = target.decided_names
    fitted = FittedDecision()
    if spec.needs_rows:
        assert validation is not None, "an experiment that needs validation rows has some"
        weight = _known_weight(target, validation)
        logits = logits_of(validation)
        rows = validation.rows if weight is None else int(np.count_nonzero(weight))
        calibration = None if spec.calibration is None else spec.calibration.fit(loss, logits, validation.y, weight)
        fitted = FittedDecision(calibration=calibration, rows=rows)
        if spec.aim is not None:
            # The positive class is the last of two.
            probabilities = _probabilities(target, loss, logits, fitted)[:, -len(names) :]
            truth = target.truth(validation.y).reshape(validation.rows, -1) == 1
            counts = positive_rows(target, validation)
            chosen = [
                spec.aim.choose(probabilities[:, one], truth[:, one], weight).model_copy(update={"positives": count})
                for one, count in enumerate(counts.values())
            ]
            fitted = fitted.model_copy(update={"thresholds": tuple(chosen)})
    if spec.number is not None:
        fitted = fitted.with_threshold(spec.number, len(names))
    return fitted if fitted != FittedDecision() else None


def positive_rows(target: TargetBase, validation: Dataset) -> dict[str, int]:
    """Number of rows of the positive class, or of each label, that have a weight."""
    weight = _known_weight(target, validation)
    truth = target.truth(validation.y).reshape(validation.rows, -1) == 1
    counted = truth if weight is None else truth & (weight > 0)[:, None]
    return dict(zip(target.decided_names, np.count_nonzero(counted, axis=0).tolist(), strict=True))


def _probabilities(target: TargetBase, loss: LossBase, logits: Array, decision: FittedDecision) -> Array:
    probabilities = outcome_of(target, loss, logits, decision).probabilities
    assert probabilities is not None, "a loss that decides by probabilities gives them"
    return probabilities


def _known_weight(target: TargetBase, dataset: Dataset) -> Array | None:
    """Row weights (rows,), 0 for rows of classes without training rows; None for ones."""
    if not dataset.unseen:
        return dataset.row_weight
    known = true_outcomes(target, dataset) < len(target.class_names)
    return known.astype(np.float64) if dataset.row_weight is None else np.where(known, dataset.row_weight, 0.0)


def report_of(
    decision: FittedDecision, spec: DecisionSpec, target: TargetBase, scores: Mapping[str, Mapping[str, Scores]]
) -> DecisionReport | None:
    """Report of a decision, fitted as the config says; None if it is the default.

    scores: by name of the rows, as of `effect_of_calibration`.
    """
    if decision == FittedDecision():
        return None
    thresholds = {
        name: ThresholdReport(one.value, one.score, one.met, one.positives)
        for name, one in zip(target.decided_names, decision.thresholds, strict=False)
    }
    chosen = any(one.score is not None or not one.met for one in decision.thresholds)
    calibration = None if decision.calibration is None else str(decision.calibration)
    return DecisionReport(
        thresholds, str(spec.aim) if spec.aim is not None and chosen else None, calibration, decision.rows, scores
    )


def effect_of_calibration(
    target: TargetBase, loss: LossBase, logits: Array, dataset: Dataset, decision: FittedDecision
) -> dict[str, Scores]:
    """Scores of a dataset's probabilities before and after calibration, with the weights of its rows.

    logits: (rows, outputs) of the dataset.
    """
    found = {}
    true = true_outcomes(target, dataset)
    known = true < len(target.class_names) if dataset.unseen else np.ones(len(true), np.bool_)
    weight = None if dataset.row_weight is None else dataset.row_weight[known]
    for name, applied in ((BEFORE, FittedDecision()), (AFTER, decision)):
        probabilities = _probabilities(target, loss, logits, applied)
        found[name] = calibration_scores(probabilities[known], true[known], weight)
    return found
