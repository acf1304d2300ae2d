"""Requirements of a network on the batches and the augmentation of a config."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bpcli.arrays.fields import Grid
from bpcli.config.experiment import ExperimentConfig
from bpcli.errors import Mismatch, MismatchError
from bpcli.nn.losses import LossBase
from bpcli.nn.losses.combination import MEAN_LOGITS
from bpcli.nn.network import Network
from bpcli.nn.optimizers import OptimizerSpec
from bpcli.spec import type_name
from bpcli.system.memory import require_memory
from bpcli.wording import counted, quoted

if TYPE_CHECKING:
    from bpcli.training.augmentation.spec import AugmentSpec


def require_trainable(network: Network, config: ExperimentConfig, rows: int, loss: LossBase) -> None:
    """Raise MismatchError if batches of the training rows are too small, cannot be augmented, or have texts in vain."""
    _require_batches(network, config, rows)
    _require_shards(network, config, rows)
    _require_augmentable(config.augment, network, loss)
    _require_linear(network, config, loss, rows)
    if network.layout.sparse:
        _require_lazy(network, config)


def _require_batches(network: Network, config: ExperimentConfig, rows: int) -> None:
    """Raise MismatchError if every batch is too small for a layer. A last batch that is smaller does no harm."""
    batch = config.training.rows_per_step(rows)
    for layer in network.layers:
        if batch < layer.least_rows:
            raise MismatchError(
                Mismatch(
                    ("training", "batch_size"),
                    f"{layer.type} (layer {layer.index}) standardizes over the rows of a batch, and every batch has "
                    f"{counted(batch, 'row')}: use {layer.least_rows} or more, or layer_norm",
                )
            )


def _require_shards(network: Network, config: ExperimentConfig, rows: int) -> None:
    """Raise MismatchError for more shards than a batch has rows, and for a network that does not allow them."""
    shards = config.training.shards
    if shards is None:
        return
    path, batch = ("training", "shards"), config.training.rows_per_step(rows)
    if batch < shards:
        what = f"{shards} shards need batches of {shards} rows or more, and every batch has {counted(batch, 'row')}"
        raise MismatchError(Mismatch(path, what))
    for layer in network.layers:
        if layer.state() or layer.least_rows > 1:
            what = f"{layer.type} (layer {layer.index}) standardizes over the rows of a batch, which shards divide"
            raise MismatchError(Mismatch(path, f"{what}: use layer_norm, or omit shards"))
    if network.layout.sparse:
        what = f"not available for texts, such as column {quoted(network.layout.sparse[0].field)}: omit shards"
        raise MismatchError(Mismatch(path, what))


def _require_augmentable(spec: AugmentSpec | None, network: Network, loss: LossBase) -> None:
    """Raise MismatchError for inputs without images, changes that do not fit them, and targets without an average."""
    if spec is None:
        return
    from bpcli.training.augmentation.augmenter import image_inputs

    intake = network.stems.intake
    images = image_inputs(intake)
    if not images:
        what = "changes images, and the data has none: declare `input`, or a column of type image"
        raise MismatchError(Mismatch(("augment",), what))
    for shape in images.values():
        smallest = min(shape[:-1])
        for key, value in (("shift", spec.shift), ("cutout", spec.cutout)):
            if value >= smallest:
                raise MismatchError(Mismatch(("augment", key), f"must be less than the image's side, {smallest}"))
        _require_axes(spec, shape)
    if spec.mixup and len(intake.expanded) + len(intake.kept) > 1:
        what = "averages whole rows, and the data has other columns than the image: use the other changes"
        raise MismatchError(Mismatch(("augment", "mixup"), what))
    if spec.mixup and "regression" not in loss.tasks and not loss.gives_probabilities:
        what = f"averages targets, and {type_name(loss)} needs whole classes: use cross_entropy"
        raise MismatchError(Mismatch(("augment", "mixup"), what))


def _require_linear(network: Network, config: ExperimentConfig, loss: LossBase, rows: int) -> None:
    """Raise MismatchError for an ensemble whose linear member would not be linear, or takes too long to fit.

    Raises MemoryLimitError if the fit needs more memory than is available.
    """
    if config.ensemble is None or not config.ensemble.linear:
        return
    from bpcli.training.ridge import MOST_FEATURES, Ridge

    path, own = ("ensemble", "linear"), [stem.field.name for stem in network.stems.trained]
    own += [rows.field for rows in network.layout.sparse]
    if "regression" not in loss.tasks or loss.combination is not MEAN_LOGITS:
        raise MismatchError(Mismatch(path, f"requires a loss of numbers such as mse or mae, not {type_name(loss)}"))
    if own:
        what = f"column {quoted(own[0])} has layers or an embedding of its own, which a linear member cannot pass by"
        raise MismatchError(Mismatch(path, what))
    if network.n_in > MOST_FEATURES:
        what = f"{network.n_in:,} features are too many for a linear member, beyond {MOST_FEATURES:,}; omit it"
        raise MismatchError(Mismatch(path, what))
    require_memory(Ridge.bytes_needed(rows, network.n_in), "ensemble.linear: its fit", "omit it, or use fewer rows")


def _require_lazy(network: Network, config: ExperimentConfig) -> None:
    """Raise MismatchError for what changes weights of words that a batch does not have.

    These are most of the weights, so that each step would take hundreds of times as long.
    """
    from bpcli.nn.optimizers.lazy import is_lazy

    found = []
    column = quoted(network.layout.sparse[0].field)
    because = f"changes weights of words that a batch of column {column} does not have"
    if not is_lazy(config.optimizer):
        use = "use adam, adamw, adagrad, or sgd without momentum"
        found.append(Mismatch(("optimizer",), f"{_named(config.optimizer)} {because}: {use}"))
    if config.ensemble is not None and config.ensemble.members > 1:
        what = f"column {column} is of type text: use one network, or several runs by `bpcli train --seeds`"
        found.append(Mismatch(("ensemble", "members"), what))
    if config.training.average is not None:
        found.append(Mismatch(("training", "average"), f"a moving average {because}: delete it"))
    penalties = [name for name in ("l1", "l2") if getattr(config.training.penalty, name)]
    what = f"a penalty {because}: use adamw's weight_decay"
    found += [Mismatch(("training", "penalty", name), what) for name in penalties]
    if network.stems.tokens and network.layers[0].initialized_by_rows:
        where = ("layers", 0, "initializer") if config.layers else ("output", "initializer")
        found.append(Mismatch(where, f"data_std needs numbers, and column {column} is of type text"))
    if found:
        raise MismatchError(*found)


def _named(optimizer: OptimizerSpec) -> str:
    """Type of an optimizer, with the option that makes it other than lazy ones of the type."""
    option = next((name for name in ("momentum", "amsgrad") if getattr(optimizer, name, None)), None)
    return type_name(optimizer) if option is None else f"{type_name(optimizer)} with {option}"


def _require_axes(spec: AugmentSpec, shape: Grid) -> None:
    if len(shape) == 2:
        if spec.flip in ("vertical", "both"):
            what = "a series has no vertical axis; use horizontal"
            raise MismatchError(Mismatch(("augment", "flip"), what))
        if spec.rotate:
            raise MismatchError(Mismatch(("augment", "rotate"), "a series cannot be rotated"))
