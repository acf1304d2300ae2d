"""Training that starts from another model: its parameters and fitted preprocessing, and what must be equal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from bpcli.arrays.memory import Array
from bpcli.config.experiment import ExperimentConfig
from bpcli.config.start_from import StartFrom, WarmStart
from bpcli.data.columns.text_column import TextColumn
from bpcli.data.examples.selection import Examples
from bpcli.data.preprocess import Preprocessor
from bpcli.data.preprocess.preprocessor import PLAIN
from bpcli.data.spec import DataSpec
from bpcli.data.table import Column, Kind
from bpcli.decision.fitted import FittedDecision
from bpcli.decision.spec import DecisionSpec
from bpcli.errors import DataError, Mismatch, MismatchError
from bpcli.nn.layers import Layer
from bpcli.nn.losses import Loss
from bpcli.nn.network import Network, layer_name
from bpcli.spec import type_name
from bpcli.training.evaluator import initial_values
from bpcli.training.plan import TrainingPlan
from bpcli.wording import counted, enumerated, listed, number, quoted

ADVICE = "make them equal, or train without start_from"


@dataclass(frozen=True)
class StartingModel:
    """Trained model that training starts from."""

    config: ExperimentConfig
    preprocessor: Preprocessor
    network: Network
    params: Array
    state: Array
    path: Path
    shown: str
    """Run directory or checkpoint, formatted for messages."""
    sha256: str
    epoch: int
    data: str
    """SHA-256 of the data that it was trained on."""
    decision: FittedDecision | None = None
    """Fitted thresholds and calibration; None for the default, and in checkpoints other than the best."""

    @property
    def reference(self) -> StartFrom:
        """Reference to this very checkpoint, for a config."""
        return StartFrom(checkpoint=str(self.path), sha256=self.sha256)

    def require_encoders(self, config: ExperimentConfig, header: Sequence[str]) -> None:
        """Raise MismatchError for the first column that the config treats in another way than the model's config.

        header: columns of the data; `known_inputs` names those that are missing.
        """
        for name, kind in self.preprocessor.input_kinds_in(header).items():
            if name not in header:
                continue
            here, there = _treatment(config.data, name, kind), _treatment(self.config.data, name, kind)
            different = next((key for key in here if here[key] != there.get(key)), None)
            if different is not None:
                what = (
                    f"column {quoted(name)}: {different} {here[different]}, but {there.get(different)} in {self.shown}"
                )
                raise MismatchError(Mismatch(("data", "columns", name), f"{what}; {ADVICE}"))

    def preferred_loss(self, columns: Sequence[Column]) -> Loss | None:
        """Loss of the model if its target fits the columns, so that fewer rows do not make it another target."""
        return self.config.loss if _target_difference(self.preprocessor, columns) is None else None

    def target_difference(
        self, config: ExperimentConfig, loss: Loss, fitted: Preprocessor, columns: Sequence[Column]
    ) -> str | None:
        """Reason why the output layer must be initialized, or None.

        fitted: preprocessing of the training rows, whose targets are `columns`.
        """
        before = self.config
        if before.loss is None or type_name(loss) != type_name(before.loss):
            return f"the loss is {type_name(loss)}, before {type_name(before.loss)}"
        if config.data.target_encoder != before.data.target_encoder:
            return "data.target_encoder has changed"
        if config.data.positive is not None and fitted.target.positive != self.preprocessor.target.positive:
            return f"the positive class is {fitted.target.positive}, before {self.preprocessor.target.positive}"
        return _target_difference(self.preprocessor, columns)

    def require_layers(self, network: Network) -> None:
        """Raise MismatchError for the first hidden layer that differs from the model's."""
        hidden = zip_longest(network.layers[:-1], self.network.layers[:-1])
        for index, (here, there) in enumerate(hidden):
            if _structure(here) != _structure(there):
                what = f"{_described(here)}, but {_described(there)} in {self.shown}"
                raise MismatchError(Mismatch(("layers", index), f"{what}; {ADVICE}"))

    def require_members(self, config: ExperimentConfig) -> None:
        """Raise MismatchError for an ensemble of another number of members than the model's; one network may be all."""
        if self.config.members not in (1, config.members):
            there = counted(self.config.members, "member")
            what = f"{counted(config.members, 'member')}, but {there} in {self.shown}; {ADVICE}"
            raise MismatchError(Mismatch(("ensemble", "members"), what))

    def taken(self, with_output: bool) -> tuple[dict[str, Array], dict[str, Array]]:
        """Parameters and layer state by name, with or without those of the output layer."""
        network, output = self.network, f"{layer_name(self.network.layers[-1])}."
        views = network.layout.views(self.params), network.state_layout.views(self.state)
        params, state = (
            {name: view for name, view in of.items() if with_output or not name.startswith(output)} for of in views
        )
        return params, state

    def with_target(self, fitted: Preprocessor) -> Preprocessor:
        """Preprocessing of new data with the model's target."""
        target, kinds = self.preprocessor.target, self.preprocessor.target_kinds
        return fitted.model_copy(update={"target": target, "target_kinds": kinds})

    def record(self, plan: TrainingPlan, config: ExperimentConfig, digest: str, initialized: str | None) -> WarmStart:
        """Record of what a plan takes over, with the scores of its validation rows before the first epoch.

        digest: SHA-256 of the data. initialized: reason why the output layer is not taken over, if so.
        """
        layers = len(plan.network.layers)
        return WarmStart(
            checkpoint=str(self.path),
            sha256=self.sha256,
            epoch=self.epoch,
            layers=tuple(range(layers if initialized is None else layers - 1)),
            initialized=initialized,
            warnings=tuple(self._warnings(config, digest)),
            scores={} if initialized else initial_values(plan),
        )

    def notes(self, record: WarmStart, network: Network, config: ExperimentConfig) -> list[str]:
        """Notes on what is taken over, and on what the config leaves out."""
        last, given = len(network.layers) - 1, config.initial_parameters
        what = "all layers" if record.initialized is None else enumerated(f"layer {index}" for index in record.layers)
        notes = [f"starts from {self.shown}, epoch {self.epoch}: its fitted preprocessing and {what or 'no layer'}"]
        if record.initialized is not None:
            notes.append(f"layer {last}, the output, is initialized: {record.initialized}")
        if record.scores:
            shown = ", ".join(f"{name} {number(value)}" for name, value in record.scores.items() if value is not None)
            notes.append(f"before the first epoch: {shown}")
        replaced = [name for name in given if record.initialized is None or not name.startswith(f"layers.{last}.")]
        if replaced:
            notes.append(f"initial_parameters: {listed(replaced)} taken over from {self.shown} instead")
        if record.initialized is None and config.decision == DecisionSpec() != self.config.decision:
            notes.append(self._left_decision())
        return notes

    def _left_decision(self) -> str:
        """Note that the model decides by a threshold or calibration, and the new run does not."""
        spec, fitted = self.config.decision, self.decision or FittedDecision()
        parts = []
        if spec.threshold is not None:
            values = ", ".join(f"{one.value:.4g}" for one in fitted.thresholds) if spec.aim is not None else ""
            aim = f"{spec.aim}, fitted {values}" if values else str(spec.threshold)
            parts.append(f"the threshold ({aim})")
        if spec.calibration is not None:
            parts.append(f"the calibration ({fitted.calibration or type_name(spec.calibration)})")
        verb = "is" if len(parts) == 1 else "are"
        return (
            f"{' and '.join(parts)} of {self.shown} {verb} not taken over, as the config has no decision: this run has "
            f"the default threshold, without calibration; to decide in the same way, give --set '{spec.setting}'"
        )

    def _warnings(self, config: ExperimentConfig, digest: str) -> list[str]:
        """Warning that the splits may mix rows which the model was trained on with unseen ones."""
        split, before = config.data.split, self.config
        folded = split.fold is not None or split.validation_fold is not None
        drawn = folded or (split.order != "time" and bool(split.validation or split.test))
        if not drawn and (not config.folds or split.order == "time"):
            return []
        if digest == self.data and _draw(config) == _draw(before):
            return []
        if config.folds:
            return [
                "the folds are drawn anew, so rows may be validated by members that learned from them in "
                f"{self.shown}, and scores out of fold be too good; to prevent that, train with the same data and "
                "seed, or set ensemble.folds to false and give validation rows by files or by data.split.column"
            ]
        return [
            f"the splits are drawn anew, so validation and test rows may be training rows of {self.shown}, and their "
            "scores too good; to prevent that, give the splits by files or by data.split.column"
        ]


