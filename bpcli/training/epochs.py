"""The end of an epoch: validation, tracking of the best epoch, and stopping."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from time import perf_counter

from bpcli.data.table import Part
from bpcli.documents.layer_health import LayerHealth
from bpcli.training.evaluator import Evaluator
from bpcli.training.health import HealthCheck
from bpcli.training.plan import EpochReport
from bpcli.training.state import StopReason
from bpcli.training.steps.base import Steps
from bpcli.training.steps.exchange import LOCAL, Exchange

CONVERGED_EPOCHS = 10
"""Training has converged after this many epochs in a row without a fall of its loss by more than `tolerance`."""


class EpochCloser:
    """Ends epochs: evaluates, updates the counters, and decides whether to stop."""

    def __init__(self, steps: Steps, clock: Callable[[], float] = perf_counter, exchange: Exchange = LOCAL) -> None:
        """exchange: of a distributed run, whose first worker evaluates."""
        self.steps, self.plan, self.state = steps, steps.plan, steps.state
        plan, state, self._clock, self._exchange = self.plan, self.state, clock, exchange
        self._health = HealthCheck(steps) if exchange.rank == 0 else None
        needed = plan.validation is not None or plan.goal is not None or plan.monitor.needs_evaluation
        evaluated = plan.train if plan.validation is None else plan.validation
        self._evaluates = needed and plan.followed is None
        self._evaluator = Evaluator(plan, state, evaluated) if self._evaluates and exchange.rank == 0 else None

    def finish_epoch(self, started: float, rows_per_second: float) -> EpochReport:
        """Evaluate, update the counters, and return the epoch's report. Raises DivergedError."""
        plan, state, steps = self.plan, self.state, self.steps
        # The rate of the epoch's last step, which may precede the checkpoint that training resumed from.
        learning_rate = steps.rate(state.counters.epoch, steps.batches.count - 1)
        train_loss = state.counters.loss_sum / state.counters.weight_sum + steps.rules.penalty(state.params)
        if not isfinite(train_loss):
            raise steps.diverged("penalty on the weights")
        values: dict[str, float | None] = {"train_loss": train_loss}
        if self._evaluates:
            values = self._exchange.tell(self._evaluate) | values
        health = self._exchange.tell(self._look)
        steps.ended = None  # measured by the first worker
        improved = self._count(self._watched(values), train_loss)
        when = plan.spec.stop_when
        unhealthy = when is not None and any(when.exceeded(layer) for layer in health)
        state.count(unhealthy=state.counters.unhealthy + 1 if unhealthy else 0)
        state.count(
            epoch=state.counters.epoch + 1, step=0, loss_sum=0.0, weight_sum=0.0, seconds=self._clock() - started
        )
        if improved:
            state.keep_best()
            state.count(best_epoch=state.counters.epoch)
        state.count(stop=self._reason_to_stop(values))
        return EpochReport(
            epoch=state.counters.epoch,
            train_loss=train_loss,
            validation_loss=values.get("validation_loss"),
            metrics={key: value for key, value in values.items() if key not in ("train_loss", "validation_loss")},
            learning_rate=learning_rate,
            seconds=state.counters.seconds,
            rows_per_second=rows_per_second,
            monitor=plan.monitor.name,
            best_epoch=state.counters.best_epoch,
            best=plan.monitor.less_is_better(state.counters.best),
            improved=improved,
            stop=state.counters.stop,
            health=health,
            member_losses=self._evaluator.member_losses if plan.validation is not None and self._evaluator else (),
            final_epochs=None if plan.followed is None else plan.epochs,
        )

    def _look(self) -> tuple[LayerHealth, ...]:
        """Health of all layers."""
        assert self._health is not None
        return self._health.look(self.state.counters.epoch)

    def _evaluate(self) -> dict[str, float | None]:
        """Loss and metrics of the evaluated rows with the current parameters. Raises DivergedError."""
        assert self._evaluator is not None
        part: Part = "train" if self.plan.validation is None else "validation"
        values = self._evaluator.evaluate(part)
        if values is None:
            layer = self.plan.network.layers[-1]
            raise self.steps.diverged(f"loss of {part} rows, after layer {layer.index} ({layer.type})")
        return values

    def _watched(self, values: dict[str, float | None]) -> float:
        """Monitored value of the epoch, so that less is better; that of the training that this one follows."""
        plan = self.plan
        if plan.followed is not None:
            return plan.followed[self.state.counters.epoch]
        value = values[plan.monitor.name]
        return float("inf") if value is None else plan.monitor.less_is_better(value)

    def _count(self, watched: float, train_loss: float) -> bool:
        """Update the counters of the stopping rules. True if the monitored value is the best so far."""
        plan, state, counters = self.plan, self.state, self.state.counters
        stopping = plan.spec.early_stopping
        if watched < counters.reference - (stopping.min_delta if stopping else 0.0):
            state.count(reference=watched, stale=0)
        else:
            state.count(stale=counters.stale + 1)
        tolerance = plan.spec.tolerance or 0.0
        if train_loss < counters.lowest - tolerance:
            state.count(lowest=train_loss, converged=0)
        else:
            state.count(converged=counters.converged + 1)
        state.count(plateau=plan.schedule.observe(watched, counters.plateau))
        if watched < counters.best:
            state.count(best=watched)
            return True
        return False

    def _reason_to_stop(self, values: dict[str, float | None]) -> StopReason | None:
        spec, counters = self.plan.spec, self.state.counters
        goal = self.plan.goal
        if self.plan.followed is not None:
            return "epochs" if counters.epoch >= self.plan.epochs else None
        if spec.goal is not None and goal is not None and goal.is_reached(values[goal.name], spec.goal.value):
            return "goal"
        if spec.stop_when is not None and counters.unhealthy >= spec.stop_when.epochs:
            return "stop_when"
        if spec.early_stopping is not None and counters.stale >= spec.early_stopping.patience:
            return "early_stopping"
        if spec.tolerance is not None and counters.converged >= CONVERGED_EPOCHS:
            return "tolerance"
        if spec.max_time is not None and counters.seconds > spec.max_time:
            return "max_time"
        return "epochs" if counters.epoch >= spec.epochs else None
