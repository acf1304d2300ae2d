"""Remarks on windows that waste what they hold."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter

from bpcli.arrays.fields import Grid
from bpcli.nn.layers import LayerSpec
from bpcli.nn.layers.sequential import plan_sequence
from bpcli.nn.layers.window_remarks import window_remarks

LAYER: TypeAdapter[LayerSpec] = TypeAdapter(LayerSpec)


def remarks(shape: tuple[int, ...], spec: dict[str, Any]) -> list[str]:
    return [*window_remarks(LAYER.validate_python(spec).plan(2, Grid(shape)), "layer 2")]


@pytest.mark.parametrize(
    ("shape", "spec", "expected"),
    [
        ((8, 8, 1), {"type": "conv", "filters": 2, "kernel": 8, "stride": 8}, []),
        ((8, 8, 1), {"type": "conv", "filters": 2, "kernel": 3, "stride": 2}, []),
        ((8, 8, 1), {"type": "max_pool"}, []),
        ((8, 8, 1), {"type": "conv", "filters": 2, "kernel": 1, "stride": 8}, []),  # one position
        ((8, 2), {"type": "conv", "filters": 2, "kernel": 5}, []),
        (
            (8, 8, 1),
            {"type": "conv", "filters": 2, "kernel": [3, 9]},
            ["its kernel, 3 × 9, is larger than its input, 8 × 8: every position of it holds padding"],
        ),
        (
            (2, 6, 1),
            {"type": "avg_pool", "size": 3, "stride": 1, "padding": "same"},
            ["its window, 3 × 3, is larger than its input, 2 × 6: every position of it holds padding"],
        ),
        (
            (8, 2),
            {"type": "conv", "filters": 2, "kernel": 2, "stride": 3},
            ["its stride, 3, is larger than its kernel, 2: values between are never read"],
        ),
        (
            (8, 8, 1),
            {"type": "max_pool", "size": 2, "stride": [2, 3]},
            ["its stride, 2 × 3, is larger than its window, 2 × 2: values between are never read"],
        ),
        ((8, 8, 1), {"units": 4}, []),
    ],
)
def test_a_window_is_remarked_on_if_it_is_too_large_or_skips_values(
    shape: tuple[int, ...], spec: dict[str, Any], expected: list[str]
) -> None:
    assert remarks(shape, spec) == [f"layer 2: {one}" for one in expected]


def test_layers_within_others_are_named() -> None:
    wide = {"type": "conv", "filters": 1, "kernel": 9}
    block = {"type": "residual", "layers": [{"type": "conv", "filters": 1}, wide]}
    (found,) = remarks((8, 8, 1), block)
    assert found.startswith("layer 2.1: its kernel")
    stem = plan_sequence([LAYER.validate_python(one) for one in (block, wide)], 0, Grid((8, 8, 1)), ())
    assert [one.split(":")[0] for one in window_remarks(stem, "column 'photo'")] == [
        "column 'photo', layer 0.1",
        "column 'photo', layer 1",
    ]
