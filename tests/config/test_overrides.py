"""Overrides: `--set` follows the rules of the file, and its errors name the override."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcli.config.document import dotted
from bpcli.config.overrides import apply_overrides
from bpcli.config.yaml_text import parse_yaml
from bpcli.errors import ConfigError
from bpcli.wording import composed

TEXT = """\
seed: 0
layers:
  - {units: 32}
  - dropout
optimizer: adam
schedule:
training: {epochs: 200}
"""
DATA: dict[str, Any] = {
    "seed": 0,
    "layers": [{"units": 32}, "dropout"],
    "optimizer": "adam",
    "schedule": None,
    "training": {"epochs": 200},
}


def data_after(*overrides: str) -> Any:
    return apply_overrides(parse_yaml(TEXT, "c.yaml"), overrides).data


def problems_of(*overrides: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        data_after(*overrides)
    return list(caught.value.messages)


@pytest.mark.parametrize(
    ("override", "changed"),
    [
        ("seed=1", {"seed": 1}),
        (" seed = 1 ", {"seed": 1}),
        ("name=a=b", {"name": "a=b"}),
        ("name=012", {"name": "012"}),
        ("seed=1e-3", {"seed": 0.001}),
        ("seed=", {"seed": None}),
        ("training.epochs=5", {"training": {"epochs": 5}}),
        ("training.early_stopping=null", {"training": {"epochs": 200, "early_stopping": None}}),
        ("training={epochs: 3, batch_size: full}", {"training": {"epochs": 3, "batch_size": "full"}}),
        ("layers.0.units=64", {"layers": [{"units": 64}, "dropout"]}),
        ("layers.1={units: 2}", {"layers": [{"units": 32}, {"units": 2}]}),
        ("layers=[{units: 1}]", {"layers": [{"units": 1}]}),
        ("data.split.test=0.2", {"data": {"split": {"test": 0.2}}}),
        ('data.columns."a.b"=numeric', {"data": {"columns": {"a.b": "numeric"}}}),
        (r'data.columns."a \"=\" b".x=1', {"data": {"columns": {'a "=" b': {"x": 1}}}}),
        ("data.class_weights.0=2", {"data": {"class_weights": {"0": 2}}}),
    ],
)
def test_an_override_sets_one_value_and_leaves_the_rest(override: str, changed: dict[str, Any]) -> None:
    assert data_after(override) == {**DATA, **changed}


def test_a_bare_family_name_or_an_empty_value_becomes_a_mapping_when_a_key_of_it_is_set() -> None:
    assert data_after("optimizer.learning_rate=0.01")["optimizer"] == {"type": "adam", "learning_rate": 0.01}
    assert data_after("layers.1.rate=0.1")["layers"][1] == {"type": "dropout", "rate": 0.1}
    assert data_after("schedule.type=cosine")["schedule"] == {"type": "cosine"}


def test_later_overrides_win_and_build_on_earlier_ones() -> None:
    assert data_after("seed=1", "seed=2")["seed"] == 2
    assert data_after("optimizer.momentum=1", "optimizer=sgd", "optimizer.nesterov=true")["optimizer"] == {
        "type": "sgd",
        "nesterov": True,
    }


def test_the_document_itself_is_not_changed() -> None:
    document = parse_yaml(TEXT, "c.yaml")
    marks = dict(document.marks)
    apply_overrides(document, ["layers.0.units=1", "data.path=x", "optimizer.learning_rate=1"])
    assert (document.data, document.marks) == (DATA, marks)


def test_what_was_set_stands_at_its_override_and_the_rest_where_it_stood() -> None:
    document = apply_overrides(
        parse_yaml(TEXT, "c.yaml"),
        ["layers.0={units: 1}", "optimizer.learning_rate=1", 'data.columns."a.b"=numeric', "data.path=x"],
    )
    places = {
        ("layers", 0): "--set layers.0",
        ("layers", 0, "units"): "--set layers.0",
        ("layers", 1): "c.yaml:4:5",
        ("optimizer", "type"): "c.yaml:5:12",
        ("optimizer", "learning_rate"): "--set optimizer.learning_rate",
        ("data",): '--set data.columns."a.b"',
        ("data", "columns"): '--set data.columns."a.b"',
        ("data", "path"): "--set data.path",
        ("training", "epochs"): "c.yaml:7:20",
    }
    assert {path: str(document.mark(path).value) for path in places} == places


def test_overrides_stand_behind_the_file_in_the_order_in_which_they_were_given() -> None:
    document = apply_overrides(parse_yaml(TEXT, "c.yaml"), ["seed=1", "name=x"])
    assert sorted([("name",), ("training",), ("seed",), ("layers",)], key=lambda path: document.mark(path).value) == [
        ("layers",),
        ("training",),
        ("seed",),
        ("name",),
    ]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "training.epochs",
            "--set 'training.epochs': expected a dotted path, '=' and a value, such as 'optimizer.learning_rate=0.01'",
        ),
        ('a."b=1', "--set 'a.\"b=1': expected a dotted path, '=' and a value, such as 'optimizer.learning_rate=0.01'"),
        ("=1", "--set '=1': a key is missing in the path before '='"),
        ("a..b=1", "--set 'a..b=1': a key is missing in the path before '='"),
        ("a.=1", "--set 'a.=1': a key is missing in the path before '='"),
        (
            r'"\d"=1',
            r"""--set '"\d"=1': unknown escape (a backslash and 'd'); in single quotes a backslash is a plain """
            "character",
        ),
        (
            "\x1b[0m",
            r"--set '\x1b[0m': expected a dotted path, '=' and a value, such as 'optimizer.learning_rate=0.01'",
        ),
        (
            "layers.2.units=1",
            "--set layers.2.units: layers: is a list of 2 items, numbered from 0 to 1: no item '2'; "
            "to add one, set the whole list",
        ),
        (
            "layers.-1=1",
            "--set layers.-1: layers: is a list of 2 items, numbered from 0 to 1: no item '-1'; "
            "to add one, set the whole list",
        ),
        ("seed.x=1", "--set seed.x: seed: is 0, which has no key 'x'"),
        ("training.epochs.x.y=1", "--set training.epochs.x.y: training.epochs: is 200, which has no key 'x'"),
        ("seed=[1", "--set seed: ',' or ']' is missing here, in the list that starts at line 1, column 1"),
        ("seed={a: 1, a: 2}", "--set seed: a: duplicate key; first defined at --set seed"),
        ("seed=!x 1", "--set seed: tags ('!…') are not allowed; put text that starts with '!' in quotes"),
        (".".join("a" * 51) + "=1", f"--set '{('a.' * 40)[:79]}…': nested more than 50 levels deep"),
    ],
)
def test_what_cannot_be_set_is_said_in_one_line(override: str, message: str) -> None:
    assert problems_of(override) == [message]


def test_an_empty_list_has_no_item_to_set() -> None:
    assert problems_of("layers=[]", "layers.0=1") == [
        "--set layers.0: layers: is a list of 0 items: no item '0'; to add one, set the whole list"
    ]


def test_the_problems_of_all_overrides_are_said_at_once() -> None:
    assert problems_of("seed.x=1", "name=x", "a..b=1") == [
        "--set seed.x: seed: is 0, which has no key 'x'",
        "--set 'a..b=1': a key is missing in the path before '='",
    ]


keys = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)


@given(st.lists(keys, min_size=1, max_size=4))
def test_a_path_as_messages_show_it_is_a_path_that_can_be_set(path: list[str]) -> None:
    expected: Any = 1
    for key in reversed(path):
        expected = {composed(key): expected}
    assert apply_overrides(parse_yaml("{}", "c.yaml"), [f"{dotted(path)}=1"]).data == expected


@settings(deadline=None, max_examples=2 * settings().max_examples)
@given(st.text() | st.text('abc01."\\=[]{}:-, ').map("layers.".__add__))
def test_any_text_is_set_or_refused(text: str) -> None:
    lines: tuple[str, ...] = ()
    try:
        data_after(text)
    except ConfigError as error:
        lines = error.messages
    assert all(line.startswith("--set ") for line in lines)
