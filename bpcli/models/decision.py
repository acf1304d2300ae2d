"""Report of a model's decision: its thresholds and its calibration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bpcli.data.table import Table
from bpcli.decision.fitted import FittedDecision
from bpcli.models.model import Model

if TYPE_CHECKING:
    from bpcli.documents.decision import DecisionReport


def decision_report(model: Model, table: Table) -> DecisionReport | None:
    """Thresholds and calibration, with its effect on a table without missing targets; None if there is neither."""
    if model.decision == FittedDecision():
        return None
    from bpcli.training.deciding import effect_of_calibration, report_of

    scores = {}
    if model.decision.calibration is not None:
        dataset, _ = model.preprocessor.apply(table, model.dtype)
        with np.errstate(all="ignore"):
            logits = model.logits(dataset.x)
            scores["evaluated"] = effect_of_calibration(model.target, model.loss, logits, dataset, model.decision)
    return report_of(model.decision, model.header.config.decision, model.target, scores)
