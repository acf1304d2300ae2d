"""Steps as machine code: all batches of a block in one call, or the parts of a long step that threads share."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bpcli.data.batches import Batch, part_of_batch
from bpcli.nn.layers import DropoutLayer, Position
from bpcli.randomness import Stream
from bpcli.training.plan import TrainingPlan
from bpcli.training.state import TrainingState
from bpcli.training.steps.base import Steps, Taken
from bpcli.training.steps.cut import Block, shard_count
from bpcli.training.steps.program import Program

MASKED_NUMBERS = 1 << 18
"""Random numbers drawn for dropout before the steps that use them: 1 MiB."""

NO_WEIGHT = np.empty(0, np.float32)


class CompiledSteps(Steps):
    """All steps of a block of batches in one call."""

    def __init__(self, plan: TrainingPlan, state: TrainingState) -> None:
        super().__init__(plan, state)
        batch = self.batches.size
        masked = sum(layer.n_out for layer in plan.network.layers if isinstance(layer, DropoutLayer))
        most = max(1, MASKED_NUMBERS // (batch * masked)) * batch if masked else self.batches.block_rows
        self._rows = min(self.batches.block_rows, most)
        self._program = Program(plan, state, self._rows)
        self._losses = np.empty(-(-self._rows // batch))

    def epoch(self, order: NDArray[np.intp], epoch: int, first: int) -> Iterator[Taken]:
        """See the base class."""
        step = first
        for block in self.batches.blocks(order, first):
            for start in range(0, len(block[0]), self._rows):
                part = part_of_batch(block, start, start + self._rows)
                losses = self._call(part, epoch, step)
                step += len(losses)
                yield list(zip(losses.tolist(), self._weights(part), strict=True))

    def _weights(self, block: Batch) -> list[float]:
        """The summed weights of each batch's rows."""
        x, _, weight = block
        starts = np.arange(0, len(x), self.batches.size)
        sums: list[float] = (
            np.diff(starts, append=len(x)) if weight is None else np.add.reduceat(weight, starts, dtype=np.float64)
        ).tolist()
        return sums

    def _call(self, block: Batch, epoch: int, first: int) -> NDArray[np.float64]:
        """Steps over the batches of a block; their losses, summed over rows."""
        from bpcli.nn.compiled.kernels import steps

        x, y, weight = block
        program, state, rows, batch = self._program, self.state, len(x), self.batches.size
        count = -(-rows // batch)
        self.position.epoch = epoch
        for index in range(count if program.dropout else 0):
            self.position.step = first + index
            for layer, mask in zip(program.dropout, program.masks, strict=True):
                layer.draw(self.position, mask[index * batch : min(rows, (index + 1) * batch)])
        for layer, mask in zip(program.dropout, program.masks, strict=True):
            layer.make_masks(mask[:rows])
        rates, losses = self.rates(epoch, first, count), self._losses[:count]
        taken = steps(
            program.gemm,
            program.layers,
            program.slopes,
            program.loss,
            program.optimizer,
            program.coefficients,
            program.rules,
            program.params,
            program.grads,
            program.m,
            program.v,
            program.memory,
            x.reshape(-1),
            y.reshape(-1),
            NO_WEIGHT if weight is None else weight,
            program.flat_masks,
            rows,
            batch,
            self.plan.network.layout.weights,
            state.optimizer.steps,
            rates,
            losses,
        )
        state.optimizer.steps += taken
        self.position.step = first + min(taken, count - 1)
        self.learning_rate = float(rates[max(taken - 1, 0)])
        if taken < count:
            raise self.explain(part_of_batch(block, taken * batch, (taken + 1) * batch))
        return losses


class CompiledParts:
    """The parts of a step as machine code, which lets other threads run meanwhile."""

    def __init__(self, plan: TrainingPlan, state: TrainingState) -> None:
        rows = plan.batch_size
        self._program, self._state = Program(plan, state, rows), state
        self._weights = plan.network.layout.weights
        self._positions = [Position(Stream(plan.seed, "dropout"), shard=index) for index in range(shard_count(plan))]
        self.grads = self._program.grads

    def begin(self, batch: Batch, at: Position, learning_rate: float) -> None:
        """See Parts."""
        x, y, weight = batch
        self._x, self._y, self._rows = x.reshape(-1), y.reshape(-1), len(x)
        self._weight = NO_WEIGHT if weight is None else weight
        self._at, self._learning_rate = at, learning_rate

    def rows(self, index: int, first: int, last: int, lane: int) -> float:
        """See Parts."""
        from bpcli.nn.compiled.kernels import rows_pass

        program, position = self._program, self._positions[index]
        position.epoch, position.step = self._at.epoch, self._at.step
        for layer, mask in zip(program.dropout, program.masks, strict=True):
            layer.draw(position, mask[first:last])
            layer.make_masks(mask[first:last])
        loss: float = rows_pass(
            program.gemm,
            program.layers,
            program.slopes,
            program.loss,
            program.params,
            program.memory,
            self._x,
            self._y,
            self._weight,
            program.flat_masks,
            0,
            self._rows,
            first,
            last,
        )
        return loss

    def weights(self, block: Block, lane: int) -> None:
        """See Parts."""
        from bpcli.nn.compiled.kernels import weight_gradient

        program, inputs = self._program, block.inputs
        weight_gradient(
            program.gemm,
            program.layers,
            block.layer.index,
            program.memory,
            self._x,
            0,
            self._rows,
            inputs.start,
            inputs.stop,
            program.grads,
        )

    def biases(self, lane: int) -> None:
        """See Parts."""
        from bpcli.nn.compiled.kernels import bias_gradients

        bias_gradients(self._program.layers, self._program.memory, self._rows, self._program.grads)

    def apply_rules(self, start: int, stop: int, lane: int) -> None:
        """See Parts."""
        from bpcli.nn.compiled.kernels import apply_rules

        apply_rules(self._program.rules, self._program.params, self._program.grads, start, stop, self._weights)

    def update(self, start: int, stop: int, lane: int) -> None:
        """See Parts."""
        from bpcli.nn.compiled.functions import ONE
        from bpcli.nn.compiled.kernels import update

        program = self._program
        update(
            program.optimizer,
            program.coefficients,
            self._learning_rate,
            self._state.optimizer.steps,
            program.params,
            program.grads,
            program.m,
            program.v,
            start,
            stop,
            self._weights,
            ONE,
        )
