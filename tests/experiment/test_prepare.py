from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from experiments import features, prepared, write_csv

from bpcli.arrays.memory import Array
from bpcli.arrays.rows import Rows
from bpcli.data.examples.selection import select_examples
from bpcli.data.files.source import open_source
from bpcli.data.table import PARTS, Part, Table
from bpcli.errors import DataError, ExitCode, MemoryLimitError, MismatchError
from bpcli.experiment.prepared import Prepared
from bpcli.nn.losses.classification import BinaryCrossEntropy
from bpcli.training.loop import train
from bpcli.training.plan import EpochReport

DATASETS = Path(__file__).parents[2] / "datasets"
ROWS = 60


def columns(rows: int = ROWS) -> dict[str, Any]:
    numbers = np.random.default_rng(0).normal(size=(2, rows)).round(3)
    return {
        "a": numbers[0].tolist(),
        "b": [f"name{number % 3}" for number in range(rows)],
        "w": [1 + number % 2 for number in range(rows)],
        "size": numbers[1].tolist(),
        "kind": ["x" if number % 3 == 0 else "y" for number in range(rows)],
        "lot": [f"lot{number % 4}" for number in range(rows)],
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_csv(tmp_path / "t.csv", columns())
    return tmp_path


def ready(folder: Path, target: Any = "kind", training: Any = None, loss: Any = None, **data: Any) -> Prepared:
    # The columns that are targets here are no inputs there.
    exclude = [name for name in ("w", "size", "kind", "lot") if name not in (target, data.get("weight"), *target)]
    given = {"path": "t.csv", "target": target, "exclude": exclude, **data}
    return prepared(folder, data=given, training=training or {}, loss=loss)


# What is fitted, and on what


@pytest.mark.parametrize("encoder", ["standard", "min_max", "robust", "smooth_clip", "piecewise_linear", "quantile"])
@pytest.mark.parametrize("target", ["size", "kind"])
def test_nothing_that_is_fitted_depends_on_validation_or_test_rows(tmp_path: Path, target: str, encoder: str) -> None:
    original = columns()
    write_csv(tmp_path / "t.csv", original)
    before = ready(tmp_path, target, encoders={"numeric": encoder})
    changed = {name: list(values) for name, values in original.items()}
    selection = select_examples(
        open_source(before.config.data, tmp_path), before.config.data, before.config.seed, before.config.loss
    )
    held_out = [*selection.split.validation.tolist(), *selection.split.test.tolist()]
    assert len(held_out) == 18
    for place, row in enumerate(held_out):
        changed["a"][row] = None if place % 2 else 1e9
        changed["b"][row] = None if place % 3 else "never seen"
        changed["size"][row] = -1e9 if place % 2 else 77.0
    write_csv(tmp_path / "t.csv", changed)
    after = ready(tmp_path, target, encoders={"numeric": encoder})
    assert after.preprocessor == before.preprocessor
    assert after.network == before.network
    assert np.array_equal(inputs(after, "train"), inputs(before, "train"))
    assert np.array_equal(after.datasets["train"].y, before.datasets["train"].y)
    assert not np.array_equal(inputs(after, "test"), inputs(before, "test"))


def inputs(of: Prepared, part: Part) -> Array:
    return features(of.datasets[part].x, of.plan.dtype)


def test_what_validation_rows_hold_and_training_rows_did_not_is_said(folder: Path) -> None:
    table = columns()
    table["a"][2] = None
    table["b"][7] = table["b"][12] = "new"
    part = ["validation" if number % 5 == 2 else "train" for number in range(ROWS)]
    write_csv(folder / "t.csv", {**table, "part": part})
    notes = ready(folder, split={"column": "part"}).notes
    assert "validation rows: column 'a': 1 value missing, although training had none; imputed" in notes
    assert "validation rows: column 'b': 2 rows with 'new', not seen in training" in notes


def test_rows_without_a_target_are_in_no_data_set() -> None:
    ready = prepared(DATASETS, data={"path": "auto_mpg.csv", "target": "Miles_per_Gallon", "exclude": ["Name"]})
    assert sum(dataset.rows for dataset in ready.datasets.values()) == 398
    assert any(note.startswith("8 rows left out") for note in ready.notes)


def test_validation_rows_of_which_none_has_a_class_of_training_are_an_error_of_the_data(folder: Path) -> None:
    part = ["validation" if number % 4 == 0 else "train" for number in range(ROWS)]
    write_csv(folder / "t.csv", {**columns(), "part": part})
    with pytest.raises(DataError, match="validation rows: no row has a class of the training set") as caught:
        ready(folder, "lot", split={"column": "part"})
    assert caught.value.exit_code == ExitCode.DATA == 3


def test_the_data_decides_the_sizes_of_the_network(folder: Path) -> None:
    of = ready(folder, "lot")
    assert (of.network.n_in, of.network.n_out) == (4, 4)  # a, three names; four lots
    assert of.preprocessor.features == ["a", "b=name0", "b=name1", "b=name2"]
    assert ready(folder, "kind").network.n_out == 1
    assert ready(folder, ["a", "size"]).network.n_out == 2


def test_the_config_comes_back_with_what_was_chosen(folder: Path) -> None:
    assert ready(folder).config.loss == BinaryCrossEntropy()
    archive = prepared(DATASETS, data={"path": "digits_8x8.npz"})
    assert archive.config.data.target == "y"
    assert archive.config.loss is not None


def test_an_automatic_batch_size_comes_back_as_a_number(folder: Path) -> None:
    given = ready(folder, training={"batch_size": "auto"})
    assert (given.config.training.batch_size, given.plan.batch_size) == (64, given.datasets["train"].rows)


def test_the_data_sets_are_in_the_dtype_asked_for(folder: Path) -> None:
    for dtype in ("float32", "float64"):
        data = {"path": "t.csv", "target": "kind"}
        of = prepared(folder, data=data, dtype=dtype)
        assert {str(dataset.x.dtype) for dataset in of.datasets.values()} == {dtype}
        assert of.plan.dtype == dtype


def test_splits_without_rows_are_not_there(folder: Path) -> None:
    of = ready(folder, split={"validation": 0.0, "test": 0.0})
    assert list(of.datasets) == ["train"]
    assert of.plan.validation is None
    assert of.plan.monitor.name == "train_loss"


def test_rows_and_missing_values_are_counted_and_the_table_is_not_kept(folder: Path) -> None:
    table = columns()
    table["a"][2] = table["a"][50] = None
    write_csv(folder / "t.csv", table)
    of = ready(folder, split={"validation": 0.2, "test": 0.0})
    assert of.rows == {"train": 48, "validation": 12, "test": 0}
    assert of.missing == {"a": 2, "b": 0}
    kept = [value for value in vars(of).values() if isinstance(value, Table)]
    assert kept == []


@pytest.mark.parametrize("batch_size", [16, "full"])
def test_training_on_codes_gives_the_bits_of_one_hot_features(batch_size: Any, folder: Path) -> None:
    write_csv(folder / "t.csv", {**columns(), "b": [f"name{number % 13}" for number in range(ROWS)]})
    codes = ready(folder, training={"epochs": 3, "batch_size": batch_size}).plan
    assert "code" in {field.values for field in codes.train.x.signature}
    assert codes.validation is not None
    expanded = replace(
        codes,
        network=codes.network.trunk,
        train=replace(codes.train, x=Rows.of_numbers(features(codes.train.x, codes.dtype))),
        validation=replace(codes.validation, x=Rows.of_numbers(features(codes.validation.x, codes.dtype))),
    )
    trained = []
    for of in (codes, expanded):
        state = of.new_state()
        reports = [event for event in train(of, state) if isinstance(event, EpochReport)]
        trained.append((state.params.tobytes(), [report.validation_loss for report in reports]))
    assert trained[0] == trained[1]


# Weights


def test_balanced_class_weights_give_each_class_the_same_total(folder: Path) -> None:
    of = ready(folder, "kind", {"class_weights": "balanced"}, split={"validation": 0.0, "test": 0.0})
    train = of.datasets["train"]
    # 20 of x and 40 of y: 60 / (2 · 20) = 1.5 and 60 / (2 · 40) = 0.75
    assert train.weight is not None
    assert train.weight[train.y[:, 0] == 0].tolist() == [1.5] * 20
    assert train.weight[train.y[:, 0] == 1].tolist() == [0.75] * 40


@pytest.mark.parametrize("loss", [None, {"type": "cross_entropy"}], ids=["one logit", "two logits"])
def test_class_weights_are_factors_by_name_scaled_to_a_mean_of_one(folder: Path, loss: Any) -> None:
    of = ready(folder, "kind", {"class_weights": {"x": 4.0}}, loss, split={"validation": 0.0, "test": 0.0})
    weight = of.datasets["train"].weight
    # (20 · 4 + 40 · 1) / 60 = 2
    assert weight is not None
    assert weight.tolist() == [2.0 if number % 3 == 0 else 0.5 for number in range(ROWS)]


def test_sample_weights_come_from_their_column_with_a_mean_of_one(folder: Path) -> None:
    of = ready(folder, "size", weight="w", split={"validation": 0.0, "test": 0.0})
    weight = of.datasets["train"].weight
    assert weight is not None
    np.testing.assert_allclose(weight, [(1 + number % 2) / 1.5 for number in range(ROWS)], rtol=1e-6)
    assert "w" not in of.preprocessor.features


def test_sample_and_class_weights_multiply(folder: Path) -> None:
    of = ready(folder, "kind", {"class_weights": {"x": 3.0}}, weight="w", split={"validation": 0.0, "test": 0.0})
    weight = of.datasets["train"].weight
    assert weight is not None
    raw = np.array([(1 + number % 2) * (3.0 if number % 3 == 0 else 1.0) for number in range(ROWS)])
    np.testing.assert_allclose(weight, raw / raw.mean(), rtol=1e-6)


def test_class_weights_are_for_training_rows_only(folder: Path) -> None:
    of = ready(folder, "kind", {"class_weights": "balanced"})
    assert of.datasets["validation"].weight is None


# What does not fit together


@pytest.mark.parametrize(
    ("target", "training", "data", "path", "words"),
    [
        ("size", {"class_weights": "balanced"}, {}, "training.class_weights", "a regression target has no classes"),
        ("kind", {"class_weights": {"z": 2.0}}, {}, "training.class_weights.z", "no class 'z'; they are 'x', 'y'"),
        ("lot", {"class_weights": {"lot5": 2.0}}, {}, "training.class_weights.lot5", "did you mean 'lot"),
        ("size", {"goal": {"metric": "accuracy", "value": 1.0}}, {}, "training.goal.metric", "no metric 'accuracy'"),
        ("kind", {"goal": {"metric": "acuracy", "value": 1.0}}, {}, "training.goal.metric", "did you mean 'accuracy'?"),
        (
            "kind",
            {"early_stopping": {"monitor": "validation_rmse"}},
            {},
            "training.early_stopping.monitor",
            "no metric 'rmse' for a binary target",
        ),
        (
            "kind",
            {"early_stopping": {"monitor": "accuracy"}},
            {},
            "training.early_stopping.monitor",
            "must be train_loss, validation_loss, or",
        ),
        (
            "kind",
            {"early_stopping": {}},
            {"split": {"validation": 0.0}},
            "training.early_stopping.monitor",
            "there are no validation rows; set data.split.validation, or monitor train_loss",
        ),
        (
            "kind",
            {"early_stopping": {"monitor": "train_accuracy"}},
            {},
            "training.early_stopping.monitor",
            "metrics are computed on the validation rows",
        ),
        (
            "kind",
            {},
            {"target_encoder": "standard"},
            "data.target_encoder",
            "class targets of binary_cross_entropy are not scaled",
        ),
        ("kind", {}, {"weight": "b"}, "data.weight", ""),
    ],
)
def test_what_does_not_fit_the_data_is_an_error_of_the_config_at_its_place(
    folder: Path, target: str, training: Any, data: Any, path: str, words: str
) -> None:
    if data.get("weight") == "b":
        write_csv(folder / "t.csv", {**columns(), "b": [-1] * ROWS})
    with pytest.raises(MismatchError) as caught:
        ready(folder, target, training, **data)
    assert ".".join(map(str, caught.value.mismatches[0].path)) == path
    assert words in caught.value.mismatches[0].what
    assert caught.value.exit_code == ExitCode.CONFIG == 2


def test_a_metric_that_the_rows_do_not_define_cannot_steer_training(folder: Path) -> None:
    part = ["validation" if number % 3 == 0 else "train" for number in range(ROWS)]
    kind = ["x" if number % 3 == 0 or number % 2 else "y" for number in range(ROWS)]
    write_csv(folder / "t.csv", {**columns(), "kind": kind, "part": part})
    steering = {
        "early_stopping": {"monitor": "validation_roc_auc"},
        "goal": {"metric": "roc_auc", "value": 0.9},
    }
    for name, value in steering.items():
        with pytest.raises(MismatchError, match="roc_auc is undefined on the monitored rows") as caught:
            ready(folder, "kind", {name: value}, split={"column": "part"})
        assert caught.value.mismatches[0].path[:2] == ("training", name)
    assert ready(folder, "kind", split={"column": "part"}).plan.monitor.name == "validation_loss"


def test_what_is_monitored_is_what_the_config_says_else_the_validation_loss(folder: Path) -> None:
    assert ready(folder).plan.monitor.name == "validation_loss"
    for monitor, greater in (("validation_accuracy", True), ("validation_log_loss", False), ("train_loss", False)):
        plan = ready(folder, "kind", {"early_stopping": {"monitor": monitor}}).plan
        assert (plan.monitor.name, plan.monitor.greater_is_better) == (monitor, greater)


# Memory, notes


def test_training_that_needs_more_memory_than_there_is_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = ready(folder).memory.total
    monkeypatch.setattr("bpcli.system.memory.available_memory", lambda: needed - 1)
    with pytest.raises(MemoryLimitError, match=r"training needs .* is available; use fewer units") as caught:
        ready(folder)
    assert caught.value.exit_code == ExitCode.MEMORY == 9
    monkeypatch.setattr("bpcli.system.memory.available_memory", lambda: needed)
    ready(folder)


def warnings(of: Prepared) -> list[str]:
    return [warning.text for warning in of.warnings]


def test_columns_that_cannot_help_are_noted_and_those_that_look_like_names_of_rows_warned_of(folder: Path) -> None:
    same, unique = ["one"] * 200, [f"id{number}" for number in range(200)]
    write_csv(folder / "t.csv", {"same": same, "id": unique, "kind": ["x", "y"] * 100})
    of = prepared(folder, data={"path": "t.csv", "target": "kind"})
    notes = of.notes
    assert "1 column is constant in the training set: 'same'" in notes
    assert warnings(of) == [
        "column 'id': 200 distinct names in 200 rows, like an identifier or free text; each becomes an input; "
        "put it in data.exclude, or in data.columns if it is intended"
    ]
    unseen = [note for note in notes if note.endswith("not seen in training")]
    assert [note[: note.index(" with")] for note in unseen] == [
        "validation rows: column 'id': 30 rows",
        "test rows: column 'id': 30 rows",
    ]
    assert unseen[0].count("'id") == 1 + 8
    assert "and 22 more" in unseen[0]


@pytest.mark.parametrize("given", [False, True])
def test_a_column_of_dates_is_called_so_unless_the_config_says_what_it_is(folder: Path, given: bool) -> None:
    days = [f"2024-{1 + number % 12:02}-0{1 + number % 7}" for number in range(200)]
    write_csv(folder / "t.csv", {"day": days, "x": range(1, 401, 2), "kind": ["x", "y"] * 100})
    data = {"path": "t.csv", "target": "kind", **({"columns": {"day": "categorical"}} if given else {})}
    found = [text for text in warnings(prepared(folder, data=data)) if "dates" in text]
    expected = (
        "column 'day': looks like dates, 2024-01-01 to 2024-12-07, read as 78 categories; to read them as dates, set "
        "data.columns: {day: date}"
    )
    assert found == ([] if given else [expected])


def test_a_column_of_numbers_as_people_write_them_is_noted(folder: Path) -> None:
    prices = [f"{number % 40},5" for number in range(200)]
    write_csv(folder / "t.csv", {"price": [f'"{price}"' for price in prices], "kind": ["x", "y", "y", "x"] * 50})
    assert (
        "column 'price': numbers such as '0,5', so read as categories; to read them as numbers, set "
        'data.columns: {price: {type: numeric, decimal: ","}}'
    ) in warnings(prepared(folder, data={"path": "t.csv", "target": "kind"}))


def test_the_dialect_that_a_text_calls_for_is_a_warning(folder: Path) -> None:
    rows = [f"{number % 40},5;{'xy'[number % 2]}" for number in range(200)]
    (folder / "t.csv").write_text("\n".join(["price;kind", *rows]) + "\n")
    warning = 'as in 0,5: should data.decimal be ","?'
    assert warning in warnings(prepared(folder, data={"path": "t.csv", "target": "kind"}))
    assert warning not in warnings(prepared(folder, data={"path": "t.csv", "target": "kind", "decimal": ","}))


def rank_of_trained_weights(of: Prepared) -> int:
    """Rank of the first layer's weights after three epochs."""
    state = of.plan.new_state()
    list(train(of.plan, state))
    return int(np.linalg.matrix_rank(of.network.bind(state.params[0])[0]["weight"]))


@pytest.mark.parametrize(
    ("layers", "rank", "note"),
    [
        (
            [{"units": 3, "initializer": "zeros"}],
            0,
            "layer 0: all weights are 0, where relu has no gradient, so it cannot learn; leave initializer out",
        ),
        (
            [{"units": 3, "initializer": "zeros", "activation": "softplus"}] * 2,
            1,
            "layer 0: its weights and those of layer 1 are 0, so its units stay identical; leave initializer out",
        ),
        ([{"units": 3, "initializer": "zeros", "activation": "tanh"}], 3, None),
        ([{"units": 3}], 3, None),
    ],
)
def test_layers_that_start_at_zero_are_noted_if_they_cannot_learn(
    folder: Path, layers: list[Any], rank: int, note: str | None
) -> None:
    training = {"epochs": 20, "batch_size": 2}
    of = prepared(
        folder,
        data={"path": "t.csv", "target": "kind"},
        layers=layers,
        training=training,
        optimizer={"type": "sgd", "learning_rate": 0.1},
    )
    assert [line for line in of.notes if line.startswith("layer")] == ([] if note is None else [note])
    assert rank_of_trained_weights(of) == rank


def test_given_weights_are_not_at_zero(folder: Path) -> None:
    data = {"path": "t.csv", "target": "kind", "exclude": ["b", "w", "size", "lot"]}
    given = {"layers.0.weight": [[0.5, -0.5]]}
    of = prepared(folder, data=data, layers=[{"units": 2, "initializer": "zeros"}], initial_parameters=given)
    assert not [line for line in of.notes if line.startswith("layer")]


def test_the_digest_is_that_of_the_data_files(folder: Path) -> None:
    first = ready(folder)
    write_csv(folder / "t.csv", {**columns(), "a": range(ROWS)})
    second = ready(folder)
    assert first.digest != second.digest
    assert first.sources == (folder / "t.csv",)
    assert set(first.datasets) == set(PARTS)


# Parameters that the config gives


def with_parameters(folder: Path, **given: Any) -> Prepared:
    names = {name.replace("_", ".", 2): values for name, values in given.items()}
    data = {"path": "t.csv", "target": "size", "exclude": ["b", "w", "kind", "lot"]}
    return prepared(folder, data=data, layers=[{"units": 2}], initial_parameters=names)


def test_training_begins_with_the_parameters_that_are_given_and_draws_the_others(folder: Path) -> None:
    given = with_parameters(folder, layers_0_weight=[[0.5, -2]], layers_1_bias=[7.0])
    drawn = with_parameters(folder)
    state, other = given.plan.new_state(), drawn.plan.new_state()
    views, others = given.network.layout.views(state.params), given.network.layout.views(other.params)
    assert views["layers.0.weight"].tolist() == [[0.5, -2.0]]
    assert views["layers.1.bias"].tolist() == [7.0]
    assert np.array_equal(views["layers.1.weight"], others["layers.1.weight"])
    assert np.array_equal(state.best_params, state.params)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("layers_0_weigth", [[1.0, 2.0]], "the network has no parameter 'layers.0.weigth'; did you mean"),
        ("layers_0_weight", [1.0, 2.0], "must be 1 row, one for each input, of 2 numbers"),
        ("layers_0_weight", [[1.0, 2.0], [3.0, 4.0]], "must be 1 row, one for each input, of 2 numbers"),
        ("layers_0_bias", [1.0], "must be 2 numbers"),
        ("layers_0_bias", [[1.0], [2.0]], "must be 2 numbers"),
    ],
)
def test_parameters_that_the_network_has_not_so_are_refused(folder: Path, name: str, values: Any, message: str) -> None:
    with pytest.raises(MismatchError, match=message) as caught:
        with_parameters(folder, **{name: values})
    assert str(caught.value).startswith(f"initial_parameters.{name.replace('_', '.', 2)}: ")
