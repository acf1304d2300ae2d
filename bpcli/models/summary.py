"""Summary of a network: columns and their encodings, target, layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from math import prod
from typing import TYPE_CHECKING

from bpcli.arrays.fields import Grid
from bpcli.data.columns.base import InputSummary
from bpcli.data.preprocess import Preprocessor
from bpcli.documents.json_value import Json
from bpcli.experiment.memory_estimate import Footprint
from bpcli.experiment.prepared import Prepared
from bpcli.nn.layers import LayerSummary
from bpcli.nn.losses import LossBase
from bpcli.nn.network import Network
from bpcli.spec import type_name
from bpcli.wording import shown_shape

if TYPE_CHECKING:
    from bpcli.experiment.recipes.choice import Choice
    from bpcli.models.series_figures import SeriesFigures
    from bpcli.training.augmentation.spec import AugmentSpec
    from bpcli.training.ensemble import EnsembleSpec


@dataclass(frozen=True)
class ReadColumn(InputSummary):
    """Input column and its number of missing values in the data."""

    missing: int = 0


@dataclass(frozen=True)
class TargetSummary:
    """Target; `classes` is empty if it is not categorical, `positive` is one of two.

    ranges: of clipped predictions, in words, by column.
    """

    names: Sequence[str]
    task: str
    classes: Sequence[str]
    positive: str | None = None
    ranges: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LayerFigures:
    """Layer; `shape` has its numbers of inputs and outputs per row, `in_shape` and `out_shape` those of images."""

    index: int
    type: str
    activation: str | None
    shape: tuple[int, int]
    parameters: int
    in_shape: tuple[int, ...] = ()
    out_shape: tuple[int, ...] = ()

    @classmethod
    def of(cls, layer: LayerSummary) -> LayerFigures:
        """Figures of a layer."""
        return cls(
            layer.index,
            layer.type,
            layer.activation,
            (prod(layer.in_shape), prod(layer.out_shape)),
            layer.parameters,
            *((shape if isinstance(shape, Grid) else ()) for shape in (layer.in_shape, layer.out_shape)),
        )

    @property
    def shown(self) -> str:
        """Shapes of input and output, such as 28 × 28 × 1 → 10."""
        of_images = (self.in_shape, self.out_shape)
        return " → ".join(
            shown_shape(shape) if shape else str(count) for count, shape in zip(self.shape, of_images, strict=True)
        )


@dataclass(frozen=True)
class StemFigures:
    """Trained stem of a column; `shape` has its numbers of inputs, or categories, and of outputs.

    layers: those that it consists of, if there are several.
    """

    column: str
    type: str
    shape: tuple[int, int]
    parameters: int
    layers: Sequence[LayerFigures] = ()


@dataclass(frozen=True)
class NetworkSummary:
    """Inputs, trained stems, layers and target of a network."""

    columns: Sequence[InputSummary]
    target: TargetSummary
    loss: str
    layers: Sequence[LayerFigures]
    parameters: int
    stems: Sequence[StemFigures] = ()

    @classmethod
    def of(cls, preprocessor: Preprocessor, network: Network, loss: LossBase) -> NetworkSummary:
        """Summarize a network, its preprocessing and its loss."""
        target = preprocessor.target
        return cls(
            [column.summary() for column in preprocessor.inputs],
            TargetSummary(target.names, target.task, target.class_names, target.positive, target.shown_ranges),
            type_name(loss),
            [LayerFigures.of(layer) for layer in network.summary()],
            network.layout.size,
            [
                StemFigures(
                    stem.field.name,
                    stem.layer.type,
                    (stem.field.width, stem.layer.n_out),
                    stem.layer.summary().parameters,
                    [
                        replace(LayerFigures.of(layer.summary()), index=place)
                        for place, layer in enumerate(stem.layer.within)
                    ],
                )
                for stem in network.stems.trained
            ],
        )

    def to_json(self) -> dict[str, object]:
        """Summary as a JSON object; shapes, ranges of clipped predictions and stems only where there are any."""
        document = asdict(self)
        if not self.stems:
            del document["stems"]
        if not self.target.ranges:
            del document["target"]["ranges"]
        for stem in self.stems:
            if not stem.layers:
                del document["stems"][self.stems.index(stem)]["layers"]
        of_stems = [layer for stem in document.get("stems", ()) for layer in stem.get("layers", ())]
        for layer in [*document["layers"], *of_stems]:
            for name in ("in_shape", "out_shape"):
                if not layer[name]:
                    del layer[name]
        return {**document, "columns": [_column(one) for one in self.columns]}


@dataclass(frozen=True)
class ExperimentSummary:
    """Summary of a prepared experiment."""

    name: str
    rows: Mapping[str, int]
    columns: Sequence[ReadColumn]
    network: NetworkSummary
    batch_size: int
    steps_per_epoch: int
    memory: Footprint
    data_sha256: str
    notes: Sequence[str]
    warnings: Sequence[str]
    data_warnings: Sequence[Json]
    """All warnings, also accepted ones, with their names."""
    groups: Mapping[str, int] | None = None
    augment: AugmentSpec | None = None
    ensemble: EnsembleSpec | None = None
    recipe: str | None = None
    choices: Sequence[Choice] = ()
    """Choices of the recipe, if there is one."""
    final_rows: int | None = None
    """Rows of the final training, if there is one."""
    series: SeriesFigures | None = None
    """Windows of series, if there are any."""

    @classmethod
    def of(cls, prepared: Prepared) -> ExperimentSummary:
        """Summarize a prepared experiment."""
        network = NetworkSummary.of(prepared.preprocessor, prepared.network, prepared.plan.loss)
        return cls(
            name=prepared.config.name,
            rows={part: dataset.rows for part, dataset in prepared.datasets.items()},
            columns=[ReadColumn(**vars(one), missing=prepared.missing_of(one.name)) for one in network.columns],
            network=network,
            batch_size=prepared.plan.batch_size,
            steps_per_epoch=prepared.plan.steps_per_epoch,
            memory=prepared.memory,
            data_sha256=prepared.digest,
            notes=prepared.notes,
            warnings=[warning.text for warning in prepared.warnings],
            data_warnings=prepared.all_warnings,
            groups={part: count for part, count in prepared.groups.items() if count} if prepared.groups else None,
            augment=prepared.config.augment,
            ensemble=prepared.config.ensemble,
            recipe=prepared.config.recipe,
            choices=prepared.recipe,
            final_rows=None if prepared.final is None else prepared.final.plan.train.rows,
            series=_series_figures(prepared),
        )

    def to_json(self) -> dict[str, object]:
        """Summary as a JSON object, with the network's entries at the top level."""
        document = asdict(self)
        memory = document.pop("memory")
        del document["network"], document["columns"], document["choices"]
        if self.final_rows is None:
            del document["final_rows"]
        if self.series is None:
            del document["series"]
        del document["augment"]
        if self.augment is not None:
            document["augment"] = self.augment.model_dump()
        document["ensemble"] = None if self.ensemble is None else self.ensemble.model_dump()
        if self.recipe is not None:
            choices = [{"key": one.key, **vars(one), "path": list(one.path)} for one in self.choices]
            document["recipe"] = {"name": self.recipe, "choices": choices}
        first = {name: document.pop(name) for name in ("name", "rows", "groups")}
        last = {name: document.pop(name) for name in ("data_sha256", "notes", "warnings", "data_warnings")}
        columns = [_column(one) for one in self.columns]
        return {**first, **self.network.to_json(), "columns": columns, **document, "memory_bytes": memory, **last}


def _series_figures(prepared: Prepared) -> SeriesFigures | None:
    """Figures of the windows of series; None for other rows."""
    if prepared.windows is None:
        return None
    from bpcli.models.series_figures import SeriesFigures

    return SeriesFigures.of(prepared.windows, prepared.datasets)


def _column(summary: InputSummary) -> dict[str, object]:
    return {name: value for name, value in asdict(summary).items() if name not in ("shape", "rare") or value}
