"""Repetition of one training of a run, in memory: its epochs and weights compared with the recorded ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from bpcli.arrays.memory import Array
from bpcli.documents.json_value import Json
from bpcli.errors import DivergedError
from bpcli.jobs.differences import FirstDifference, WeightDifference, Weights, largest_difference, weights_sha256
from bpcli.jobs.epoch_record import epoch_record
from bpcli.storage.checkpoint import Checkpoint
from bpcli.storage.records import EpochRecord
from bpcli.training.loop import train
from bpcli.training.plan import EpochReport, Progress, TrainingPlan
from bpcli.training.state import Counters, TrainingState

NOT_COMPARED = "seconds"
"""Value of an epoch's record that is not compared: its duration."""

BEST_EPOCH = "best_epoch, which follows from the metrics"
"""What a tolerance leaves out: epochs that are equally good within it may change places."""


class Repetition:
    """Repeated training as far as it went.

    difference: first difference between the epochs' records. weights: digests of the checkpoints, by their names.
    epochs: number of epochs trained, of `wanted`. not_compared: values left out, with the reason.
    """

    def __init__(
        self,
        plan: TrainingPlan,
        last: Checkpoint,
        best: Checkpoint | None,
        records: Iterable[EpochRecord],
        names: tuple[str, str] = ("last", "best"),
        tolerance: float = 0.0,
        finish: Callable[[Array, Array], tuple[Array, Array]] = lambda params, state: (params, state),
    ) -> None:
        """Prepare the training.

        last: checkpoint of its state. best: of its best model. names: of both weights. finish: function from the
        parameters and layer state of trained members to those of the best model.
        """
        # The step at which a time limit ended the run does not follow from its config.
        self._plan = replace(plan, spec=plan.spec.model_copy(update={"max_time": None}))
        self._tolerance, self._finish = tolerance, finish
        assert last.header.counters is not None, "the checkpoint holds a state"
        counters = Counters.from_json(last.header.counters)
        an_epoch = plan.steps_per_epoch
        self._records = {record.epoch: record for record in records}
        self.not_compared: list[str] = []
        whole, steps = counters.epoch, counters.epoch * an_epoch + counters.step
        # Earlier versions counted the epoch that max_time cut short as a whole one.
        if counters.stop == "max_time" and last.header.optimizer_steps < steps:
            whole, steps = whole - 1, last.header.optimizer_steps
            self._records.pop(counters.epoch, None)
            self.not_compared.append(f"metrics of epoch {counters.epoch}, cut short by max_time")
        self._whole = whole
        self._of_last, self._of_best = names
        self.weights = {self._of_last: Weights(counters.epoch, steps, _weights_of(last))}
        self._checkpoints = {self._of_last: last}
        if best is not None:
            epoch = best.header.score.epoch
            at = min(epoch * an_epoch, steps) if epoch == counters.epoch else epoch * an_epoch
            self.weights[self._of_best] = Weights(epoch, at, _weights_of(best))
            self._checkpoints[self._of_best] = best
        epochs = max([whole, *self._records])
        self._end = max(epochs * an_epoch, *(weights.steps for weights in self.weights.values()))
        self.wanted = -(-self._end // an_epoch)
        self.epochs = 0
        self.difference: FirstDifference | None = None
        self.largest_metric: FirstDifference | None = None

    def run(self, threads: int | None = None) -> Iterator[EpochReport | Progress]:
        """Train again, yielding the events of training. The results are available afterwards."""
        state = self._plan.new_state()
        if self._look(state):
            return
        try:
            for event in train(self._plan, state, lambda: self._look(state), threads):
                if isinstance(event, EpochReport):
                    self._compare(event)
                yield event
        except DivergedError:
            pass  # counts as an early end
        if state.optimizer.steps < self._end:
            self._differ(FirstDifference(self.epochs + 1, None, final=self._is_final))
        for name, weights in list(self.weights.items()):
            if weights.now is None and weights.steps < state.optimizer.steps:
                del self.weights[name]
                self.not_compared.append(f"the {name} weights, which lie inside a block of compiled steps")

    def _look(self, state: TrainingState) -> bool:
        """Compute the digest of the weights at the steps of the run's checkpoints.

        Returns True after the run's last step.
        """
        for name, weights in self.weights.items():
            if weights.now is None and weights.steps == state.optimizer.steps:
                weights.now = weights_sha256(*self._vectors_of(name, state))
                weights.largest = None if weights.identical else self._largest(name, state)
        return state.optimizer.steps >= self._end

    def _largest(self, name: str, state: TrainingState) -> WeightDifference | None:
        """Largest difference of the state from a checkpoint."""
        checkpoint = self._checkpoints[name]
        network, vectors = self._plan.network, checkpoint.vectors
        params, layer_state = self._vectors_of(name, state)
        found = [
            largest_difference(network.layout, vectors["params"], params),
            largest_difference(network.state_layout, vectors["state"], layer_state),
        ]
        return max((one for one in found if one is not None), key=lambda one: one.scaled, default=None)

    def _compare(self, report: EpochReport) -> None:
        """Compare an epoch with the run's record, unless a crash kept the record from the file."""
        self.epochs = report.epoch
        if report.epoch > self._whole and report.epoch not in self._records:
            return
        was, now = _values(self._records.get(report.epoch)), _values(epoch_record(report))
        if not any(name.startswith("health.") for name in was):  # a run of a version without layer health
            now = {name: value for name, value in now.items() if not name.startswith("health.")}
        for name in now:
            if name != NOT_COMPARED and was.get(name) != now[name]:
                self._differ(FirstDifference(report.epoch, name, was.get(name), now[name], self._is_final))

    def _differ(self, difference: FirstDifference) -> None:
        self.difference = self.difference or difference
        if self._tolerance and difference.metric == "best_epoch":
            if BEST_EPOCH not in self.not_compared:
                self.not_compared.append(BEST_EPOCH)
        elif self.largest_metric is None or difference.scaled > self.largest_metric.scaled:
            self.largest_metric = difference

    @property
    def _is_final(self) -> bool:
        return self._plan.followed is not None

    def _vectors_of(self, name: str, state: TrainingState) -> tuple[Array, Array]:
        """Parameters and layer state of a state, as its checkpoint has them; moving averages in that of the best."""
        if name == self._of_best:
            return self._finish(state.average_params, state.average_layer_state)
        return state.params, state.layer_state


def _values(record: EpochRecord | None) -> dict[str, Json]:
    """Values of an epoch's record except its number; those of layers as `health.0.dead`."""
    if record is None:
        return {}
    named: dict[str, Json] = {**record.values, "best_epoch": record.best_epoch}
    for index, health in enumerate(record.health or ()):
        named |= {f"health.{index}.{name}": value for name, value in health._asdict().items()}
    return named


def _weights_of(checkpoint: Checkpoint) -> str:
    return weights_sha256(checkpoint.vectors["params"], checkpoint.vectors["state"])
