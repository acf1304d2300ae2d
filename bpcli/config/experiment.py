"""Config of an experiment, composed of the specs of its parts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, field_validator, model_validator

from bpcli.arrays.fields import Signature
from bpcli.config.recipe import Recipe
from bpcli.data.spec import DataSpec
from bpcli.decision.spec import DecisionSpec
from bpcli.nn.layers import LayerSpec
from bpcli.nn.layers.dense import Dense
from bpcli.nn.losses import Loss
from bpcli.nn.network import Network
from bpcli.nn.optimizers import OptimizerSpec
from bpcli.nn.optimizers.adam import Adam
from bpcli.nn.output import OutputSpec
from bpcli.nn.schedules import Schedule
from bpcli.nn.schedules.constant import Constant
from bpcli.nn.stems import StemSpec
from bpcli.spec import Section, Sequence, Spec
from bpcli.training.spec import TrainingSpec

if TYPE_CHECKING:
    from bpcli.config.start_from import StartFrom
    from bpcli.config.tune import TuneSpec
    from bpcli.data.columns.image import InputSpec
    from bpcli.data.series.forecast_spec import ForecastSpec
    from bpcli.training.augmentation.spec import AugmentSpec
    from bpcli.training.ensemble import EnsembleSpec
else:
    StartFrom = Annotated[Spec, Section("bpcli.config.start_from:StartFrom")]
    TuneSpec = Annotated[Spec, Section("bpcli.config.tune:TuneSpec")]
    InputSpec = Annotated[Spec, Section("bpcli.data.columns.image:InputSpec")]
    ForecastSpec = Annotated[Spec, Section("bpcli.data.series.forecast_spec:ForecastSpec")]
    AugmentSpec = Annotated[Spec, Section("bpcli.training.augmentation.spec:AugmentSpec")]
    EnsembleSpec = Annotated[Spec, Section("bpcli.training.ensemble:EnsembleSpec")]

ParameterValues = Sequence[float] | Sequence[Sequence[float]]

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"


class ExperimentConfig(Spec):
    """Complete config of an experiment. With the data it names, it determines a run to the last bit."""

    name: str = Field(
        default="experiment",
        max_length=100,
        json_schema_extra={"pattern": NAME},
        description="Prefix of run directories. Default: the name of the config file.",
    )
    recipe: Recipe | None = Field(
        default=None,
        description="Defaults that follow from the data, for all keys that are not given: tabular, quick, linear, "
        "classic, image, text or series, with a version as in tabular@1.",
    )
    seed: int = Field(default=0, ge=0, lt=2**63, description="Seed of all random numbers of the run.")
    dtype: Literal["float32", "float64"] = Field(default="float32", description="Data type of parameters and data.")
    data: DataSpec = Field(description="Data files, and the target to predict.")
    input: InputSpec | None = Field(
        default=None, description="Shape of the input, if each row is an image or a series. Default: a row of columns."
    )
    forecast: ForecastSpec | None = Field(
        default=None, description="Forecast of a series, whose rows have a time (data.time). Default: none."
    )
    augment: AugmentSpec | None = Field(
        default=None, description="Random changes of the images in training. Default: none."
    )
    layers: Sequence[LayerSpec] = Field(
        default=(Dense(units=64), Dense(units=32)),
        description="Hidden layers. The output layer is determined by target and loss.",
    )
    skip: Literal["none", "linear"] = Field(
        default="none",
        description="linear: the output layer takes the features themselves beside the last hidden layer, so that the "
        "hidden layers learn what a linear model cannot.",
    )
    output: OutputSpec = Field(default=OutputSpec(), description="Initial parameters of the output layer.")
    start_from: StartFrom | None = Field(
        default=None, description="Trained model whose parameters and fitted preprocessing to start from."
    )
    initial_parameters: dict[str, ParameterValues] = Field(
        default={},
        description="Initial parameters by name, such as layers.0.weight (a row per input and a "
        "column per neuron) and layers.0.bias. All others are drawn by their initializer.",
    )
    loss: Loss | None = Field(default=None, description="Loss function. Default: determined by the target.")
    optimizer: OptimizerSpec = Field(default=Adam(), description="Update rule of the parameters.")
    schedule: Schedule = Field(default=Constant(), description="Schedule of the learning rate.")
    decision: DecisionSpec = Field(
        default=DecisionSpec(), description="Threshold of two classes or labels, and calibration of probabilities."
    )
    training: TrainingSpec = Field(default=TrainingSpec(), description="Epochs, batch size, and stopping rules.")
    ensemble: EnsembleSpec | None = Field(
        default=None, description="Train several networks in one run and average their predictions. Default: one."
    )
    tune: TuneSpec | None = Field(
        default=None, exclude=True, description="Search for better settings by bpcli tune. Other commands ignore it."
    )

    @model_validator(mode="after")
    def _check_forecast(self) -> ExperimentConfig:
        if self.forecast is not None and self.data.time is None:
            raise ValueError("forecast requires data.time, the column of the time of each row")
        if self.forecast is None and self.data.time is not None:
            raise ValueError("data.time requires forecast, such as forecast: {horizon: 12}")
        if self.forecast is not None and self.input is not None:
            raise ValueError("forecast gives the inputs their shape; omit input")
        _ = self.planned_layers  # raises ValueError for layers that no skip passes by
        if self.ensemble is not None and self.ensemble.linear and self.layers and self.skip == "none":
            raise ValueError("ensemble.linear requires skip: linear, a way past the hidden layers")
        if self.forecast is not None and self.folds:
            raise ValueError("folds of a series would be trained on what came later; omit ensemble.folds")
        return self

    @property
    def trained_members(self) -> int:
        """Number of networks that are trained."""
        return 1 if self.ensemble is None else self.ensemble.members

    @property
    def members(self) -> int:
        """Number of networks whose predictions are averaged: those that are trained, and a linear one if asked for."""
        return self.trained_members + (self.ensemble is not None and self.ensemble.linear)

    @property
    def folds(self) -> bool:
        """Whether each member is validated on a fold of the training rows."""
        return self.ensemble is not None and self.ensemble.folds

    def plan_network(self, signature: Signature, outputs: int, stems: Mapping[str, StemSpec]) -> Network:
        """Plan the network for the fields of a signature, with stems by field name.

        Layers of configs are planned only here.
        """
        return Network.plan(signature, stems, self.planned_layers, outputs, self.output.initializer)

    @property
    def planned_layers(self) -> tuple[LayerSpec, ...]:
        """Hidden layers, in a block that the features pass by if the config has such a skip."""
        if self.skip == "none" or not self.layers:
            return self.layers
        from bpcli.nn.layers.skip import passed_by

        return (passed_by(self.layers),)

    @field_validator("name")
    @classmethod
    def _valid_name(cls, name: str) -> str:
        if not re.fullmatch(NAME, name):
            raise ValueError("must begin with a letter or digit, and hold only letters, digits, '.', '_' and '-'")
        return name
