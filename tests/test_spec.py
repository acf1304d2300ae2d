"""Specs are strict and frozen. Members of families have short forms, which their JSON Schema also accepts."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, ValidationError

from bpcli.spec import BareName, Family, Section, Sequence, Spec, Text, Words, type_name
from bpcli.wording import composed


class Constant(Spec):
    type: Literal["constant"] = "constant"


class Step(Spec):
    type: Literal["step"] = "step"
    every: int


class Cosine(Spec):
    type: Literal["cosine"] = "cosine"
    floor: float = 0.0


Schedule = Annotated[Constant | Step | Cosine, Family(), BareName()]
DefaultStep = Annotated[Step | Cosine, Family(), BareName(default="step")]


class Plan(Spec):
    schedule: Schedule = Constant()
    steps: Sequence[DefaultStep] = Field(default=(), min_length=1)
    other: Schedule | None = None
    numbers: Sequence[int] = ()
    names: str | Sequence[str] = ""


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("constant", Constant()),
        ("cosine", Cosine()),
        ({"type": "cosine", "floor": 1}, Cosine(floor=1.0)),
        ({"type": "step", "every": 2}, Step(every=2)),
        (Cosine(), Cosine()),
    ],
)
def test_a_member_is_its_bare_name_or_a_mapping_or_itself(given: Any, read: Spec) -> None:
    plan = Plan.model_validate({"schedule": given, "other": given})
    assert (plan.schedule, plan.other) == (read, read)
    assert type_name(plan.schedule) == type_name(read)


def test_members_that_no_value_names_are_not_built() -> None:
    """A config names few of the layers, optimizers and columns, and all of them would be half of the start."""

    class Named(Spec):
        type: Literal["named"] = "named"

    class Other(Spec):
        type: Literal["other"] = "other"

    class Holder(Spec):
        family: Annotated[Named | Other, Family(), BareName()]

    holder = Holder.model_validate({"family": "named"})
    assert (holder.family, holder.model_dump()) == (Named(), {"family": {"type": "named"}})
    assert (Named.__pydantic_complete__, Other.__pydantic_complete__) == (True, False)


def test_a_member_with_a_cached_property_is_written_without_it() -> None:
    class Cached(Spec):
        type: Literal["cached"] = "cached"

        @cached_property
        def _found(self) -> int:
            return 1

    class Holder(Spec):
        family: Annotated[Cached | Constant, Family()]

    holder = Holder(family=Cached())
    assert holder.family._found == 1
    assert (holder.model_dump(), holder.model_dump_json()) == (
        {"family": {"type": "cached"}},
        '{"family":{"type":"cached"}}',
    )


class Warmup(Spec):
    epochs: int
    shape: Sequence[int] = ()


class Sectioned(Spec):
    warmup: Annotated[Spec, Section(f"{__name__}:Warmup")] | None = None
    absent: Annotated[Spec, Section("no.such.module:Absent")] | None = None


def test_a_section_is_imported_and_built_only_for_a_value() -> None:
    assert Sectioned.model_validate({}) == Sectioned(warmup=None, absent=None)
    for given in ({"epochs": 3, "shape": [2]}, Warmup(epochs=3, shape=(2,))):
        read = Sectioned.model_validate({"warmup": given})
        assert (read.warmup, read.model_dump()["warmup"]) == (
            Warmup(epochs=3, shape=(2,)),
            {"epochs": 3, "shape": (2,)},
        )
    assert Sectioned.model_validate_json(read.model_dump_json()) == read


def test_an_error_within_a_section_is_at_its_place() -> None:
    for value, kind, place in (
        (3, "model_type", ("warmup",)),
        ({}, "missing", ("warmup", "epochs")),
        ({"epochs": 1, "shape": [2, "x"]}, "int_type", ("warmup", "shape", 1)),
    ):
        with pytest.raises(ValidationError) as caught:
            Sectioned.model_validate({"warmup": value})
        assert [(error["type"], error["loc"]) for error in caught.value.errors()] == [(kind, place)]


def test_the_json_schema_of_a_section_is_the_definition_of_its_class() -> None:
    class Holder(Spec):
        warmup: Annotated[Spec, Section(f"{__name__}:Warmup")] | None = None

    schema = Holder.model_json_schema()
    assert schema["properties"]["warmup"]["anyOf"] == [{"$ref": "#/$defs/Warmup"}, {"type": "null"}]
    assert schema["$defs"]["Warmup"] == Warmup.model_json_schema()


def test_an_error_within_a_member_is_at_its_place() -> None:
    with pytest.raises(ValidationError) as caught:
        Plan.model_validate({"steps": [{"every": 1}, {"every": "x", "to": 1}], "schedule": "sine"})
    assert [(error["type"], error["loc"]) for error in caught.value.errors()] == [
        ("union_tag_invalid", ("schedule",)),
        ("int_type", ("steps", 1, "step", "every")),
        ("extra_forbidden", ("steps", 1, "step", "to")),
    ]


def test_a_mapping_without_type_is_the_default_member() -> None:
    plan = Plan.model_validate({"steps": [{"every": 3}, "cosine", {"type": "step", "every": 4}]})
    assert plan.steps == (Step(every=3), Cosine(), Step(every=4))


MISFITS: dict[str, list[Any]] = {
    "schedule": ["sine", "step", {}, {"floor": 1}, {"type": "constant", "floor": 1}, 3, None],
    "steps": [[], ["step"], [{"floor": 1.0}], [{}], "cosine", {"every": 3}],
    "numbers": [[True], ["1"], [1.0], "12", {1: 2}, 1],
    "names": [3, [3], None],
    "unknown": [1],
}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field in MISFITS for value in MISFITS[field]])
def test_what_does_not_fit_is_refused(field: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        Plan.model_validate({field: value})


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan"), "1", True])
def test_a_number_is_a_finite_number(value: Any) -> None:
    with pytest.raises(ValidationError):
        Cosine(floor=value)


def test_a_list_becomes_a_tuple_and_a_spec_cannot_be_changed() -> None:
    plan = Plan.model_validate({"numbers": [1, 2], "names": ["a"]})
    assert (plan.numbers, plan.names) == ((1, 2), ("a",))
    with pytest.raises(ValidationError, match="frozen"):
        plan.numbers = ()  # type: ignore[misc]


def test_the_json_schema_takes_bare_names_and_asks_for_type_where_the_reader_does() -> None:
    schema = Plan.model_json_schema()
    family = [
        {"enum": ["constant", "cosine"], "type": "string"},
        {"$ref": "#/$defs/Constant", "required": ["type"]},
        {"$ref": "#/$defs/Step", "required": ["type"]},
        {"$ref": "#/$defs/Cosine", "required": ["type"]},
    ]
    properties = schema["properties"]
    assert properties["schedule"] == {"default": {"type": "constant"}, "oneOf": family, "title": "Schedule"}
    assert properties["other"]["anyOf"] == [{"oneOf": family}, {"type": "null"}]
    assert properties["steps"] == {
        "default": [],
        "items": {
            "oneOf": [
                {"enum": ["cosine"], "type": "string"},
                {"$ref": "#/$defs/Step"},
                {"$ref": "#/$defs/Cosine", "required": ["type"]},
            ]
        },
        "minItems": 1,
        "title": "Steps",
        "type": "array",
    }
    assert properties["numbers"]["items"] == {"type": "integer"}
    assert sorted(schema["$defs"]) == ["Constant", "Cosine", "Step"]
    assert schema["$defs"]["Step"]["required"] == ["every"]
    assert schema["$defs"]["Step"]["properties"]["type"]["const"] == "step"


def test_a_family_whose_members_all_need_a_value_has_no_bare_names_in_its_schema() -> None:
    class Every(Spec):
        type: Literal["every"] = "every"
        steps: int

    class Holder(Spec):
        family: Annotated[Step | Every, Family(), BareName()]

    family = Holder.model_json_schema()["properties"]["family"]
    assert [member["$ref"] for member in family["oneOf"]] == ["#/$defs/Step", "#/$defs/Every"]


class _Named(Spec):
    name: Text
    words: Words = ()


def test_text_and_words_are_in_composed_form() -> None:
    """The ohm sign and the letter omega are one character in composed form."""
    named = _Named.model_validate({"name": "Gro\u0308\u00dfe", "words": ["Zu\u0308rich", "\u2126"]})
    assert (named.name, named.words) == ("Gr\u00f6\u00dfe", ("Z\u00fcrich", "\u03a9"))
    assert composed("plain") == "plain"


def test_words_that_would_become_one_stay_as_they_are() -> None:
    words = ("Z\u00fcrich", "Zu\u0308rich")
    assert _Named(name="a", words=words).words == words