def known_kinds(fitted: Preprocessor, data: DataSpec) -> dict[str, Kind]:
    """Kinds in which to read the columns of fitted preprocessing, unless the config declares them.

    The kind of a target is inferred unless it is a name: new words may have made classes of numbers.
    """
    kinds = fitted.evaluation_kinds
    numeric = {
        name for name, kind in zip(fitted.target.names, fitted.target_kinds, strict=True) if kind != "categorical"
    }
    return {name: kind for name, kind in kinds.items() if name not in data.kinds and name not in numeric}


def known_inputs(fitted: Preprocessor, data: DataSpec, selection: Examples, shown: str) -> list[str]:
    """Names of the input columns of fitted preprocessing in the table. Raises MismatchError if others are inputs."""
    names = list(fitted.input_kinds_in(selection.table))
    roles = {
        **dict.fromkeys(data.exclude, "excluded"),
        **dict.fromkeys([data.weight or ""], "the weight"),
        **dict.fromkeys([data.split.column or ""], "the split"),
        **dict.fromkeys(data.groups_alone, "the group"),
        **dict.fromkeys(selection.targets, "the target"),
    }
    for name in names:
        if name in roles or name not in selection.table:
            role = roles.get(name, "missing")
            raise MismatchError(
                Mismatch(("data",), f"column {quoted(name)} is {role}, but an input of {shown}; {ADVICE}")
            )
    more = next((name for name in selection.inputs if name not in {*names}), None)
    if more is not None:
        raise MismatchError(
            Mismatch(("data",), f"column {quoted(more)} is not an input of {shown}; add it to data.exclude")
        )
    return names


