"""The model of the best epoch within a training run: its decision, and its scores on the test rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.data.batches import Dataset
from bpcli.decision.spec import DecisionSpec
from bpcli.documents.scores import ScoreReport, Scores
from bpcli.experiment.finishing import Finished, finished
from bpcli.experiment.prepared import Prepared
from bpcli.nn.ensemble import EnsembleInference, inference_of
from bpcli.nn.inference import Inference
from bpcli.training.scoring import answers, outcome_of
from bpcli.training.state import TrainingState

if TYPE_CHECKING:
    from bpcli.decision.fitted import FittedDecision
    from bpcli.decision.intervals import FittedIntervals
    from bpcli.documents.decision import DecisionReport


@dataclass(frozen=True)
class BestModel:
    """Best parameters of a training state, with the decision fitted to them; None for the default."""

    prepared: Prepared
    vectors: Finished
    inference: Inference
    decision: FittedDecision | None
    intervals: FittedIntervals | None = None
    """Prediction intervals of forecasts."""

    @classmethod
    def of(cls, prepared: Prepared, state: TrainingState) -> BestModel:
        """Best model of a state, as `Model` loads it."""
        found, spec = cls.deciding_as(prepared, state, None), prepared.config.decision
        found = replace(found, intervals=found._intervals())
        if spec == DecisionSpec():
            return found
        from bpcli.training.deciding import fit_decision

        target, validation, loss = prepared.preprocessor.target, prepared.plan.validation, prepared.plan.loss
        return replace(found, decision=fit_decision(spec, target, loss, found.logits, validation))

    @classmethod
    def deciding_as(
        cls,
        prepared: Prepared,
        state: TrainingState,
        decision: FittedDecision | None,
        intervals: FittedIntervals | None = None,
    ) -> BestModel:
        """Best model of a state with a decision and intervals that are already fitted."""
        exact, loss = np.dtype(np.float64), prepared.plan.loss
        vectors = finished(prepared, state.best_params, state.best_layer_state)
        inference = inference_of(prepared.network, vectors.params, vectors.layer_state, loss, exact)
        return cls(prepared, vectors, inference, decision, intervals)

    def logits(self, dataset: Dataset) -> Array:
        """Logits (rows, outputs) of a dataset; of folds, each row by the member that does not train on it."""
        folds, inference = self.prepared.plan.folds, self.inference
        if folds is not None and dataset is self.prepared.plan.validation and isinstance(inference, EnsembleInference):
            return inference.out_of_fold(dataset.x, folds.held_out_by_member)
        return inference.logits(dataset.x)

    def out_of_fold_csv(self) -> str | None:
        """Table of the predictions out of fold; None without folds."""
        plan = self.prepared.plan
        if plan.folds is None or plan.validation is None or self.prepared.train_rows is None:
            return None
        from bpcli.models.out_of_fold import out_of_fold_csv

        target, validation = self.prepared.preprocessor.target, plan.validation
        numbers = self.prepared.train_rows[plan.folds.evaluated] + 1
        logits = self.logits(validation)
        return out_of_fold_csv(target, plan.loss, logits, self.decision, validation, plan.folds, numbers)

    def test_report(self) -> ScoreReport | None:
        """Scores on the test rows; None without test rows."""
        dataset = self.prepared.datasets.get("test")
        if dataset is None:
            return None
        return self.report(dataset)

    def report(self, dataset: Dataset) -> ScoreReport:
        """Scores on a dataset."""
        target, loss = self.prepared.preprocessor.target, self.prepared.plan.loss
        ensemble, ridge = self.prepared.config.ensemble, None
        if ensemble is not None or self.prepared.ridge is not None:
            from bpcli.training.ridge import ridge_logits

            ridge = ridge_logits(ensemble, self.inference, self.prepared.ridge, dataset)
        logits, intervals = self.logits(dataset), self.intervals
        return answers(target, loss, logits, dataset, self.decision, ridge, intervals).report

    def _intervals(self) -> FittedIntervals | None:
        """Intervals fitted to the validation windows; None for other rows than windows, and without such."""
        forecast, validation = self.prepared.config.forecast, self.prepared.plan.validation
        if forecast is None or validation is None or validation.truth is None:
            return None
        from bpcli.decision.intervals import FittedIntervals

        target, loss = self.prepared.preprocessor.target, self.prepared.plan.loss
        predicted = outcome_of(target, loss, self.logits(validation)).predicted
        return FittedIntervals.fit(np.abs(validation.truth - predicted), forecast.intervals)

    def decision_report(self, validated: BestModel | None = None) -> DecisionReport | None:
        """Report of the decision, with its effect on validation and test rows; None for the default.

        validated: the model whose validation rows the decision was fitted on, if it is another one.
        """
        if self.decision is None:
            return None
        from bpcli.training.deciding import report_of

        of_validation = validated or self
        judged = {
            "validation": (of_validation, of_validation.prepared.plan.validation),
            "test": (self, self.prepared.datasets.get("test")),
        }
        scores: dict[str, Mapping[str, Scores]] = {
            part: model._effect(dataset, self.decision)
            for part, (model, dataset) in judged.items()
            if dataset is not None and self.decision.calibration is not None
        }
        target = self.prepared.preprocessor.target
        return report_of(self.decision, self.prepared.config.decision, target, scores)

    def _effect(self, dataset: Dataset, decision: FittedDecision) -> Mapping[str, Scores]:
        from bpcli.training.deciding import effect_of_calibration

        target, loss = self.prepared.preprocessor.target, self.prepared.plan.loss
        return effect_of_calibration(target, loss, self.logits(dataset), dataset, decision)
