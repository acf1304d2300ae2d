"""Page of a traced step: its numbers are those of the JSON document, and its arithmetic is correct."""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Callable
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import yaml
from commands import CONFIGS, bpcli
from experiments import write_csv
from pages import Checked

PAGE_LIMIT = 500_000


def page_of(source: Path, *options: object) -> str:
    return bpcli("trace", source, "--html", "-", *options).ok().out


def data_of(page: str) -> Any:
    (found,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    return json.loads(found)


def words_of(thing: Any) -> list[str]:
    return [line[1] for line in thing["lines"]]


# Numbers


def fixed(value: float) -> str:
    """Number as in a column of the account: nine decimals for ordinary magnitudes."""
    return f"{value:.9f}" if value else "0"


@pytest.mark.parametrize("rows", [1, 2])
def test_every_number_is_that_of_the_json_document(tmp_path: Path, rows: int) -> None:
    """Every unit, edge and parameter of the textbook's network."""
    config = tmp_path / "t.yaml"
    config.write_text((CONFIGS / "textbook.yaml").read_text().replace("../datasets/textbook.csv", "t.csv"))
    write_csv(tmp_path / "t.csv", {"i1": [0.05, 0.3], "i2": [0.1, 0.7], "o1": [0.01, 0.6], "o2": [0.99, 0.2]})
    options = [f"--row={number + 1}" for number in range(rows)]
    document = bpcli("trace", config, "--json", *options).ok().json
    data = data_of(page_of(config, *options))
    for layer in document["layers"]:
        weight, bias = layer["parameters"]["weight"], layer["parameters"]["bias"]
        for j in range(2):
            unit = data["units"][f"u{layer['index'] + 1}-{j}"]
            assert unit["name"] == layer["outputs"][j]
            for row in range(rows):
                lines = [words for _, words, *of in unit["lines"] if of in ([], [row])]
                for start, value in (
                    ("z = ", layer["forward"]["z"][row][j]),
                    ("y = ", layer["forward"]["y"][row][j]),
                    ("f'(z) = ", layer["backward"]["slope"][row][j]),
                    ("dL/dz = ", layer["backward"]["dz"][row][j]),
                    ("dL/db = ", bias["gradient"][j]),
                    ("b ← ", bias["after"][j]),
                ):
                    (line,) = (words for words in lines if words.startswith(start))
                    assert line.endswith(f"= {fixed(value)}")
                (dy,) = (words for words in lines if words.startswith("dL/dy = "))
                assert fixed(layer["backward"]["dy"][row][j]) in dy
            shown = {name: values for _, _, name, _, values in unit["readings"]}
            assert shown["y"] == [f"{layer['forward']['y'][row][j]:.4g}" for row in range(rows)]
            assert shown["dL/dz"] == [f"{layer['backward']['dz'][row][j]:.4g}" for row in range(rows)]
            for i in range(2):
                edge = data["edges"][f"e{layer['index']}-{i}-{j}"]
                lines = words_of(edge)
                assert lines[-2].endswith(f"= {fixed(weight['gradient'][i][j])}")
                assert lines[-1].endswith(f"= {fixed(weight['after'][i][j])}")
                numbers = [weight["before"][i][j], weight["gradient"][i][j], weight["after"][i][j]]
                assert [values for *_, values in edge["readings"]] == [[f"{number:.4g}"] for number in numbers]
    error = document["error"]
    for k in range(2):
        for row in range(rows):
            lines = [words for _, words, of in data["units"][f"u3-{k}"]["lines"] if of == row]
            assert lines[0].endswith(f"= {fixed(error['predictions'][row][k])}")
            assert lines[-1].endswith(f"= {fixed(error['dlogits'][row][k])}")
    loss = words_of(data["units"]["u4-0"])
    assert loss[-2].endswith(f"= {fixed(document['loss']['before'])}")
    before, after = fixed(document["loss"]["before"]), fixed(document["loss"]["after"])
    assert loss[-1] == f"L = {before} before the step, {after} after it"


def test_the_textbook_is_worked_as_by_hand() -> None:
    data = data_of(page_of(CONFIGS / "textbook.yaml"))
    assert [stage["title"] for stage in data["stages"]] == [
        "Start: inputs and parameters",
        "Forward: layer 0: dense, sigmoid",
        "Forward: layer 1: dense, identity",
        "Error: mse",
        "Backward: layer 1: dense, identity",
        "Backward: layer 0: dense, sigmoid",
        "Update",
        "After: the new loss",
    ]
    assert [line[:2] for line in data["units"]["u1-0"]["lines"]] == [
        [1, "z = 0.05 · 0.15 + 0.1 · 0.2 + 0.35 = 0.377500000"],
        [1, "y = sigmoid(0.3775) = 0.593269992"],
        [5, "dL/dy = Σ dL/dz · w of layer 1 = 0.138498562 · 0.4 + (-0.038098237) · 0.5 = 0.036350306"],
        [5, "f'(z) = 0.241300709"],
        [5, "dL/dz = dL/dy · f'(z) = 0.036350306 · 0.241300709 = 0.008771355"],
        [5, "dL/db = dL/dz = 0.008771355"],
        [6, "b ← b - lr · g = 0.35 - 0.5 · 0.008771355 = 0.345614323"],
    ]
    assert [line[:2] for line in data["edges"]["e0-0-0"]["lines"]] == [
        [1, "x · w = 0.05 · 0.15 = 0.007500000"],
        [5, "dL/dw = x · dL/dz = 0.05 · 0.008771355 = 0.000438568"],
        [6, "w ← w - lr · g = 0.15 - 0.5 · 0.000438568 = 0.149780716"],
    ]
    assert words_of(data["units"]["u4-0"])[0] == (
        "loss of the row = ((0.75136507 - 0.01)² + (0.772928465 - 0.99)²) / 2 = 0.298371109"
    )


# Arithmetic

TARGETS: dict[str, list[object]] = {
    "number": [0.5, 1.5, 0.25, 2.5, 1.0, 0.75],
    "share": [0.5, 0.9, 0.25, 0.1, 1.0, 0.75],
    "kind": ["x", "y", "z", "x", "y", "z"],
    "two": ["p", "q", "p", "p", "q", "q"],
    "count": [0, 3, 1, 2, 5, 1],
}
STACK = [
    {"units": 3, "activation": "tanh"},
    {"type": "dropout", "rate": 0.4},
    {"type": "batch_norm"},
    {"units": 3, "activation": "sigmoid"},
    {"type": "layer_norm"},
    {"type": "scale"},
]
WORKED: dict[str, dict[str, Any]] = {
    "mse": {"target": "number", "loss": "mse"},
    "mae": {"target": "number", "loss": "mae"},
    "huber": {"target": "number", "loss": "huber"},
    "quantile": {"target": "number", "loss": {"type": "quantile", "quantile": 0.3}},
    "poisson": {"target": "count", "loss": "poisson"},
    "gamma": {"target": "number", "loss": "gamma"},
    "tweedie": {"target": "count", "loss": {"type": "tweedie", "power": 1.3}},
    "logarithms": {"target": "number", "loss": "mse", "data": {"target_encoder": "log"}},
    "logarithms of counts": {"target": "count", "loss": "mse", "data": {"target_encoder": "log"}},
    "quantiles of the target": {"target": "number", "loss": "mse", "data": {"target_encoder": "quantile"}},
    "several outputs": {"target": ["number", "count"], "loss": "mse"},
    "classes": {"target": "kind", "loss": "cross_entropy"},
    "smoothed": {"target": "kind", "loss": {"type": "cross_entropy", "label_smoothing": 0.1}},
    "weighted": {"target": "kind", "training": {"class_weights": {"x": 3.0}}},
    "two classes": {"target": "two", "loss": "binary_cross_entropy"},
    "margin": {"target": "two", "loss": "hinge"},
    "momentum": {"target": "kind", "optimizer": {"type": "sgd", "momentum": 0.9}},
    "nesterov": {"target": "kind", "optimizer": {"type": "sgd", "momentum": 0.9, "nesterov": True}},
    "amsgrad": {"target": "kind", "optimizer": {"type": "adam", "amsgrad": True}},
    "weight decay": {"target": "kind", "optimizer": {"type": "adamw", "weight_decay": 0.1}},
    **{name: {"target": "kind", "optimizer": name} for name in ("nadam", "rmsprop", "adagrad", "adadelta", "rprop")},
    "quantiles": {"target": "number", "data": {"encoders": {"numeric": "quantile"}}},
    "smooth clip": {"target": "number", "data": {"encoders": {"numeric": "smooth_clip"}}},
    "bins": {
        "target": "number",
        "data": {"encoders": {"numeric": {"type": "piecewise_linear", "bins": 3}}},
    },
    "logistic link": {"target": "share", "loss": {"type": "mse", "link": "sigmoid"}},
    "plain": {"target": "kind", "optimizer": {"type": "sgd", "learning_rate": 0.1}},
    "penalties and bounds": {
        "target": "kind",
        "optimizer": "sgd",
        "training": {"penalty": {"l2": 0.1}, "clip": {"value": 0.05}},
    },
    "norm": {"target": "kind", "training": {"penalty": {"l1": 0.02, "l2": 0.1}, "clip": {"norm": 0.2}}},
}


def config_in(folder: Path, **given: Any) -> Path:
    columns: dict[str, list[object]] = {"a": [0.1, -1.2, 2.3, 0.7, -0.4, 1.5], "b": [5, 3, 8, 1, 9, 4]}
    target = given.pop("target")
    named = [target] if isinstance(target, str) else target
    write_csv(folder / "t.csv", {**columns, **{name: TARGETS[name] for name in named}})
    data = {"path": "t.csv", "target": target, "split": {"validation": 0, "test": 0}, **given.pop("data", {})}
    path = folder / "t.yaml"
    path.write_text(yaml.safe_dump({"data": data, "layers": STACK, "dtype": "float64", **given}))
    return path


NUMBER = re.compile(r"(?<!\*\*)\d+(?:\.\d+)?(?:e[+-]\d+)?")
FUNCTIONS: dict[str, Any] = {
    "log": math.log,
    "exp": math.exp,
    "tanh": math.tanh,
    "sqrt": math.sqrt,
    "max": max,
    "identity": float,
    "sigmoid": lambda z: 1 / (1 + math.exp(-z)),
}


@cache
def function_of(spelled: str) -> Callable[[list[float]], float]:
    """Arithmetic expression as a function of its numbers; thousands of lines have the same one."""
    places = count()
    body = NUMBER.sub(lambda _: f"n[{next(places)}]", spelled)
    found: Callable[[list[float]], float] = eval(f"lambda n: float({body})", FUNCTIONS)
    return found


def value_of(written: str) -> tuple[float, float] | None:
    """Value of an arithmetic expression, and its uncertainty from the rounding of its numbers."""
    spelled = written.replace("·", "*").replace("²", "**2").replace("^", "**")
    spelled = re.sub(r"√([\d.e+-]+)", r"sqrt(\1)", spelled).replace("√", "sqrt")
    left = re.sub(r"log|exp|sigmoid|tanh|identity|sqrt|max", "", spelled)
    if left.strip("0123456789.e+-*/(), ") or not spelled.strip():
        return None
    words = NUMBER.findall(spelled)
    numbers = [float(word) for word in words]
    function = function_of(NUMBER.sub("0", spelled))
    value, error = function(numbers), 0.0
    for place, word in enumerate(words):
        # nine decimals, or six and an exponent
        if word == "0":
            continue  # exact: any other number shows its leading digits
        exponent = word.partition("e")[2]
        open_left = 0.5e-6 * 10.0 ** int(exponent) if exponent else 0.5e-9
        moved = [
            function([*numbers[:place], numbers[place] + step, *numbers[place + 1 :]])
            for step in (open_left, -open_left)
        ]
        error += max(abs(other - value) for other in moved)
    return value, error


def require_arithmetic(data: Any) -> int:
    """Check every line with a sum or product of numbers, and return their count."""
    cases = 0
    for thing in [*data["units"].values(), *data["edges"].values()]:
        for words in words_of(thing):
            parts = re.split(r" [=←] ", words.removesuffix(": dropped in this step"))
            known = [value for value in map(value_of, parts) if value is not None]
            for value, error in known[:-1]:
                result, rounded = known[-1]
                assert abs(value - result) <= 1.01 * (error + rounded) + 1e-12 * abs(value), words
                cases += 1
    return cases


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        pytest.param(name, rows, marks=() if rows == 3 or index % 4 == 0 else pytest.mark.exhaustive)
        for index, name in enumerate(WORKED)
        for rows in (1, 3)
    ],
)
def test_what_is_written_out_comes_to_what_stands_behind_it(
    tmp_path: Path, name: str, rows: int, record_property: Callable[[str, object], None]
) -> None:
    given = dict(WORKED[name])
    if rows == 1:  # batch_norm of a single row gives 0
        given["layers"] = [layer for layer in STACK if layer.get("type") != "batch_norm"]
    data = data_of(page_of(config_in(tmp_path, **given), *(f"--row={number + 1}" for number in range(rows))))
    cases = require_arithmetic(data)
    assert cases > 60
    record_property("cases", cases)


