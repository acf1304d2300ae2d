"""Frozen dataclasses behave as those of the standard library."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import re
from dataclasses import FrozenInstanceError, asdict, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import pytest

from bpcli.frozen import dataclass

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Point:
    """A point."""

    count: ClassVar[int] = 7
    x: int
    y: int = 2
    tags: list[str] = field(default_factory=list, compare=False)
    note: str = field(default="", repr=False, kw_only=True)
    area: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "area", self.x * self.y)

    @cached_property
    def doubled(self) -> int:
        """Twice the area."""
        return 2 * self.area


@dataclass(frozen=True, kw_only=True)
class Named(Point):
    """A point with a name, and another default of y."""

    y: int = 5
    name: str


@dataclasses.dataclass(frozen=True)
class Standard(Named):
    """A class frozen by the standard library."""

    last: int = 0


@dataclass(frozen=True)
class AfterStandard(Standard):
    """A class of ours above one of the standard library."""

    more: int = 1


@dataclass(frozen=True)
class Nothing:
    """A class without fields."""


@dataclass(frozen=True)
class Own:
    """A class with methods of its own."""

    x: int

    def __repr__(self) -> str:
        return "own"

    def __eq__(self, other: object) -> bool:
        return True


def test_instances_have_defaults_fresh_containers_and_what_is_computed_after():
    point = Point(3)
    assert (point.x, point.y, point.tags, point.note, point.area, point.doubled, Point.count) == (
        3,
        2,
        [],
        "",
        6,
        12,
        7,
    )
    assert point.tags is not Point(3).tags
    assert (Point.y, Point.count, hasattr(Point, "tags"), hasattr(Point, "x")) == (2, 7, False, False)


@pytest.mark.parametrize(
    ("given", "named"), [((), {}), ((1, 2, [], "note"), {}), ((1,), {"z": 1}), ((1,), {"x": 1}), ((1,), {"area": 1})]
)
def test_wrong_arguments_are_refused(given: tuple[Any, ...], named: dict[str, Any]):
    with pytest.raises(TypeError, match=r"__init__\(\)"):
        Point(*given, **named)


def test_a_default_that_instances_would_share_is_refused():
    with pytest.raises(ValueError, match="mutable default of field x"):

        @dataclass(frozen=True)
        class Shared:
            x: list[int] = []  # noqa: RUF012


def test_equality_and_hash_follow_from_the_class_and_the_compared_fields():
    assert Point(1, tags=["a"]) == Point(1)
    assert hash(Point(1, tags=["a"])) == hash(Point(1))
    assert Point(1) != Point(2)
    assert Point(1) != Named(x=1, y=2, name="")
    assert Point(1).__eq__(1) is NotImplemented
    assert Nothing() == Nothing()
    assert len({Nothing(), Nothing()}) == 1


def test_the_representation_names_the_fields():
    assert repr(Point(1, note="n")) == "Point(x=1, y=2, tags=[], area=2)"
    assert repr(Nothing()) == "Nothing()"


@pytest.mark.parametrize("name", ["x", "area", "new"])
def test_attributes_can_be_neither_set_nor_deleted(name: str):
    with pytest.raises(FrozenInstanceError, match=f"cannot assign to field '{name}'"):
        setattr(Point(1), name, 1)
    with pytest.raises(FrozenInstanceError, match=f"cannot delete field '{name}'"):
        delattr(Point(1), name)


def test_subclasses_of_both_kinds_have_the_fields_of_their_bases_in_order():
    names = ["x", "y", "tags", "note", "area", "name", "last", "more"]
    assert [one.name for one in fields(AfterStandard)] == names
    last = AfterStandard(2, name="n", last=4)
    assert (last.x, last.y, last.name, last.last, last.more, last.area) == (2, 5, "n", 4, 1, 10)
    assert Named(x=1, name="n").y == 5
    assert Point(1).y == 2
    with pytest.raises(FrozenInstanceError):
        last.x = 3  # type: ignore[misc]


def test_the_library_takes_them_for_its_own():
    point = replace(Point(1), y=4)
    assert point == Point(1, 4)
    assert asdict(point) == {"x": 1, "y": 4, "tags": [], "note": "", "area": 4}
    assert dataclasses.is_dataclass(Point)
    match point:
        case Point(x, 4):
            assert x == 1
        case _:
            pytest.fail("no match by position")


def test_copies_are_equal():
    for other in (copy.copy(Point(1)), copy.deepcopy(Point(1)), pickle.loads(pickle.dumps(Point(1)))):
        assert (other, other.area) == (Point(1), 2)


def test_methods_of_a_class_are_kept():
    assert repr(Own(1)) == "own"
    assert Own(1) == Own(2)
    assert hash(Own(1)) == hash(Own(1))


def test_no_class_is_frozen_by_the_standard_library_which_takes_longer():
    """A sixth of the start of a command went into frozen dataclasses."""
    texts = {path: path.read_text() for path in (ROOT / "bpcli").rglob("*.py") if path.name != "frozen.py"}
    frozen = [path for path, text in texts.items() if re.search(r"^@(dataclasses\.)?dataclass\(.*frozen", text, re.M)]
    assert len(frozen) > 100
    assert [path for path in frozen if "\nfrom bpcli.frozen import dataclass\n" not in texts[path]] == []
