"""Estimate of the memory that training needs, before it is allocated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bpcli.arrays.expansion import Intake, is_plain
from bpcli.config.experiment import ExperimentConfig
from bpcli.data.batches import GATHERED_BYTES
from bpcli.data.preprocess import Preprocessor
from bpcli.data.table import Part
from bpcli.nn.inference import BLOCK_ROWS
from bpcli.nn.network import Network
from bpcli.nn.optimizers.update import BLOCK
from bpcli.training.baselines import MOST_FEATURES, MOST_NUMBERS
from bpcli.training.evaluator import EVALUATED_ROWS
from bpcli.training.health import HealthCheck

CHECKPOINT_COPIES = 3
"""Number of copies of a checkpoint's content in memory while it is written."""


MANY_TERMS = 3
"""Terms of the longest texts, which may be in one batch, as a multiple of the mean."""

COMPILED_BYTES = 200_000_000
"""Memory of numba and the compiled steps, in bytes. Measured: 115 MB if loaded from numba's cache, 200 MB if
compiled."""


@dataclass(frozen=True)
class Footprint:
    """Memory of training, in bytes."""

    data: int
    """Encoded rows of all splits."""
    parameters: int
    """Parameters, previous parameters, gradient, optimizer state, moving averages, and best parameters so far."""
    workspace: int
    """Scratch memory of a step and of the evaluation after an epoch, or of the test evaluation if larger."""
    checkpoint: int
    """Copies of the vectors while they are written, less the memory of evaluated rows, which is free by then."""

    compiled: int = 0
    """Numba and the compiled steps; 0 if steps are not compiled."""

    @property
    def total(self) -> int:
        """Sum of all parts."""
        return self.data + self.remaining

    @property
    def remaining(self) -> int:
        """Memory allocated after the rows are encoded."""
        return self.parameters + self.workspace + self.checkpoint + self.compiled


def estimate_memory(
    config: ExperimentConfig, network: Network, preprocessor: Preprocessor, rows: dict[Part, int]
) -> Footprint:
    """Estimate the memory of training with `rows` rows per split, excluding the source table."""
    dtype, exact = np.dtype(config.dtype), np.dtype(np.float64)
    train, members = rows["train"], config.members
    batch = config.training.rows_per_step(train) * members
    intake = network.stems.intake
    n_in, n_out = intake.numbers * dtype.itemsize, network.n_out * dtype.itemsize
    data = sum(preprocessor.bytes_needed(count, dtype) for count in rows.values())
    if config.training.class_weights is not None and preprocessor.weight is None:
        data += train * dtype.itemsize
    passed = batch if network.of_members(members) is not None else batch // members
    if batch < train or members > 1:
        row = n_in + n_out
        gathered = max(batch * row, min(members * train * row, GATHERED_BYTES * (batch // passed)))
    else:
        held = is_plain(intake.signature) and not preprocessor.scales_rows(train, dtype)
        gathered = train * (n_out + (0 if held else n_in))
    step = network.workspace_bytes(passed, dtype, training=True) + 2 * passed * n_out
    if config.augment is not None:
        from bpcli.training.augmentation.augmenter import Augmenter

        step += Augmenter.bytes_needed(config.augment, intake, batch // members, members, dtype)
    step += _tokens_bytes(config, network, preprocessor, batch, dtype)
    order = members * train * np.dtype(np.intp).itemsize * (1 if members == 1 else 2)
    parameters = network.layout.size * members
    # The check for finite parameters takes one byte per parameter.
    update = 2 * min(parameters, BLOCK) * dtype.itemsize + parameters
    evaluated = rows["validation"] or train
    logits = (evaluated * min(members, 2) + 3 * min(evaluated, EVALUATED_ROWS)) * n_out
    health = HealthCheck.bytes_needed(network, train, dtype)
    training = gathered + step + order + update + logits + health + _inference_bytes(network, dtype)
    testing = rows["test"] * n_out + parameters * exact.itemsize + _inference_bytes(network, exact)
    slots, averages = len(config.optimizer.slots), int(config.training.average is not None)
    return Footprint(
        data=data,
        parameters=(4 + averages + slots) * parameters * dtype.itemsize,
        workspace=max(training, testing, _baselines_bytes(config, network, train, evaluated, dtype)),
        checkpoint=max(0, CHECKPOINT_COPIES * (2 + averages + slots) * parameters * dtype.itemsize - BLOCK_ROWS * n_in),
    )


def _tokens_bytes(
    config: ExperimentConfig, network: Network, preprocessor: Preprocessor, batch: int, dtype: np.dtype[np.floating]
) -> int:
    """Bytes of the tokens of a batch, and of the update of their weights."""
    if not network.layout.sparse:
        return 0
    from bpcli.arrays.local_tokens import LocalTokens

    terms = {text.name: text.mean_terms for text in preprocessor.texts}
    total = 0
    for of in network.layout.sparse:
        entries, size = int(MANY_TERMS * terms[of.field] * batch), (of.stop - of.start) // of.units
        vectors = len(config.optimizer.slots) + 3  # the parameters, and scratch memory
        update = min(entries, size) * of.units * vectors * dtype.itemsize
        total += LocalTokens.bytes_needed(entries, batch, size, of.units, dtype) + update
    return total


def shards_bytes(network: Network, batch: int, shards: int, dtype: np.dtype[np.floating]) -> int:
    """Bytes of the memory that the shards of a batch do not share: for whole batches, the last batch, and threads."""
    return 3 * shards * network.part_bytes(-(-batch // shards), dtype)


def _inference_bytes(network: Network, dtype: np.dtype[np.floating]) -> int:
    """Bytes of inference, excluding parameters converted to another dtype."""
    inputs = 2 * BLOCK_ROWS * network.stems.intake.numbers * dtype.itemsize
    return network.workspace_bytes(BLOCK_ROWS, dtype, training=False) + inputs


def _baselines_bytes(
    config: ExperimentConfig, network: Network, train: int, evaluated: int, dtype: np.dtype[np.floating]
) -> int:
    """Bytes of the linear model that the network is compared with: its training rows three times, and the others."""
    features = Intake(network.stems.signature).numbers
    if not config.training.baselines or features > MOST_FEATURES:
        return 0
    fitted = min(train * features, MOST_NUMBERS)
    moments = 2 * features * features * np.dtype(np.float64).itemsize
    return (3 * fitted + evaluated * features) * dtype.itemsize + moments
