"""Recognition of a text's dialect from its first lines."""

from __future__ import annotations

import pytest

from bpcli.data.notations.dialect import Dialect
from bpcli.data.notations.text_recognition import recognise_dialect


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        ("a,b\n1,2\n", Dialect()),
        ("a;b\n1;2\n", Dialect()),
        ("a\tb\n1\t2\n", Dialect()),
        ("sep=;\na;b\n1;x\n", Dialect()),
        ("#id,x\n1,2\n2,3\n", Dialect()),
        ("region,2019,2020,2021\na,1,2,3\nb,4,5,6\n", Dialect()),
        ("a|b\n1|2\n3|4\n", Dialect(delimiter="|")),
        ('"a|b"|c\n"1|2"|3\n', Dialect(delimiter="|")),
        ("a;b\n37,5;1\n78,4;6\n", Dialect(decimal=",")),
        ("a;b\n1.234,5;1\n0,5;6\n", Dialect(decimal=",", thousands=".")),
        ("a;b\n108;x\n3.565;y\n", Dialect(decimal=",", thousands=".")),
        ("a;b\n0.125;x\n1.250;y\n", Dialect()),
        ("a;b\n1.5;2,5\n", Dialect()),
        ("# made in May, 2024\n# by hand\na,b\n1,2\n", Dialect(comment="#")),
        ("Report of 2024\n\nname,x\na,1\nb,2\nc,3\n", Dialect(skip_rows=2)),
        ('"Export, 30 November",,\n,,\nname,x,y\na,1,2\nb,2,2\nc,3,2\n', Dialect(skip_rows=2)),
        (",,\nname,x,y\na,1,2\nb,2,2\nc,3,2\n", Dialect(skip_rows=1)),
        (",,\na,1,2\nb,2,2\nc,3,2\n", Dialect()),
        (",,Export\nname,x,y\na,1,2\nb,2,2\nc,3,2\n", Dialect(skip_rows=1)),
        ("name,x,y\n,,\na,1,2\nb,2,2\nc,,\n,,\n,,2\n", Dialect()),
        ("5.3,3.2,setosa\n6.1,2.9,setosa\n", Dialect(header=False)),
        ('"a\nb",c\n1,2\n', Dialect()),
        ("1,2,3\n", Dialect()),
        ("1.5,2,low\n3,4.5,high\n5,6,low\n", Dialect(header=False)),
        ("1.5,2,low\n3,4.5,high\n5,6,high\n", Dialect()),
        ("", Dialect()),
        ("a\n", Dialect()),
    ],
)
def test_the_dialect_is_recognised_with_a_reason_for_each_key(text: str, dialect: Dialect) -> None:
    found = recognise_dialect(text.encode())
    assert found.dialect == dialect
    assert {key for key, value in vars(dialect).items() if value != getattr(Dialect(), key)} == found.reasons.keys()


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("latin-1", "cp1252"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
    ],
)
def test_the_encoding_is_recognised(encoding: str, found: str) -> None:
    text = "naïve;é\n1,5;2\n"
    assert recognise_dialect(text.encode(encoding)).dialect == Dialect(encoding=found, decimal=",")


def test_a_sample_may_end_within_a_character() -> None:
    assert recognise_dialect("a,b\n1,é".encode()[:-1]).dialect == Dialect()


def test_reasons_name_what_was_seen() -> None:
    reasons = recognise_dialect(b"a;b\n1.234,5;1\n").reasons
    assert reasons == {"decimal": "as in 1.234,5", "thousands": "as in 1.234,5"}
