"""Blend of forecasts with smoothing and a naive one, within the parameters of the members."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from commands import bpcli
from forecasts import config, days, run_of, waves

from bpcli.data.origins import Origins
from bpcli.data.windows.linear import LinearForecasts, Naive
from bpcli.models.evaluation import split_rows
from bpcli.models.model import Model
from bpcli.training.blend import NAIVE, SMOOTHING, FittedBlend
from bpcli.training.ridge import features_of
from bpcli.training.smoothing import fit_smoothing


def origins(rows: int, horizon: int) -> Origins:
    """Origins that change nothing."""
    zero, one = np.zeros((rows, 1)), np.ones((rows, 1))
    return Origins(zero, one, zero, np.zeros((rows, horizon)), one)


def forecasts(rows: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Three forecasts that differ by noise of their own."""
    model, smoothing, naive = np.random.default_rng(0).normal(size=(3, rows, 3))
    return model, smoothing, naive


@pytest.mark.parametrize("shares", [(1.0, 0.0), (0.7, 0.0), (0.4, 0.5), (0.0, 0.0)])
def test_many_windows_find_the_shares_with_the_smallest_error(shares: tuple[float, float]) -> None:
    model, smoothing, naive = forecasts(20_000)
    true = shares[0] * model + shares[1] * smoothing + (1 - sum(shares)) * naive
    found = FittedBlend.fit(model, smoothing, {"naive": naive}, true, origins(20_000, 3), trained=1_000)
    blend = found.model * model + found.smoothing * smoothing + (1 - found.model - found.smoothing) * naive
    assert found.model == pytest.approx(shares[0], abs=0.12)
    assert np.abs(blend - true).mean() < 0.2


def test_few_windows_change_little_and_training_windows_nothing() -> None:
    model, smoothing, naive = forecasts(2)
    usual = FittedBlend.fit(model, smoothing, {"naive": naive}, model, origins(2, 3), trained=1_000, validated=False)
    assert (usual.model, usual.smoothing) == pytest.approx(
        ((1 - NAIVE) * (1 - SMOOTHING), (1 - NAIVE) * SMOOTHING), rel=1e-6
    )
    found = FittedBlend.fit(model, smoothing, {"naive": naive}, model, origins(2, 3), trained=1_000)
    assert usual.model < found.model < usual.model + 0.1


def test_smoothing_counts_more_after_few_training_windows() -> None:
    model, smoothing, naive = forecasts()
    shares = [
        FittedBlend.fit(model, smoothing, {"naive": naive}, naive, origins(400, 3), trained, validated=False).smoothing
        for trained in (1, 20, 100)
    ]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > shares[-1] + 0.3


def test_the_better_naive_forecast_is_taken() -> None:
    model = np.ones((900, 2))
    better, worse = np.full((900, 2), 0.1), np.full((900, 2), 5.0)
    naive: dict[Naive, np.ndarray] = {"naive": worse, "seasonal naive": better}
    found = FittedBlend.fit(model, None, naive, np.zeros((900, 2)), origins(900, 2), trained=100)
    assert found.naive == "seasonal naive"
    assert found.smoothing == 0
    assert found.model < 0.05


def test_the_line_names_the_parts_that_count() -> None:
    line = FittedBlend(naive="seasonal naive", model=0.55, smoothing=0.35).line
    assert "55% the model's + 35% that of exponential smoothing + 10% the seasonal naive one" in line
    assert "smoothing" not in FittedBlend(naive="naive", model=0.9, smoothing=0.0).line
    assert not FittedBlend(naive="naive", model=1.0, smoothing=0.0).line


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
        weights = LinearForecasts(windows, model.preprocessor.features).all_naive()[name]
        np.testing.assert_allclose(
            beside.restored(x @ weights), np.broadcast_to(wanted, beside.seasonal.shape), rtol=1e-4
        )


def test_seasons_beyond_the_window_follow_from_nothing(tmp_path: Path) -> None:
    run = run_of(tmp_path, {"day": days(60), "y": waves(60)}, config(forecast={"season": 7, "window": 4}))
    model = Model.load(run)
    assert model.header.windows is not None
    assert set(LinearForecasts(model.header.windows, model.preprocessor.features).all_naive()) == {"naive"}


def test_the_mean_of_the_members_is_the_blend(tmp_path: Path) -> None:
    """Of trained networks without a blend, a linear member, smoothing and the naive forecast, in the shares told."""
    answers = {}
    for blend in ("none", "auto"):
        (folder := tmp_path / blend).mkdir()
        forecast = {"season": 2, "window": 5, "blend": blend}
        ensemble = {"ensemble": {"members": 2, "linear": True}, "skip": "linear"}
        run = run_of(folder, {"day": days(60), "y": waves(60)}, config(forecast=forecast) | ensemble)
        model = Model.load(run)
        rows = split_rows(model, "test")
        answers[blend] = model.answers(rows.table)[0]
    found, windows = model.header.blend, model.header.windows
    assert found is not None
    assert windows is not None
    dataset, train = (
        model.preprocessor.apply(split_rows(model, part).table, model.dtype)[0] for part in ("test", "train")
    )
    assert dataset.origins is not None
    naive = dataset.origins.last if found.naive == "naive" else dataset.origins.seasonal
    linear = LinearForecasts(windows, model.preprocessor.features)
    values = linear.values(features_of(train))
    fitted = fit_smoothing(values, linear.ahead(values, train.truth), windows.season)
    smoothing = dataset.origins.restored(features_of(dataset) @ linear.of_features(fitted))
    rest = 1 - found.model - found.smoothing
    wanted = found.model * answers["none"].predicted + found.smoothing * smoothing + rest * naive
    np.testing.assert_allclose(answers["auto"].predicted, wanted, rtol=1e-4)
    assert answers["auto"].report.scores["ridge_mae"] == pytest.approx(answers["none"].report.scores["ridge_mae"])
    assert f"a forecast is {found.model:.0%} the model's" in bpcli("forecast", run).ok().err
