"""Resolved configs as text: the same whether PyYAML or libyaml writes it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from commands import CONFIGS
from hypothesis import given
from hypothesis import strategies as st

from bpcli.config.loading import load_config
from bpcli.config.yaml_text import parse_yaml
from bpcli.storage.config_text import config_text, written_alike

pytestmark = pytest.mark.skipif(not yaml.__with_libyaml__, reason="PyYAML was built without libyaml")

WORDS = ("a", "true", "null", "~", "1e5", "-", "- a", "a: b", ": b", "#c", " x", "x ", "'", '"', "[a]", "{b}", "?")
WORDS += ("!t", "&a", "*a", "%", "@", "`", "|", ">", "..", "---", "=", "<<", "1_000", "0o7", "1:20", "2020-01-01")
TEXT = st.lists(st.sampled_from(WORDS), min_size=1, max_size=7).flatmap(
    lambda words: st.sampled_from(["", " "]).map(lambda between: between.join(words))
)
SCALARS = st.one_of(TEXT, st.none(), st.booleans(), st.integers(), st.floats())
VALUES = st.recursive(SCALARS, lambda item: st.lists(item) | st.dictionaries(TEXT, item))


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_configs_are_written_by_libyaml_to_the_same_bytes(path: Any) -> None:
    config = load_config(path).config.model_dump(mode="json", by_alias=True)
    assert written_alike(config)
    assert config_text(config) == config_text(config, libyaml=False)


@given(st.dictionaries(TEXT, VALUES, max_size=4))
def test_any_config_is_written_to_the_same_bytes(config: dict[str, Any]) -> None:
    assert config_text(config) == config_text(config, libyaml=False)


@pytest.mark.parametrize(
    "config",
    [
        {"": 1},
        {"name": "\U0001f600"},
        {"name": "word " * 30},
        {"name": "x" * 101},
        {"n" * 41: 0},
        {"name": "new\nline"},
        {"name": "0" + '"' * 80},
    ],
    ids=["empty", "beyond 16 bits", "folded", "long", "long key", "control character", "folded at an escape"],
)
def test_what_libyaml_writes_in_another_way_is_left_to_pyyaml(config: dict[str, Any]) -> None:
    assert not written_alike(config)
    text = config_text(config)
    assert text == config_text(config, libyaml=False)
    if "" not in config:
        assert parse_yaml(text, "c.yaml").data == config
