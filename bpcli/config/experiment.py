"""The config of an experiment: the specs of all the parts, composed."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator

from bpcli.data.spec import DataSpec
from bpcli.nn.layers import Dense, LayerSpec
from bpcli.nn.losses import Loss
from bpcli.nn.optimizers import Adam, OptimizerSpec
from bpcli.nn.schedules import Constant, Schedule
from bpcli.spec import Sequence, Spec
from bpcli.training import TrainingSpec

ParameterValues = Sequence[float] | Sequence[Sequence[float]]

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"


class ExperimentConfig(Spec):
    """One experiment, whole: with the data it names, it determines a run to the last bit."""

    name: str = Field(
        default="experiment",
        max_length=100,
        json_schema_extra={"pattern": NAME},
        description="Begins the name of each run directory. Left out: the name of the config file.",
    )
    seed: int = Field(default=0, ge=0, lt=2**63, description="Decides every random number of the run.")
    dtype: Literal["float32", "float64"] = Field(default="float32", description="Of parameters and data.")
    data: DataSpec = Field(description="Where the rows are and what to predict.")
    layers: Sequence[LayerSpec] = Field(
        default=(Dense(units=64), Dense(units=32)),
        description="Hidden layers; the output layer follows from target and loss.",
    )
    initial_parameters: dict[str, ParameterValues] = Field(
        default={},
        description="Parameters to begin with, by names such as layers.0.weight, with a row for each input and a "
        "column for each neuron, and layers.0.bias; all others are drawn by their initializer.",
    )
    loss: Loss | None = Field(default=None, description="Left out: chosen from the target.")
    optimizer: OptimizerSpec = Field(default=Adam(), description="How parameters follow their gradient.")
    schedule: Schedule = Field(default=Constant(), description="How the learning rate changes.")
    training: TrainingSpec = Field(default=TrainingSpec(), description="How long, on how much, and when to stop.")

    @field_validator("name")
    @classmethod
    def _begins_a_folder_name(cls, name: str) -> str:
        if not re.fullmatch(NAME, name):
            raise ValueError("must begin with a letter or digit, and hold only letters, digits, '.', '_' and '-'")
        return name
