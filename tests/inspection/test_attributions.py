"""What a model's answers are put down to: closed forms of linear networks, and sums for every kind of column."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from commands import CONFIGS, DATASETS, PENGUINS, bpcli
from planted import trained

from bpcli.inspection.attributions import Attributions, attributions, sampled_attributions
from bpcli.models.evaluation import split_rows
from bpcli.models.model import Model

GENERATOR = np.random.default_rng(0)
A, B = GENERATOR.uniform(1, 5, 50), GENERATOR.normal(size=50)
C = np.array(["x", "x", "x", "y", "z"] * 10)


def explained(run: Path) -> tuple[Model, Attributions]:
    model = Model.load(run)
    return model, attributions(model, split_rows(model, None).table)


def assert_complete(found: Attributions) -> None:
    total = found.baseline + found.contributions.sum(axis=2)
    size = np.abs(found.contributions).sum(axis=2) + np.abs(found.baseline)
    np.testing.assert_allclose(total, found.explained, rtol=0, atol=1e-14 * size.max())
    assert found.remainder < 1e-8


def test_of_a_linear_model_a_column_adds_weight_times_distance_from_the_mean(tmp_path: Path) -> None:
    run = trained(
        tmp_path,
        "[]",
        "{layers.0.weight: [[2], [-3], [1], [4], [8]], layers.0.bias: [7]}",
        {"a": A, "b": B, "c": C, "y": 10 * A},
        ", target_encoder: standard",
    )
    model, found = explained(run)
    scale = np.std(10 * A)
    category = np.array([{"x": 1.0, "y": 4.0, "z": 8.0}[name] for name in C])
    expected = np.column_stack([2 * (A - A.mean()), -3 * (B - B.mean()), category - (0.6 * 1 + 0.2 * 4 + 0.2 * 8)])
    np.testing.assert_allclose(found.contributions[:, 0], scale * expected, rtol=1e-10, atol=1e-10)
    average = scale * (7 + 2 * A.mean() - 3 * B.mean() + 0.6 * 1 + 0.2 * 4 + 0.2 * 8) + 10 * A.mean()
    np.testing.assert_allclose(found.baseline[:, 0], average, rtol=1e-12)
    np.testing.assert_allclose(found.explained[:, 0], model.predict({"a": A, "b": B, "c": C}), rtol=1e-12)
    assert (found.meaning, found.columns, found.outputs) == ("the prediction", ("a", "b", "c"), ("",))
    np.testing.assert_allclose(found.importance, scale * np.abs(expected).mean(axis=0), rtol=1e-9)
    assert_complete(found)


def test_two_classes_are_explained_by_the_log_odds_of_the_one_predicted(tmp_path: Path) -> None:
    names = np.where(A > 3, "high", "low")
    run = trained(tmp_path, "[]", "{layers.0.weight: [[2], [1]], layers.0.bias: [-6]}", {"a": A, "b": B, "y": names})
    model, found = explained(run)
    sign = np.where(2 * A + B - 6 > 0, 1.0, -1.0)
    assert set(sign) == {1.0, -1.0}
    expected = sign[:, None] * np.column_stack([2 * (A - A.mean()), B - B.mean()])
    np.testing.assert_allclose(found.contributions[:, 0], expected, rtol=1e-10, atol=1e-12)
    chances = model.predict_probabilities({"a": A, "b": B}).max(axis=1)
    np.testing.assert_allclose(found.explained[:, 0], np.log(chances / (1 - chances)), rtol=1e-9)
    assert found.meaning == "the log-odds of the predicted class"


def test_of_more_classes_it_is_the_mean_log_odds_against_each_other(penguins_run: Path) -> None:
    model, found = explained(penguins_run)
    outcome, _ = model.outcome(split_rows(model, None).table)
    assert outcome.probabilities is not None
    logs = np.log(outcome.probabilities.astype(float))
    own = logs[np.arange(len(logs)), outcome.predicted]
    np.testing.assert_allclose(found.explained[:, 0], own - (logs.sum(axis=1) - own) / 2, rtol=1e-4, atol=1e-5)
    assert_complete(found)


def test_the_same_of_all_logits_changes_nothing_and_two_logits_are_as_good_as_one(tmp_path: Path) -> None:
    names = np.where(A > 3, "high", "low")
    columns = {"a": A, "b": B, "y": names}
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    one = trained(tmp_path / "one", "[]", "{layers.0.weight: [[2], [1]], layers.0.bias: [-6]}", columns)
    config = (tmp_path / "one" / "c.yaml").read_text()
    config = config.replace("[[2], [1]], layers.0.bias: [-6]", "[[5, 7], [3, 4]], layers.0.bias: [1, -5]")
    (tmp_path / "two" / "c.yaml").write_text(config + "loss: cross_entropy\n")
    (tmp_path / "two" / "t.csv").write_text((tmp_path / "one" / "t.csv").read_text())
    bpcli("train", tmp_path / "two" / "c.yaml", "--run-dir", tmp_path / "two" / "run", "-q").ok()
    first, second = explained(one)[1], explained(tmp_path / "two" / "run")[1]
    np.testing.assert_allclose(second.contributions, first.contributions, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(second.explained, first.explained, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("loss", "meaning", "link"),
    [
        ("poisson", "the natural logarithm of the prediction", np.exp),
        ("{type: mse, link: sigmoid}", "the log-odds of the prediction", lambda z: 1 / (1 + np.exp(-z))),
    ],
)
def test_of_a_link_that_is_not_affine_what_stands_before_it_is_explained(
    tmp_path: Path, loss: str, meaning: str, link: Callable[[np.ndarray], np.ndarray]
) -> None:
    columns = {"a": A, "b": B, "y": (A / 5).round(2)}
    (tmp_path / "c.yaml").write_text(
        f"data: {{path: t.csv, target: y}}\nlayers: [{{units: 4, activation: tanh}}]\nloss: {loss}\n"
        "training: {epochs: 3}\ndtype: float64\n"
    )
    cells = zip(*columns.values(), strict=True)
    (tmp_path / "t.csv").write_text("\n".join(["a,b,y", *(",".join(map(str, row)) for row in cells), ""]))
    bpcli("train", tmp_path / "c.yaml", "--run-dir", tmp_path / "run", "-q").ok()
    model, found = explained(tmp_path / "run")
    outcome, _ = model.outcome(split_rows(model, None).table)
    assert found.meaning == meaning
    np.testing.assert_allclose(link(found.explained), outcome.predicted, rtol=1e-10)
    assert_complete(found)


def test_several_targets_and_labels_are_explained_one_by_one(tmp_path: Path) -> None:
    config = tmp_path / "c.yaml"
    config.write_text(f"data: {{path: {PENGUINS}, target: [bill_length_mm, body_mass_g]}}\ntraining: {{epochs: 3}}\n")
    bpcli("train", config, "-q", "--run-dir", tmp_path / "run").ok()
    model, found = explained(tmp_path / "run")
    outcome, _ = model.outcome(split_rows(model, None).table)
    assert found.outputs == ("bill_length_mm", "body_mass_g")
    np.testing.assert_allclose(found.explained, outcome.predicted, rtol=1e-5)
    assert_complete(found)

    lines = "".join(f"{x},{int(x > 10)},{int(x % 20 > 9)}\n" for x in range(80))
    (tmp_path / "data.csv").write_text("x,big,late\n" + lines)
    config.write_text("data: {path: data.csv, target: [big, late]}\ntraining: {epochs: 30}\n")
    bpcli("train", config, "-q", "--run-dir", tmp_path / "labels").ok()
    model, found = explained(tmp_path / "labels")
    outcome, _ = model.outcome(split_rows(model, None).table)
    assert outcome.probabilities is not None
    assert found.meaning == "the log-odds of each label"
    np.testing.assert_allclose(1 / (1 + np.exp(-found.explained)), outcome.probabilities, rtol=1e-4, atol=1e-6)
    assert_complete(found)


CREDIT = DATASETS / "credit_data.csv"
"""Numbers, names and yes or no, some of each missing."""

ENCODERS = ["standard", "min_max", "robust", "smooth_clip", "piecewise_linear", "quantile", "none"]
SAMPLED = [("one_hot", "piecewise_linear"), ("ordinal", "quantile")]
LAYERS = {
    "relu, batch_norm": "[{units: 12}, batch_norm, {units: 6}]",
    "tanh, layer_norm": "[{units: 8, activation: tanh}, layer_norm, {units: 6, activation: gelu}]",
    "selu, dropout": "[{units: 8, activation: selu}, {type: dropout, rate: 0.2}, {units: 6, activation: sigmoid}]",
}


@pytest.mark.parametrize(
    ("categorical", "encoder"),
    [
        pytest.param(*pair, marks=() if pair in SAMPLED else pytest.mark.exhaustive)
        for pair in product(("one_hot", "ordinal"), ENCODERS)
    ],
)
def test_contributions_add_up_for_every_encoder_and_norm(
    tmp_path: Path, categorical: str, encoder: str, record_property: Callable[[str, object], None]
) -> None:
    cases = 0
    for name, layers in LAYERS.items():
        (tmp_path / "c.yaml").write_text(
            f"data: {{path: {CREDIT}, target: Status, encoders: {{numeric: {encoder}, categorical: {categorical}}}}}\n"
            f"layers: {layers}\ntraining: {{epochs: 1}}\n"
        )
        bpcli("train", tmp_path / "c.yaml", "--run-dir", tmp_path / name, "-q").ok()
        model = Model.load(tmp_path / name)
        table = split_rows(model, None).table
        found = attributions(model, table.take(np.arange(0, table.rows, 9)))
        assert_complete(found)
        outcome, _ = model.outcome(table.take(np.arange(0, table.rows, 9)))
        assert outcome.probabilities is not None
        chance = 1 / (1 + np.exp(-found.explained[:, 0]))
        np.testing.assert_allclose(chance, outcome.probabilities.max(axis=1), rtol=1e-5)
        assert np.all(found.importance > 0)
        cases += len(chance)
    record_property("cases", cases)
    assert cases >= 200


def test_the_average_row_is_that_of_the_training_rows(tmp_path: Path) -> None:
    """Numbers at their mean whatever stands for a missing one, categories by their share, nothing missing."""
    (tmp_path / "t.csv").write_text("n,m,c,f,y\n1,5,u,true,1.5\n2,,u,true,2.5\n6,9,v,false,1\n3,10,,,0\n")
    (tmp_path / "c.yaml").write_text(
        "data: {path: t.csv, target: y, split: {validation: 0, test: 0}, encoders: {numeric: none}, "
        "columns: {m: {type: numeric, impute: -100}}}\ntraining: {epochs: 1}\n"
    )
    bpcli("train", tmp_path / "c.yaml", "--run-dir", tmp_path / "run", "-q").ok()
    model = Model.load(tmp_path / "run")
    average = dict(zip(model.preprocessor.features, model.preprocessor.average(model.dtype).tolist(), strict=True))
    assert average == pytest.approx(
        {
            "n": 3, "m": 8, "m is missing": 0, "c=u": 2 / 3, "c=v": 1 / 3, "c is missing": 0, "f": 2 / 3,
            "f is missing": 0,
        }
    )  # fmt: skip


def test_a_checkpoint_of_before_has_an_average_row_too() -> None:
    """Version 0.1.0 kept what missing values become, and no counts of categories: then each has the same share."""
    model = Model.load(Path(__file__).parent.parent / "golden" / "checkpoint.safetensors")
    average = dict(zip(model.preprocessor.features, model.preprocessor.average(model.dtype).tolist(), strict=True))
    assert (average["sex=female"], average["sex=male"], average["sex is missing"]) == (0.5, 0.5, 0.0)
    inputs = {column.name: column for column in model.preprocessor.inputs}
    assert average["bill_length_mm"] == pytest.approx(inputs["bill_length_mm"].average[0])


def test_a_sample_stands_for_all_where_there_are_many(penguins_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Model.load(penguins_run)
    table = split_rows(model, None).table
    assert len(sampled_attributions(model, table).explained) == table.rows
    monkeypatch.setattr("bpcli.inspection.attributions.MOST_ROWS", 40)
    some = sampled_attributions(model, table)
    chosen = np.linspace(0, table.rows - 1, 40).astype(int)
    np.testing.assert_allclose(some.explained, attributions(model, table).explained[chosen], rtol=1e-12)


@pytest.mark.parametrize(
    "name", ["auto_mpg", "digits", "textbook", "xor", pytest.param("fashion", marks=pytest.mark.exhaustive)]
)
def test_contributions_add_up_for_every_other_shipped_experiment(name: str, tmp_path: Path) -> None:
    config = CONFIGS / f"{name}.yaml"
    bpcli("train", config, "--run-dir", tmp_path / "run", "-q", "--set", "training.epochs=2").ok()
    model = Model.load(tmp_path / "run")
    table = split_rows(model, None).table
    found = attributions(model, table.take(np.arange(0, table.rows, max(1, table.rows // 20))))
    assert_complete(found)
    assert found.contributions.shape[2] == len(model.preprocessor.parts)
