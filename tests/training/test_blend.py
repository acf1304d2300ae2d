"""Blend of forecasts with a naive one, within the parameters of the members."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from commands import bpcli
from forecasts import config, days, run_of, waves

from bpcli.data.origins import Origins
from bpcli.models.evaluation import split_rows
from bpcli.models.model import Model
from bpcli.training.blend import FittedBlend, naive_weights


def origins(rows: int, horizon: int) -> Origins:
    """Origins that change nothing."""
    zero, one = np.zeros((rows, 1)), np.ones((rows, 1))
    return Origins(zero, one, zero, np.zeros((rows, horizon)), one)


@pytest.mark.parametrize("share", [1.0, 0.7, 0.0])
def test_the_share_with_the_smallest_error_is_found(share: float) -> None:
    generator = np.random.default_rng(0)
    scaled, naive = generator.normal(size=(2, 50, 3))
    found = FittedBlend.fit(scaled, share * scaled + (1 - share) * naive, origins(50, 3), {"naive": naive})
    assert found == FittedBlend(naive="naive", share=share)


def test_the_better_naive_forecast_is_taken_and_a_blend_needs_one() -> None:
    scaled = np.ones((9, 2))
    better, worse = np.full((9, 2), 0.1), np.full((9, 2), 5.0)
    found = FittedBlend.fit(scaled, np.zeros((9, 2)), origins(9, 2), {"naive": worse, "seasonal naive": better})
    assert found == FittedBlend(naive="seasonal naive", share=0.0)
    assert FittedBlend.fit(scaled, scaled, origins(9, 2), {}) is None


@pytest.mark.parametrize("normalize", ["last_scale", "last", "mean_std", "seasonal"])
def test_naive_forecasts_follow_from_the_features_of_a_window(tmp_path: Path, normalize: str) -> None:
    forecast = {"season": 2, "window": 5, "normalize": normalize}
    run = run_of(tmp_path, {"day": days(60), "y": waves(60)}, config(forecast=forecast))
    model = Model.load(run)
    rows = split_rows(model, "test")
    dataset, _ = model.preprocessor.apply(rows.table, model.dtype)
    windows, beside = model.header.windows, dataset.origins
    assert windows is not None
    assert beside is not None
    x = model.inference.features(dataset.x).reshape(dataset.rows, -1)
    for name, wanted in (("naive", beside.last), ("seasonal naive", beside.seasonal)):
        weights = naive_weights(windows, model.preprocessor.features, name)
        assert weights is not None
        np.testing.assert_allclose(
            beside.restored(x @ weights), np.broadcast_to(wanted, beside.seasonal.shape), rtol=1e-4
        )


def test_seasons_beyond_the_window_follow_from_nothing(tmp_path: Path) -> None:
    run = run_of(tmp_path, {"day": days(60), "y": waves(60)}, config(forecast={"season": 7, "window": 4}))
    model = Model.load(run)
    assert model.header.windows is not None
    assert naive_weights(model.header.windows, model.preprocessor.features, "seasonal naive") is None
    assert naive_weights(model.header.windows, model.preprocessor.features, "naive") is not None


def test_the_mean_of_the_members_is_the_blend(tmp_path: Path) -> None:
    """Of trained networks without a blend, a linear member and the naive forecast, in the shares that are told."""
    answers = {}
    for blend in ("none", "auto"):
        (folder := tmp_path / blend).mkdir()
        forecast = {"season": 2, "window": 5, "blend": blend}
        ensemble = {"ensemble": {"members": 2, "linear": True}, "skip": "linear"}
        run = run_of(folder, {"day": days(60), "y": waves(60)}, config(forecast=forecast) | ensemble)
        model = Model.load(run)
        rows = split_rows(model, "test")
        answers[blend] = model.answers(rows.table)[0]
    found = model.header.blend
    assert found is not None
    dataset, _ = model.preprocessor.apply(rows.table, model.dtype)
    assert dataset.origins is not None
    naive = dataset.origins.last if found.naive == "naive" else dataset.origins.seasonal
    wanted = found.share * answers["none"].predicted + (1 - found.share) * naive
    np.testing.assert_allclose(answers["auto"].predicted, wanted, rtol=1e-4)
    assert answers["auto"].report.scores["ridge_mae"] == pytest.approx(answers["none"].report.scores["ridge_mae"])
    if found.share < 1:
        assert f"a forecast is {found.share:.0%} of the model's" in bpcli("forecast", run).ok().err
