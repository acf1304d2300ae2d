"""Validation errors: all at once, in plain words, at the positions in the user's file."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, Strict, field_validator, model_validator

from bpcli.config.experiment import ExperimentConfig
from bpcli.config.overrides import apply_overrides
from bpcli.config.problems import validate
from bpcli.config.yaml_text import parse_yaml
from bpcli.errors import ConfigError, ExitCode
from bpcli.spec import BareName, Family, Sequence, Spec


class Relu(Spec):
    type: Literal["relu"] = "relu"


class LeakyRelu(Spec):
    type: Literal["leaky_relu"] = "leaky_relu"
    slope: float = Field(default=0.01, gt=0)


Activation = Annotated[Relu | LeakyRelu, Family(), BareName()]


class Dense(Spec):
    type: Literal["dense"] = "dense"
    units: int = Field(ge=1)
    activation: Activation = Relu()
    dense: int = 0


class Dropout(Spec):
    type: Literal["dropout"] = "dropout"
    rate: float = Field(ge=0, lt=1)


Layer = Annotated[Dense | Dropout, Family(), BareName(default="dense")]


class Split(Spec):
    validation: float = Field(default=0.2, ge=0, le=0.5)
    test: float = 0.2

    @model_validator(mode="after")
    def leaves_rows_to_train_on(self) -> Split:
        if self.validation + self.test >= 1:
            raise ValueError("validation and test together leave no rows to train on")
        return self


class Training(Spec):
    epochs: int
    batch_size: Annotated[int, Field(ge=1)] | Literal["full"] = 32
    shuffle: bool = True
    class_weights: Literal["balanced"] | dict[str, Annotated[float, Field(gt=0)]] | None = None
    step: int = Field(default=2, multiple_of=2)

    @field_validator("epochs")
    @classmethod
    def is_not_unlucky(cls, epochs: int) -> int:
        if epochs == 13:
            raise ValueError("13\x1b epochs bring bad luck")
        return epochs


class Config(Spec):
    name: str = Field(default="x", min_length=1, max_length=5, pattern="^[a-z]*$")
    layers: Sequence[Layer] = Field(default=(), max_length=20)
    hidden: Activation | None = None
    columns: dict[str, Literal["numeric", "categorical", "boolean"]] = Field(default={})
    encoders: dict[str, Activation] = Field(default={})
    target: str | Sequence[str] | None = None
    split: Split = Split()
    training: Training | None = None
    penalties: Sequence[Activation] = Field(default=(Relu(),), min_length=1)
    losses: Sequence[Activation] = Field(default=(Relu(), Relu()), min_length=2)
    mixed: Activation | float = 1.0
    pair: Annotated[tuple[Split, Training], Strict(False)] | None = None


def problems_of(text: str, *overrides: str, name: str = "c.yaml") -> list[str]:
    with pytest.raises(ConfigError) as caught:
        validate(Config, apply_overrides(parse_yaml(text, name), overrides))
    assert caught.value.exit_code == ExitCode.CONFIG
    return list(caught.value.messages)


def test_a_document_that_fits_becomes_the_model() -> None:
    text = "{layers: [{units: 3, activation: leaky_relu}, {type: dropout, rate: 0}], target: [a], hidden: }"
    assert validate(Config, parse_yaml(text, "c.yaml")) == Config(
        layers=(Dense(units=3, activation=LeakyRelu()), Dropout(rate=0)), target=("a",)
    )


def test_an_unknown_member_of_a_family_is_named_with_the_nearest() -> None:
    text = "\n" * 12 + "layers:\n- activation: rellu\n  units: 3\n"
    assert problems_of(text, name="configs/penguins.yaml") == [
        "configs/penguins.yaml:14:15: layers.0.activation: unknown activation 'rellu'; did you mean 'relu'?"
    ]


BOTH = "(available: 'relu', 'leaky_relu')"


def test_an_unknown_type_of_a_column_is_no_unknown_column() -> None:
    data = "{path: t.csv, target: y, columns: {review: texts, note: {type: txt}, title: {ngrams: 2}}}"
    with pytest.raises(ConfigError) as caught:
        validate(ExperimentConfig, parse_yaml(f"data: {data}\nlayers: []", "c.yaml"))
    first, second, third = caught.value.messages
    assert first == "c.yaml:1:50: data.columns.review: unknown column type 'texts'; did you mean 'text'?"
    assert second.endswith("data.columns.note: unknown column type 'txt'; did you mean 'text'?")
    assert "data.columns.title: needs the key 'type' to name the column type: one of 'numeric', " in third


@pytest.mark.parametrize(
    ("text", "message"),
    [
        # Families at any path; the noun is the name of the field.
        (
            "layers: [{units: 1, activation: {type: ReLU}}]",
            "1:40: layers.0.activation: unknown activation 'ReLU'; did you mean 'relu'?",
        ),
        ("layers: [{units: 1, activation: x}]", f"1:33: layers.0.activation: unknown activation 'x' {BOTH}"),
        ("layers: [{type: dens}]", "1:17: layers.0: unknown layer 'dens'; did you mean 'dense'?"),
        ("layers: [dropuot]", "1:10: layers.0: unknown layer 'dropuot'; did you mean 'dropout'?"),
        ('hidden: "\\e[0m"', rf"1:9: hidden: unknown hidden '\x1b[0m' {BOTH}"),
        ("encoders: {age: x}", f"1:17: encoders.age: unknown encoder 'x' {BOTH}"),
        ("penalties: [x]", f"1:13: penalties.0: unknown penalty 'x' {BOTH}"),
        ("losses: [relu, x]", f"1:16: losses.1: unknown loss 'x' {BOTH}"),
        ("mixed: x", f"1:8: mixed: unknown mixed 'x' {BOTH}"),
        ("hidden: {type: 3}", f"1:16: hidden: unknown hidden '3' {BOTH}"),
        ("hidden: {slope: 1}", "1:9: hidden: needs the key 'type' to name the hidden: one of 'relu', 'leaky_relu'"),
        ("hidden: 3", "1:9: hidden: must be a name or a mapping, not 3"),
        ("layers: [~]", "1:10: layers.0: must be a name or a mapping, not empty (null)"),
        ("mixed: [1]", "1:8: mixed: must be a name or a mapping or a number, not a list"),
        # Keys.
        ("training: {epochs: 1, epcohs: 2}", "1:23: training.epcohs: unknown key; did you mean 'epochs'?"),
        ("split: {x: 1}", "1:9: split.x: unknown key (valid keys: 'validation', 'test')"),
        ("zzz: 1", "1:1: zzz: unknown key"),
        ("epochs: 3", "1:1: epochs: unknown key; it belongs below 'training'"),
        ("split: {test:0.1}", '1:9: split."test:0.1": unknown key; put a space after the colon: test: 0.1'),
        (
            "hidden: {type:relu}",
            "1:9: hidden: needs the key 'type' to name the hidden: one of 'relu', 'leaky_relu'; put a space after the "
            "colon: type: relu",
        ),
        ("hidden: {type: relu, x: 1}", "1:22: hidden.x: unknown key (valid keys: 'type')"),
        ("mixed: {type: relu, x: 1}", "1:21: mixed.x: unknown key (valid keys: 'type')"),
        ('{"a.b": 1}', '1:2: "a.b": unknown key'),
        ("training: {}", "1:1: training.epochs: required key is missing"),
        ("name: a\ntraining:\n  shuffle: true", "2:1: training.epochs: required key is missing"),
        ("layers:\n  - activation: relu", "2:5: layers.0.units: required key is missing"),
        ("layers: [dense]", "1:10: layers.0.units: required key is missing"),
        ("layers: [{units: 1, dense: x}]", "1:28: layers.0.dense: must be a whole number, not the text 'x'"),
        # Types: values are not coerced.
        ("training: {epochs: true}", "1:20: training.epochs: must be a whole number, not true"),
        ("training: {epochs: '2'}", "1:20: training.epochs: must be a whole number, not the text '2'"),
        ("training: {epochs: 012}", "1:20: training.epochs: must be a whole number, not the text '012'"),
        ("training: {epochs: 12:30}", "1:20: training.epochs: must be a whole number, not the text '12:30'"),
        ("training: {epochs: 1e3}", "1:20: training.epochs: must be a whole number, not 1000.0"),
        ("training: {epochs: }", "1:19: training.epochs: must be a whole number, not empty (null)"),
        ("training: {epochs: 1, shuffle: no}", "1:32: training.shuffle: must be true or false, not the text 'no'"),
        ("training: {epochs: 1, shuffle: 1}", "1:32: training.shuffle: must be true or false, not 1"),
        ("split: {test: x}", "1:15: split.test: must be a number, not the text 'x'"),
        ("split: {test: false}", "1:15: split.test: must be a number, not false"),
        ("name: 3", "1:7: name: must be text, not 3"),
        ("name: .nan", "1:7: name: must be text, not .nan"),
        ("layers: {units: 3}", "1:9: layers: must be a list, not a mapping"),
        ("layers: relu", "1:9: layers: must be a list, not the text 'relu'"),
        ("columns: [numeric]", "1:10: columns: must be a mapping, not a list"),
        ("training: 3", "1:11: training: must be a mapping, not 3"),
        (f"training: {'x' * 100}", f"1:11: training: must be a mapping, not the text '{'x' * 79}…'"),
        # Bounds.
        ("layers: [{units: 0}]", "1:18: layers.0.units: must be at least 1, not 0"),
        ("layers: [{type: dropout, rate: 1.0}]", "1:32: layers.0.rate: must be less than 1, not 1.0"),
        ("split: {validation: 0.6}", "1:21: split.validation: must be at most 0.5, not 0.6"),
        ("hidden: {type: leaky_relu, slope: -1}", "1:35: hidden.slope: must be greater than 0, not -1"),
        ("mixed: {type: leaky_relu, slope: -1}", "1:34: mixed.slope: must be greater than 0, not -1"),
        ("training: {epochs: 1, step: 3}", "1:29: training.step: must be a multiple of 2, not 3"),
        ("split: {test: .inf}", "1:15: split.test: must be a finite number, not .inf"),
        ("split: {test: 1e309}", "1:15: split.test: must be a finite number, not .inf"),
        ("split: {test: -.inf}", "1:15: split.test: must be a finite number, not -.inf"),
        ("split: {test: .nan}", "1:15: split.test: must be a finite number, not .nan"),
        ("name: ''", "1:7: name: must not be empty"),
        ("name: abcdef", "1:7: name: must have at most 5 characters, not 6"),
        ("penalties: []", "1:12: penalties: must not be empty"),
        ("losses: [relu]", "1:9: losses: must have at least 2 items, not 1"),
        ("layers: [" + "{units: 1}, " * 21 + "]", "1:9: layers: must have at most 20 items, not 21"),
        # Choices of words or types.
        (
            "columns: {island: categorial}",
            "1:19: columns.island: must be 'numeric', 'categorical' or 'boolean', not the text 'categorial'; "
            "did you mean 'categorical'?",
        ),
        ("columns: {a b: 3}", "1:16: columns.\"a b\": must be 'numeric', 'categorical' or 'boolean', not 3"),
        (
            "training: {epochs: 1, batch_size: ful}",
            "1:35: training.batch_size: must be a whole number or 'full', not the text 'ful'; did you mean 'full'?",
        ),
        ("training: {epochs: 1, batch_size: 0}", "1:35: training.batch_size: must be at least 1, not 0"),
        (
            "training: {epochs: 1, class_weights: {1: 0}}",
            "1:42: training.class_weights.1: must be greater than 0, not 0",
        ),
        (
            "training: {epochs: 1, class_weights: [1]}",
            "1:38: training.class_weights: must be 'balanced' or a mapping, not a list",
        ),
        ("target: 3", "1:9: target: must be text or a list, not 3"),
        ("target: [a, 3]", "1:13: target.1: must be text, not 3"),
        ("pair: [{}, {epochs: x}]", "1:21: pair.1.epochs: must be a whole number, not the text 'x'"),
        # Custom validators, and errors without a message of their own here.
        ("split: {validation: 0.5, test: 0.5}", "1:8: split: validation and test together leave no rows to train on"),
        ("training: {epochs: 13}", r"1:20: training.epochs: 13\x1b epochs bring bad luck"),
        ("name: A", "1:7: name: String should match pattern '^[a-z]*$'"),
    ],
)
def test_what_does_not_fit_is_said_in_plain_words(text: str, message: str) -> None:
    assert problems_of(text) == [f"c.yaml:{message}"]


def test_everything_wrong_is_said_at_once_in_the_order_of_the_file_and_then_of_the_overrides() -> None:
    text = """\
