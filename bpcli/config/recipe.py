"""The `recipe` key of a config: a named and versioned set of defaults."""

from __future__ import annotations

import re
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field

from bpcli.wording import quoted, suggestion

RecipeName = Literal["tabular", "quick", "linear", "classic", "image", "text", "series"]

NAMES: tuple[RecipeName, ...] = get_args(RecipeName)

NEWEST = 1
"""Version of the recipes that a name without a version stands for."""


def _versioned(text: str) -> str:
    name, _, version = text.partition("@")
    if name not in NAMES:
        hint = suggestion(name, NAMES) or f"; choose {', '.join(NAMES[:-1])} or {NAMES[-1]}"
        raise ValueError(f"unknown recipe {quoted(name)}{hint}")
    if version and (not version.isdecimal() or not 1 <= int(version) <= NEWEST):
        raise ValueError(f"no version {quoted(version)} of recipe {name}; the newest is {name}@{NEWEST}")
    return f"{name}@{int(version or NEWEST)}"


PATTERN = rf"^({'|'.join(map(re.escape, NAMES))})(@[0-9]+)?$"

Recipe = Annotated[str, AfterValidator(_versioned), Field(json_schema_extra={"pattern": PATTERN})]
"""Name and version of a recipe, `tabular@1`. Without a version, the newest."""