@pytest.mark.parametrize("name", ["momentum", "amsgrad", "nadam", "adadelta", "norm", "logistic link"])
def test_what_the_terminal_works_out_comes_to_what_stands_behind_it(
    tmp_path: Path, name: str, record_property: Callable[[str, object], None]
) -> None:
    """The update that is written out, and cells with sums and products, each with the number of its row."""
    out = bpcli("trace", config_in(tmp_path, **WORKED[name]), "--row=1", "--row=2", "--row=3").ok().out
    cases = 0
    for line in out.splitlines():
        cells = [cell for cell in re.split(r"  +", line.strip()) if cell]
        parts = [part for cell in cells for part in re.split(r" = | ← |^= ", cell)]
        written = [place for place, part in enumerate(parts) if re.search(r"\d [·/+] [\d(]", part) and value_of(part)]
        for place in written:
            value, error = value_of(parts[place]) or (0.0, 0.0)
            assert any(
                abs(value - other) <= 1.01 * (error + rounded) + 1e-12 * abs(value)
                for at, part in enumerate(parts)
                if at != place
                for other, rounded in [value_of(part) or (math.inf, 0.0)]
            ), line
            cases += 1
    assert cases > 60
    record_property("cases", cases)


def test_layers_without_neurons_are_shown_as_what_they_are(tmp_path: Path) -> None:
    config = config_in(tmp_path, target="kind")
    rows = ["--row=1", "--row=2", "--row=3"]
    document = bpcli("trace", config, "--json", *rows).ok().json
    data = data_of(page_of(config, *rows))
    dropped = 0
    for j in range(3):
        masks = [row[j] for row in document["layers"][1]["forward"]["mask"]]
        (y,) = (values for _, _, name, _, values in data["units"][f"u2-{j}"]["readings"] if name == "y")
        assert [value == "dropped" for value in y] == [mask == 0 for mask in masks]
        dropped += masks.count(0)
        for column, layer in ((3, document["layers"][2]), (5, document["layers"][4])):
            lines = words_of(data["units"][f"u{column}-{j}"])
            for row in range(3):
                assert "x̂ = (x - mean) / σ = " in " ".join(lines)
                assert any(line.endswith(f"= {fixed(layer['forward']['normalized'][row][j])}") for line in lines)
            scale = layer["parameters"]["scale"]
            assert any(line.startswith("dL/dscale") and fixed(scale["gradient"][j]) in line for line in lines)
            assert any(line.startswith("scale ←") and line.endswith(fixed(scale["after"][j])) for line in lines)
    assert 0 < dropped < 9


