"""How good predictions are: arrays in, plain numbers out.

Every figure is the one that scikit-learn gives, except where that would mislead. A figure that the rows do not
define is None and stays out of means: ROC AUC of a class without rows or with all of them, average precision of one
without rows, R² of a constant target, MAPE of a target with zeros. A class or label that is neither true nor
predicted anywhere stays out of macro means. A share of nothing (precision of a class never predicted) is 0.
"""

from bpcli.metrics.classification import classification_report
from bpcli.metrics.metric import Metric, Task
from bpcli.metrics.multilabel import multilabel_report
from bpcli.metrics.registry import METRICS, report
from bpcli.metrics.regression import regression_report

__all__ = [
    "METRICS",
    "Metric",
    "Task",
    "classification_report",
    "multilabel_report",
    "regression_report",
    "report",
]
