"""What a network is, as plain data and in lines: columns and their encodings, target, layers."""

from __future__ import annotations

from dataclasses import asdict
from math import prod
from typing import TYPE_CHECKING, Any

from bpcli.cli.console import aligned
from bpcli.wording import shown_shape

if TYPE_CHECKING:
    from bpcli.data.preprocess import Preprocessor
    from bpcli.nn.losses import LossBase
    from bpcli.nn.network import Network


def architecture(preprocessor: Preprocessor, network: Network, loss: LossBase) -> dict[str, Any]:
    """What comes in, what is made of it, and what comes out."""
    from bpcli.spec import type_name

    target = preprocessor.target
    return {
        "columns": [
            {key: value for key, value in asdict(column.summary()).items() if value != ()}  # a shape is an array's
            for column in preprocessor.inputs
        ],
        "target": {"names": list(target.names), "task": target.task, "classes": list(getattr(target, "classes", ()))},
        "loss": type_name(loss),
        "layers": [
            {
                "index": layer.index,
                "type": layer.type,
                "activation": layer.activation,
                "shape": [prod(layer.in_shape), prod(layer.out_shape)],
                "parameters": layer.parameters,
            }
            for layer in network.summary()
        ],
        "parameters": network.layout.size,
    }


def shown_kind(column: dict[str, Any]) -> str:
    """The kind of a column, and the shape of an array: `array 28 × 28`."""
    return " ".join(filter(None, [column["kind"], shown_shape(column.get("shape", ()))]))


def target_lines(summary: dict[str, Any]) -> list[str]:
    """Target and loss."""
    target = summary["target"]
    classes = f": {', '.join(target['classes'][:12])}{' …' if len(target['classes']) > 12 else ''}"
    names = ", ".join(target["names"])
    line = f"target  {names}, {target['task']}{classes if target['classes'] else ''}"
    return [*aligned([[line]]), f"loss    {summary['loss']}"]


def layer_lines(summary: dict[str, Any]) -> list[str]:
    """A table of the layers."""
    rows = [
        [
            str(layer["index"]),
            layer["type"],
            layer["activation"] or "",
            f"{layer['shape'][0]} → {layer['shape'][1]}",
            f"{layer['parameters']:,}",
        ]
        for layer in summary["layers"]
    ]
    return aligned([["layer", "type", "activation", "shape", "parameters"], *rows], right=(0, 4))