ACTIVATIONS = [
    "identity",
    "sigmoid",
    "tanh",
    "softsign",
    "relu",
    "leaky_relu",
    "elu",
    "selu",
    "softplus",
    "gelu",
    "silu",
    "mish",
]
OPTIMIZERS = ["sgd", "rprop", "adagrad", "rmsprop", "adadelta", "adam", "adamw", "nadam"]
LOSSES = {
    "number": ("mse", "mae", "huber", "quantile"),
    "kind": ("cross_entropy", "hinge"),
    "count": ("poisson", "tweedie"),
}


@pytest.mark.parametrize("networks", [5, pytest.param(300, marks=pytest.mark.exhaustive)])
def test_the_arithmetic_of_networks_drawn_by_lot_comes_out(
    tmp_path: Path, networks: int, record_property: Callable[[str, object], None]
) -> None:
    lot = random.Random(0)
    cases = 0
    for number in range(networks):
        folder = tmp_path / str(number)
        folder.mkdir()
        target = lot.choice(list(LOSSES))
        layers: list[dict[str, Any]] = []
        for _ in range(lot.randint(0, 4)):
            kinds = [{"type": "dropout", "rate": 0.5}, {"type": "batch_norm"}, {"type": "layer_norm"}]
            dense = {"units": lot.randint(1, 10), "activation": lot.choice(ACTIVATIONS)}
            layers.append(lot.choice([dense, dense, *kinds]))
        given = {"layers": layers, "loss": lot.choice(LOSSES[target]), "optimizer": lot.choice(OPTIMIZERS)}
        rows = [f"--row={row}" for row in lot.sample(range(1, 7), lot.randint(2, 6))]
        page = page_of(config_in(folder, target=target, **given), *rows)
        Checked(page)
        assert len(page.encode()) < PAGE_LIMIT
        cases += require_arithmetic(data_of(page))
    assert cases > 50 * networks
    record_property("networks", networks)
    record_property("cases", cases)


