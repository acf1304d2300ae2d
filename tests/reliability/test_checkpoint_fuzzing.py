"""A checkpoint that was changed is refused, or can be used for all that a checkpoint is for.

The digest belongs to the changed file, as it would after a change with intent: the content alone must decide.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checkpoints import NO_DIGEST, put_together, taken_apart, with_digest
from experiments import prepared, write_csv
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bpcli.errors import BpcliError, CheckpointError
from bpcli.experiment.prepared import Prepared
from bpcli.jobs.resume import resume_state
from bpcli.jobs.runner import Runner
from bpcli.models.evaluation import evaluate_split
from bpcli.models.model import Model
from bpcli.storage.checkpoint import Checkpoint
from bpcli.storage.run_directory import RunDirectory

SAMPLE, ALL = 120, 35_000
"""Cases of each of the three ways to change a file: in every run of the tests, and in the exhaustive one."""

ROWS = 24
INPUTS = {
    "a": [None if row == 5 else (row * 7 % 11) / 4 for row in range(ROWS)],
    "b": [row % 5 / 3 + row for row in range(ROWS)],
    "colour": ["red", "green", "", "blue"] * (ROWS // 4),
    "size": ["small", "large"] * (ROWS // 2),
    "old": ["true", "false", "true"] * (ROWS // 3),
}
TARGETS = {
    "word": ["no", "yes", "yes"] * (ROWS // 3),
    "quantity": [row * 0.37 for row in range(ROWS)],
    "digit": [row % 3 for row in range(ROWS)],
    "left": [row % 2 for row in range(ROWS)],
    "right": [row // 2 % 2 for row in range(ROWS)],
}
COLUMNS = {"b": {"type": "numeric", "encoder": "quantile"}, "size": {"type": "categorical", "encoder": "ordinal"}}
CONFIGS: dict[str, dict[str, Any]] = {
    "word": {"layers": [{"units": 2}, "batch_norm"], "optimizer": "adam"},
    "quantity": {"layers": ["layer_norm", {"units": 2, "activation": "gelu"}], "optimizer": "nadam"},
    "digit": {"layers": [], "optimizer": {"type": "sgd", "momentum": 0.9}, "schedule": "reduce_on_plateau"},
    "left": {
        "layers": [{"units": 2, "activation": "elu"}, {"type": "dropout", "rate": 0.5}],
        "optimizer": "rprop",
        "dtype": "float64",
    },
}


@dataclass(frozen=True)
class Subject:
    """A run that was made in earnest, stopped in its second epoch, and the checkpoint to go on from."""

    experiment: Prepared
    run: RunDirectory
    content: bytes


@pytest.fixture(scope="module")
def subjects(tmp_path_factory: pytest.TempPathFactory) -> list[Subject]:
    return list(_subjects(tmp_path_factory.mktemp("fuzz")))


def _subjects(folder: Path) -> Iterator[Subject]:
    write_csv(folder / "t.csv", {**INPUTS, **TARGETS})
    for target, config in CONFIGS.items():
        targets = ["left", "right"] if target == "left" else [target]
        data = {"path": "t.csv", "target": targets if len(targets) > 1 else target, "columns": COLUMNS}
        data["exclude"] = [name for name in TARGETS if name not in targets]
        experiment = prepared(folder, data=data, training={"epochs": 3, "batch_size": 8}, **config)
        run = RunDirectory.create(folder / target)
        calls = itertools.count()
        list(Runner(experiment, run).run(lambda calls=calls: next(calls) >= 4))  # type: ignore[misc]
        content = run.last.read_bytes()
        assert Checkpoint.from_bytes(content).header.counters["step"] > 0  # type: ignore[index]
        yield Subject(experiment, run, content)


# How files are changed

NESTED, LONG = "@nested@", "@long@"
HOSTILE = [
    *(None, True, False, 0, -1, 1, 2, 3, 2**31, 2**63, 10**30, -(10**400), 10**4299),
    *(0.5, -0.0, 1e-320, 1e308, -1e308, float("nan"), float("inf"), float("-inf")),
    *(
        "",
        "x",
        "a",
        "word",
        "relu",
        "sgd",
        "mse",
        "numeric",
        "categorical",
        "\0",
        "\ud800",
        "\u202e\n\x1b[31m",
        "0" * 64,
    ),
    *([], {}, [[]], [None], [0], [1, 1], [0.0, 0.0], {"": None}, {"type": "dense", "units": 1}, {"type": "affine"}),
    *(NESTED, LONG),
]


def _finished(text: str) -> str:
    """JSON with what Python's own writer cannot write: nesting without end, and a number of 5,000 digits."""
    return text.replace(f'"{NESTED}"', "[" * 50_000 + "]" * 50_000).replace(f'"{LONG}"', "9" * 5_000)


def _places(tree: Any) -> list[tuple[Any, Any]]:
    """Every value within a JSON document, as what holds it and its key there."""
    keys = tree.keys() if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    return [place for key in keys for place in [(tree, key), *_places(tree[key])]]


def _change(tree: Any, place: int, how: str, value: Any, other: int) -> None:
    """Replace, remove or add one value somewhere, or put one there that stands elsewhere."""
    places = _places(tree)
    (holder, key), value = places[place % len(places)], _copy(value)
    if how == "replace":
        holder[key] = value
    elif how == "remove":
        del holder[key]
    elif how == "add" and isinstance(holder, list):
        holder.insert(key, value)
    elif how == "add":
        holder[value if isinstance(value, str) else "surprise"] = value
    else:
        there, name = places[other % len(places)]
        holder[key] = _copy(there[name])


def _copy(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _copy(value) for key, value in tree.items()}
    return [_copy(value) for value in tree] if isinstance(tree, list) else tree


