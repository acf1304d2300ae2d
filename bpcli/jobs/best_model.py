"""The model of the best epoch within a training run: its decision, and its scores on the test rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bpcli.decision.fitted import FittedDecision
from bpcli.decision.spec import DecisionSpec
from bpcli.documents.decision import DecisionReport
from bpcli.documents.scores import ScoreReport, Scores
from bpcli.experiment.prepare import Prepared
from bpcli.nn.inference import Inference
from bpcli.training import TrainingState
from bpcli.training.deciding import effect_of_calibration, fit_decision, report_of
from bpcli.training.scoring import answers


@dataclass(frozen=True)
class BestModel:
    """Best parameters of a training state, with the decision fitted to them; None for the default."""

    prepared: Prepared
    inference: Inference
    decision: FittedDecision | None

    @classmethod
    def of(cls, prepared: Prepared, state: TrainingState) -> BestModel:
        """Best model of a state, as `Model` loads it."""
        exact = np.dtype(np.float64)
        inference = Inference(prepared.network, state.best_params, state.best_layer_state, exact)
        decision, spec = None, prepared.config.decision
        if spec != DecisionSpec():
            target, validation = prepared.preprocessor.target, prepared.datasets.get("validation")
            decision = fit_decision(spec, target, prepared.plan.loss, inference, validation)
        return cls(prepared, inference, decision)

    def test_report(self) -> ScoreReport | None:
        """Scores on the test rows; None without test rows."""
        dataset = self.prepared.datasets.get("test")
        if dataset is None:
            return None
        target, loss = self.prepared.preprocessor.target, self.prepared.plan.loss
        return answers(target, loss, self.inference.logits(dataset.x), dataset, self.decision).report

    def decision_report(self) -> DecisionReport | None:
        """Report of the decision, with its effect on validation and test rows; None for the default."""
        if self.decision is None:
            return None
        target, loss = self.prepared.preprocessor.target, self.prepared.plan.loss
        scores: dict[str, Mapping[str, Scores]] = {
            part: effect_of_calibration(target, loss, self.inference, dataset, self.decision)
            for part, dataset in self.prepared.datasets.items()
            if part != "train" and self.decision.calibration is not None
        }
        return report_of(self.decision, self.prepared.config.decision, target, scores)
