"""Space of a search for a config that names none: around the learning rate, decay and dropout of its recipe."""

from __future__ import annotations

from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from bpcli.config.experiment import ExperimentConfig
from bpcli.experiment.opening import open_experiment
from bpcli.storage.config_text import flow_text

TRIALS = 30

RATE_FACTOR = 4.0
"""Learning rates are searched between the recipe's divided by this and multiplied by it."""

DECAY_FACTOR = 10.0
"""The same of the weight decay."""

MOST_DROPOUT = 0.4


def default_space(config: ExperimentConfig) -> dict[str, Any]:
    """Space for a resolved config: what decides most, around the values that it has."""
    optimizer = config.optimizer.model_dump(mode="json")
    space: dict[str, Any] = {"optimizer.learning_rate": _around(optimizer["learning_rate"], RATE_FACTOR)}
    if optimizer.get("weight_decay"):
        space["optimizer.weight_decay"] = _around(optimizer["weight_decay"], DECAY_FACTOR)
    for index, layer in enumerate(config.layers):
        document = layer.model_dump(mode="json")
        if document.get("type") == "dropout":
            space[f"layers.{index}.rate"] = {"uniform": [0.0, max(MOST_DROPOUT, document["rate"])]}
    return space


def search_section(text: str, folder: Path, cache: bool = True) -> str:
    """Section `tune` of a config, as lines of YAML. text: of the config, whose paths are relative to the folder."""
    with NamedTemporaryFile("w", suffix=".yaml", dir=folder, encoding="utf-8") as file:
        file.write(text)
        file.flush()
        space = default_space(open_experiment(Path(file.name), cache=cache).config)
    lines = [
        "tune:    # bpcli tune chooses these by training; other commands ignore the section",
        f"  trials: {TRIALS}",
        "  space:",
        *(f"    {key}: {flow_text(one)}" for key, one in space.items()),
    ]
    return "\n".join(lines) + "\n"


def _around(value: float, factor: float) -> dict[str, list[float]]:
    return {"log_uniform": [float(f"{value / factor:.3g}"), float(f"{value * factor:.3g}")]}