training: {batch_size: 0, epcohs: 3}
name: 3
layers:
  - {units: true, activation: rellu}
  - {type: dropout, rate: 2}
  - {unit: 3}
penalties: [x]
"""
    assert problems_of(text, "split.test=x", "hidden.type=rellu", "layers.1.rate=3") == [
        "c.yaml:1:1: training.epochs: required key is missing",
        "c.yaml:1:24: training.batch_size: must be at least 1, not 0",
        "c.yaml:1:27: training.epcohs: unknown key; did you mean 'epochs'?",
        "c.yaml:2:7: name: must be text, not 3",
        "c.yaml:4:13: layers.0.units: must be a whole number, not true",
        "c.yaml:4:31: layers.0.activation: unknown activation 'rellu'; did you mean 'relu'?",
        "c.yaml:6:5: layers.2.units: required key is missing",
        "c.yaml:6:6: layers.2.unit: unknown key; did you mean 'units'?",
        f"c.yaml:7:13: penalties.0: unknown penalty 'x' {BOTH}",
        "--set split.test: must be a number, not the text 'x'",
        "--set hidden.type: hidden: unknown hidden 'rellu'; did you mean 'relu'?",
        "--set layers.1.rate: must be less than 1, not 3",
    ]


def test_what_an_override_brought_in_is_wrong_at_the_override() -> None:
    assert problems_of("training: {epochs: 1}", "training={epoch: 2}", "hidden=leaky_relu", "hidden.slope=0") == [
        "--set training: training.epochs: required key is missing",
        "--set training: training.epoch: unknown key; did you mean 'epochs'?",
        "--set hidden.slope: must be greater than 0, not 0",
    ]


def test_a_value_under_an_alias_is_wrong_where_it_is_written() -> None:
    assert problems_of("split: &x {test: a}\npair: [*x, {epochs: 1}]\n") == [
        "c.yaml:1:18: split.test: must be a number, not the text 'a'",
        "c.yaml:1:18: pair.0.test: must be a number, not the text 'a'",
    ]


def test_the_error_of_pydantic_is_kept_as_the_cause() -> None:
    document = parse_yaml("name: 3", "c.yaml")
    with pytest.raises(ConfigError) as caught:
        validate(Config, document)
    cause: Any = caught.value.__cause__
    assert cause.error_count() == 1


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("loss={type: mse, activation: sigmoid}", "loss.activation: unknown key (valid keys: 'type', 'link')"),
        ("loss={type: mse, lnk: sigmoid}", "loss.lnk: unknown key; did you mean 'link'?"),
        ("data.encoders.numeric=None", "data.encoders.numeric: unknown encoder 'None'; did you mean 'none'?"),
        (
            "initial_parameters.layers.0.bias=[0,0]",
            "initial_parameters.layers: must be a list, not a mapping; a name with dots needs quotes: "
            'initial_parameters."layers.0.bias"',
        ),
        (
            "training.class_weights.a.b=2",
            "training.class_weights.a: must be a number, not a mapping; a name with dots needs quotes: "
            'training.class_weights."a.b"',
        ),
    ],
)
def test_messages_have_the_words_of_the_config(override: str, message: str) -> None:
    document = apply_overrides(parse_yaml("data: {path: t.csv, target: y}", "t.yaml"), [override])
    with pytest.raises(ConfigError) as caught:
        validate(ExperimentConfig, document)
    (line,) = caught.value.messages
    assert message in line


def test_the_key_that_a_message_names_works() -> None:
    for override in ("loss={type: mse, link: sigmoid}", 'initial_parameters."layers.0.bias"=[0,0]'):
        document = apply_overrides(parse_yaml("data: {path: t.csv, target: y}", "t.yaml"), [override])
        validate(ExperimentConfig, document)


def test_a_layer_that_cannot_be_within_another_is_said_to_be_misplaced() -> None:
    text = "{data: {path: a.csv}, layers: [{type: residual, layers: [{units: 3}, {type: residual, layers: [dense]}]}]}"
    with pytest.raises(ConfigError) as caught:
        validate(ExperimentConfig, parse_yaml(text, "c.yaml"))
    (message,) = caught.value.messages
    assert message.startswith(
        "c.yaml:1:77: layers.0.layers.1: layer 'residual' cannot be within another layer; available here: 'dense', "
    )


@pytest.mark.parametrize(("size", "pixels"), [("24", (24, 24)), ("[24, 32]", (24, 32)), ("null", None)])
def test_the_size_of_pictures_is_one_number_or_two(size: str, pixels: tuple[int, int] | None) -> None:
    config = validate(ExperimentConfig, parse_yaml(f"{{data: {{path: a, images: {{size: {size}}}}}}}", "c.yaml"))
    assert config.data.images.form.size == pixels


@pytest.mark.parametrize("size", ["0", "[24]", "[24, 24, 3]", "a"])
def test_other_sizes_of_pictures_are_refused_in_one_line(size: str) -> None:
    with pytest.raises(ConfigError) as caught:
        validate(ExperimentConfig, parse_yaml(f"{{data: {{path: a, images: {{size: {size}}}}}}}", "c.yaml"))
    (message,) = caught.value.messages
    assert "data.images.size" in message
