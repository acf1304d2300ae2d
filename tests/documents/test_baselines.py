"""What is said of a network beside a constant and a linear model."""

from __future__ import annotations

import json

import pytest

from bpcli.documents.baselines import Baselines


def of(constant: float | None, linear: float | None, network: float | None, fitted: int = 300) -> Baselines:
    scores = {"constant": {"loss": constant}, "linear": {"loss": linear}, "network": {"loss": network}}
    return Baselines(scores, 100, fitted, 300)


@pytest.mark.parametrize(
    ("constant", "linear", "network", "share", "verdict"),
    [
        (1.0, 0.6, 0.2, 0.5, "50% of the gain over the constant is the network's"),
        (1.0, 1.5, 0.2, 1.0, "100% of the gain over the constant is the network's"),
        (1.0, 0.2, 0.4, 0.0, "a linear model is as good as the network, or better"),
        (1.0, 0.5, 1.1, None, "the network is no better than a constant"),
        (-2.0, -3.0, -4.0, 0.5, "50% of the gain over the constant is the network's"),
        (None, 0.5, 0.1, None, "undefined for some of these models"),
    ],
)
def test_the_share_is_what_a_linear_model_lacks(
    constant: float | None, linear: float | None, network: float | None, share: float | None, verdict: str
) -> None:
    found = of(constant, linear, network)
    assert found.share == (None if share is None else pytest.approx(share))
    assert found.verdict == verdict


def test_the_line_has_losses_a_metric_and_the_sample() -> None:
    scores = {
        "constant": {"loss": 1.0, "rmse": 4.0, "mae": 3.0},
        "linear": {"loss": 0.5, "rmse": 2.8, "mae": 2.0},
        "network": {"loss": 0.25, "rmse": 2.0, "mae": 1.5},
    }
    assert Baselines(scores, 100, 150, 3000).line == (
        "baselines, validation loss (rmse): constant 1.0000 (4.0000), linear 0.5000 (2.8000), network 0.2500 (2.0000); "
        "33% of the gain over the constant is the network's; linear model fitted to 150 of 3,000 training rows"
    )
    assert of(1.0, 0.5, 0.25).line == (
        "baselines, validation loss: constant 1.0000, linear 0.5000, network 0.2500; "
        "33% of the gain over the constant is the network's"
    )
    assert Baselines(scores, 300, 300, 300, out_of_fold=True).line.startswith("baselines, loss out of fold (rmse): con")
    assert Baselines(scores, 300, 300, 300, out_of_fold=True).scored.startswith(
        "all three on 300 training rows, out of"
    )
    assert Baselines(scores, 100, 150, 3000).table.rows[1] == ["linear", "0.5000", "2.8000", "2.0000"]


def test_the_document_is_read_back_and_anything_else_is_ignored() -> None:
    written = of(1.0, None, 0.2).to_json()
    assert written["network_share"] is None
    assert Baselines.from_json(json.loads(json.dumps(written))) == of(1.0, None, 0.2)
    folds = Baselines.from_json({**written, "out_of_fold": True})
    assert folds is not None
    assert folds.out_of_fold
    for broken in (None, [], {}, {**written, "linear": 3}, {**written, "rows": "many"}):
        assert Baselines.from_json(broken) is None