def _draw(config: ExperimentConfig) -> tuple[int, DataSpec, int]:
    """Everything that determines a random split of the same files, and folds."""
    split = config.data.split
    seed = config.seed if split.seed is None else split.seed
    folds = config.members if config.folds else 0
    return seed, config.data.choosing_rows.model_copy(update={"split": split.model_copy(update={"seed": None})}), folds


def _treatment(data: DataSpec, name: str, kind: Kind) -> dict[str, object]:
    """Type, encoder and imputation of a column, as the config describes them."""
    spec = data.columns.get(name) or (PLAIN[kind]() if kind in PLAIN else None)
    if spec is None:
        return {"type": "undeclared", "encoder": None, "impute": None}
    if isinstance(spec, TextColumn):
        return {"type": "text", "encoder": None, "impute": None, **spec.model_dump(exclude={"type", "missing"})}
    default = data.encoders.categorical if type_name(spec) == "categorical" else data.encoders.numeric
    encoder = getattr(spec, "encoder", None) or default
    options = [str(value) for value in encoder.model_dump().values() if value is not None]
    shown = " ".join(options) if hasattr(spec, "encoder") else None
    impute = getattr(spec, "impute", data.encoders.impute)
    if shown is None or type_name(spec) == "categorical":
        impute = None
    return {"type": type_name(spec), "encoder": shown, "impute": data.encoders.impute if impute is None else impute}


def _target_difference(fitted: Preprocessor, columns: Sequence[Column]) -> str | None:
    """First difference between a fitted target and columns, such as a new class; None if it can encode them."""
    target, names = fitted.target, [column.name for column in columns]
    if names != list(target.names):
        return f"the target is {listed(names)}, before {listed(target.names)}"
    kinds = [column.kind for column in columns]
    if kinds != list(fitted.target_kinds):
        return f"target {quoted(names[0])} is {kinds[0]}, before {fitted.target_kinds[0]}"
    try:
        unseen = target.truth_of(columns).unseen
    except DataError:
        return "the rows of the targets are not of one class each"
    if unseen:
        return f"target {listed(names)} has the new {'class' if len(unseen) == 1 else 'classes'} {listed(unseen)}"
    return None


def _structure(layer: Layer | None) -> Mapping[str, object] | None:
    """What gives the parameters of a layer their meaning."""
    if layer is None:
        return None
    slots = tuple((slot.name, slot.shape) for slot in (*layer.parameters(), *layer.state()))
    shapes = {"in": layer.in_shape, "out": layer.out_shape, "slots": slots}
    return {"type": layer.type, "units": layer.units, "activation": layer.summary().activation, **shapes}


def _described(layer: Layer | None) -> str:
    if layer is None:
        return "no layer"
    activation = layer.summary().activation
    units = "" if activation is None else f" of {counted(layer.n_out, 'unit')}, {activation}"
    unbiased = layer.multiplications > 0 and all(slot.name != "bias" for slot in layer.parameters())
    return f"{layer.type}{units}{' without biases' if unbiased else ''}"