some = st.integers(0, 10**6)
edits = st.tuples(some, st.sampled_from(["replace", "remove", "add", "copy"]), st.sampled_from(HOSTILE), some)
flips = st.tuples(some, st.integers(0, 7).map(lambda bit: 1 << bit))
overwrites = st.tuples(some, st.binary(min_size=1, max_size=12)).map(lambda edit: (*edit, len(edit[1])))
replacements = st.tuples(some, st.binary(max_size=12), st.integers(0, 40))
cuts = flips | overwrites | replacements


def _cut(content: bytes, start: int, new: bytes | int, length: int = 1) -> bytes:
    """A stretch of bytes replaced by others, or one bit of a byte flipped."""
    start %= len(content) + 1
    if isinstance(new, int):
        new = bytes(byte ^ new for byte in content[start : start + 1])
    return content[:start] + new + content[start + length :]


# What must then hold


def _check(subject: Subject, content: bytes) -> str:
    """Refused in one line, or as good as any checkpoint: "refused", "loaded" or "unchanged"."""
    if content == subject.content:
        return "unchanged"
    try:
        checkpoint = Checkpoint.from_bytes(content)
    except CheckpointError as error:
        return _refused(str(error))
    again = Checkpoint.from_bytes(checkpoint.to_bytes())
    assert again.header.model_copy(update={"sha256": ""}) == checkpoint.header.model_copy(update={"sha256": ""})
    assert all(np.array_equal(again.vectors[name], vector) for name, vector in checkpoint.vectors.items())
    _use(subject, content)
    return "loaded"


def _refused(message: str) -> str:
    assert message.isprintable()
    assert len(message) < 10_000
    return "refused"


def _use(subject: Subject, content: bytes) -> None:
    """Predict, evaluate and go on with training: each comes to an answer, or to one of our errors in a line."""
    subject.run.last.write_bytes(content)
    model = Model.load(subject.run.last)
    with _ours():
        predicted = model.predict({name: _values(kind) for name, kind in model.preprocessor.input_kinds.items()})
        assert len(predicted) == 3
        if model.target.task in ("binary", "multiclass"):
            assert set(predicted) <= set(model.classes)
        else:
            assert not np.isnan(predicted.astype(float)).any()
    with _ours():
        assert evaluate_split(model, None).report.rows > 0
    with _ours():
        state = resume_state(subject.experiment, subject.run)
        list(Runner(subject.experiment, subject.run, state).run())


def _values(kind: str) -> list[Any]:
    return {"numeric": [0.5, None, 3], "boolean": [True, False, None], "categorical": ["red", "small", None]}[kind]


class _ours(suppress):
    """Lets our own errors pass, if they have something to say to a user."""

    def __init__(self) -> None:
        super().__init__(BpcliError)

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> bool:
        assert not isinstance(error, BpcliError) or all(line.isprintable() for line in error.messages)
        return super().__exit__(kind, error, traceback)


def _fuzz(strategy: st.SearchStrategy[Any], check: Callable[[Any], str], cases: int) -> Counter[str]:
    """Outcomes of so many cases."""
    outcomes: Counter[str] = Counter()

    @settings(
        max_examples=cases,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    @given(strategy)
    def run(case: Any) -> None:
        outcomes[check(case)] += 1

    run()
    return outcomes


cases = pytest.mark.parametrize("cases", [SAMPLE, pytest.param(ALL, marks=pytest.mark.exhaustive)])
subject_numbers = st.integers(0, len(CONFIGS) - 1)


@cases
def test_any_change_of_the_bytes_is_noticed(subjects: list[Subject], cases: int, record_property: Any):
    def check(case: Any) -> str:
        subject, content = subjects[case[0]], subjects[case[0]].content
        for cut in case[1]:
            content = _cut(content, *cut)
        return _check(subject, content)

    outcomes = _fuzz(st.tuples(subject_numbers, st.lists(cuts, min_size=1, max_size=3)), check, cases)
    record_property("cases", outcomes.total())
    assert outcomes["refused"] >= 0.8 * cases
    assert outcomes["loaded"] == 0


@cases
def test_bytes_that_were_changed_under_a_new_digest_are_judged_by_what_they_say(
    subjects: list[Subject], cases: int, record_property: Any
):
    def check(case: Any) -> str:
        subject = subjects[case[0]]
        header = Checkpoint.from_bytes(subject.content).header
        content = subject.content.replace(header.sha256.encode(), NO_DIGEST)
        for cut in case[1]:
            content = _cut(content, *cut)
        return _check(subject, with_digest(content))

    outcomes = _fuzz(st.tuples(subject_numbers, st.lists(cuts, min_size=1, max_size=2)), check, cases)
    record_property("cases", outcomes.total())
    assert outcomes["refused"] >= 0.3 * cases
    assert outcomes["loaded"] >= cases // 200 - 1, "a few changes do not matter"


@cases
def test_a_header_that_was_edited_is_refused_or_means_what_it_says(
    subjects: list[Subject], cases: int, record_property: Any
):
    def check(case: Any) -> str:
        subject = subjects[case[0]]
        entries, about, data = taken_apart(subject.content)
        for of_arrays, edit in case[1]:
            with suppress(ValueError):  # nothing is left to change
                _change(entries if of_arrays else about, *edit)
        return _check(subject, put_together(entries, about, data, _finished))

    of_arrays = st.integers(0, 5).map(lambda number: number == 0)
    strategy = st.tuples(subject_numbers, st.lists(st.tuples(of_arrays, edits), min_size=1, max_size=3))
    outcomes = _fuzz(strategy, check, cases)
    record_property("cases", outcomes.total())
    assert outcomes["refused"] >= 0.3 * cases
    assert outcomes["loaded"] >= 0.02 * cases  # Hypothesis also draws constants of the code, so the share varies
