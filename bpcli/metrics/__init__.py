"""Metrics: functions from arrays to plain numbers.

Values equal those of scikit-learn, except where those would mislead. An undefined value is None and is left out of
means: ROC AUC of a class with no rows or with all rows, average precision of a class without rows, R² and D² of a
constant target, MAPE of a target that contains zeros, deviances of values outside the distribution's domain. A class or
label that is neither true nor predicted in any row is left out of macro averages. A ratio with a zero denominator
(precision of a class never predicted) is 0.
"""

from bpcli.metrics.classification import classification_report
from bpcli.metrics.deviance import deviance_names
from bpcli.metrics.metric import Metric, Task
from bpcli.metrics.registry import METRICS, bounds_of, greater_is_better, measure, report

__all__ = [
    "METRICS",
    "Metric",
    "Task",
    "bounds_of",
    "classification_report",
    "deviance_names",
    "greater_is_better",
    "measure",
    "report",
]
