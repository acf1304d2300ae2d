from pathlib import Path

import pytest

from bpcli.storage.run_listing import ListedRun, notes_of_positive


def listed(name: str, positive: str | None) -> ListedRun:
    return ListedRun(Path(name), "finished", positive=positive)


@pytest.mark.parametrize("metric", ["test_f1", "test_roc_auc", "validation_recall"])
def test_the_positive_class_is_named_where_a_metric_refers_to_it(metric: str) -> None:
    line = "precision, recall, F1 and curves refer to the positive class"
    assert notes_of_positive([listed("a", "yes"), listed("b", "yes")], {metric, "run"}) == [f"{line}, 'yes'"]
    assert notes_of_positive([listed("a", "yes"), listed("b", "1"), listed("c", None)], {metric}) == [
        f"'a': {line}, 'yes'",
        f"'b': {line}, '1'",
    ]


@pytest.mark.parametrize("metric", ["test_accuracy", "test_f1_macro", "validation_loss", "best", ""])
def test_no_class_is_named_for_other_metrics(metric: str) -> None:
    assert notes_of_positive([listed("a", "yes")], {metric}) == []