# Size and form


@pytest.mark.parametrize(
    "name",
    [
        "textbook",
        "xor",
        "digits",
        *(pytest.param(name, marks=pytest.mark.exhaustive) for name in ("penguins", "concrete")),
    ],
)
def test_a_page_is_whole_small_and_asks_nothing_of_elsewhere(name: str) -> None:
    page = page_of(CONFIGS / f"{name}.yaml")
    parsed = Checked(page)
    assert parsed.addresses == ["data:,"]
    assert len(parsed.ids) == len(set(parsed.ids))
    assert not re.search(r"url\(|@import|fetch\(|https?:|XMLHttpRequest|WebSocket", page)
    assert len(page.encode()) < PAGE_LIMIT


def test_a_page_is_the_same_to_the_byte_each_time() -> None:
    assert page_of(CONFIGS / "xor.yaml", "--row=3") == page_of(CONFIGS / "xor.yaml", "--row=3")


def test_everything_that_the_terminal_says_is_in_the_tables() -> None:
    words = " ".join(" ".join(Checked(page_of(CONFIGS / "textbook.yaml")).words).split())
    for line in bpcli("trace", CONFIGS / "textbook.yaml").ok().out.splitlines():
        assert " ".join(line.split()) in words


def test_of_wide_layers_those_with_the_largest_errors_are_drawn() -> None:
    document = bpcli("trace", CONFIGS / "digits.yaml", "--json").ok().json
    page = page_of(CONFIGS / "digits.yaml")
    errors = [abs(value) for value in document["layers"][0]["backward"]["dz"][0]]
    drawn = {int(name.split("-")[1]) for name in data_of(page)["units"] if name.startswith("u1-")}
    assert 8 <= len(drawn) <= 40
    assert min(errors[j] for j in drawn) >= max(errors[j] for j in range(len(errors)) if j not in drawn)
    assert f">{len(drawn)} of {len(errors)}</text>" in page
    assert "Wide layers are drawn in part" in page
    assert 'class="label"' not in page


