"""Figures of series in `bpcli check`."""

from __future__ import annotations

from commands import CONFIGS, bpcli


def test_check_says_how_the_series_are_divided_and_cut_into_windows() -> None:
    lines = bpcli("check", str(CONFIGS / "co2.yaml")).ok().out.splitlines()
    assert lines[1] == "series  weekly, window 104, horizon 13, season 52; validation from 19860913, test from 19930403"
    assert lines[2] == "target  co2+1, co2+2, … co2+13, regression"


def test_several_series_are_counted_and_a_split_without_rows_is_not_named() -> None:
    shown = bpcli("check", str(CONFIGS / "stations.yaml"), "--set", "data.split.test=0", "--json").ok().json["series"]
    assert (shown["series"], shown["frequency"], shown["season"]) == (4, "daily", 1)
    assert (shown["first_validation"], shown["first_test"]) == ("2015-07-20", None)


def test_other_experiments_have_no_such_figures() -> None:
    assert "series" not in bpcli("check", str(CONFIGS / "xor.yaml"), "--json").ok().json


def test_what_does_not_go_with_the_recipe_of_series_is_said_without_an_empty_place() -> None:
    result = bpcli("check", str(CONFIGS / "co2.yaml"), "--set", "skip=none")
    assert result.code == 2
    assert "recipe: ensemble.linear requires skip: linear, a way past the hidden layers; with series@1" in result.err