def test_a_layer_and_a_neuron_narrow_the_page() -> None:
    whole = data_of(page_of(CONFIGS / "penguins.yaml"))
    layer = data_of(page_of(CONFIGS / "penguins.yaml", "--layer=2"))
    assert {name.split("-")[0] for name in layer["units"]} == {"u2", "u3"}
    assert len(layer["stages"]) == 6
    neuron = data_of(page_of(CONFIGS / "penguins.yaml", "--layer=2", "--neuron=5"))
    assert [name for name in neuron["units"] if name.startswith("u3")] == ["u3-5"]
    assert len(neuron["edges"]) == 32
    assert re.search(r"Outputs: neuron 5 = -?0\.\d{6}\.$", neuron["stages"][1]["words"][0])
    assert words_of(neuron["units"]["u3-5"]) == words_of(whole["units"]["u3-5"])
    single = data_of(page_of(CONFIGS / "penguins.yaml", "--layer=1", "--neuron=5"))  # dropout: one in, one out
    assert list(single["units"]) == ["u1-5", "u2-5"]


def test_more_rows_than_fit_are_refused(tmp_path: Path) -> None:
    rows = [f"--row={number}" for number in range(1, 201)]
    refused = bpcli("trace", CONFIGS / "penguins.yaml", "--html", tmp_path / "t.html", *rows)
    assert refused.code == 2
    assert refused.err.splitlines()[-1] == (
        "error: 200 rows of this network do not fit on a page; "
        "choose fewer with --row, or part of the network with --layer"
    )
    assert not (tmp_path / "t.html").exists()


# Names from the data

HOSTILE = ["</script><script>alert(1)</script>", "\u202eabc", "[/red]", "a\"b'c&amp;<!--", "\x1b[31m"]


def test_names_from_the_data_are_shown_and_not_obeyed(tmp_path: Path) -> None:
    columns = {name: [1, 2, 3, 4] for name in HOSTILE}
    kinds = [HOSTILE[0], HOSTILE[1], HOSTILE[2], HOSTILE[0]]
    write_csv(tmp_path / "t.csv", {**columns, "</h1>kind": kinds})
    data = {"path": "t.csv", "target": "</h1>kind", "split": {"validation": 0, "test": 0}}
    path = tmp_path / "t.yaml"
    path.write_text(yaml.safe_dump({"data": data, "layers": [{"units": 2}]}))
    page = page_of(path)
    parsed = Checked(page)
    assert page.count("<script") == 2
    assert not re.search("[\u202e\x1b]|</h1>k|<!--", page)
    names = {unit["name"] for unit in data_of(page)["units"].values()}
    shown = ["</script><script>alert(1)</script>", "\\u202eabc", "[/red]", "a\"b'c&amp;<!--", "\\x1b[31m"]
    assert set(shown) <= names
    assert set(shown) <= set(parsed.words)
