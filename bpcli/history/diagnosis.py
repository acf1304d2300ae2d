"""What is wrong with a training, in words: which layer, since when, and what to do about it.

The bounds lie between what was measured on networks that learn well and on networks that do not. In the configs that
ship with bpcli at most 0.23 of a layer's units were dead and none saturated (0.62 and 0.34 in networks that learned all
the same, at rates ten times too high and from large weights); gradients had norms up to 4, the first layer's in the
median epoch at least 0.16 of the last's; at most two epochs had an update ratio above 0.1, and at most four, at the end
of a schedule, none above 1e-6. Rates that were far too high left 0.8 to 1 of the units dead or saturated; eight layers
of sigmoid had a ratio of gradients of 4e-5 and less, weights that were drawn far too large gradients of 1e4 to 1e6.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping
from math import nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.storage.run_directory import health_of, measured

STUCK = 0.75
"""Share of a layer's units."""

EXPLODED = 1e3
"""Norm of a layer's gradient in the epochs at the end, where the loss has not fallen to a hundredth of its first value:
a target in large units has large gradients too."""

VANISHED = 1e-3
"""Norm of the first layer's gradient over that of the last's, in the median epoch."""

TOO_LARGE, TOO_SMALL = 0.2, 1e-6
"""Update ratios."""

LONG = 10
"""Epochs for which something must have been so that it is no accident."""

OVERFITTED = 1.5
"""Validation loss at the end over its lowest; in the configs that ship with bpcli at most 1.34."""

FALLING = 0.005
"""Share of the training loss by which it falls from the last tenth of the epochs but one to the last."""

Column = NDArray[np.float64]


class _History:
    """The epochs' records as columns, NaN for what they lack."""

    def __init__(self, records: Iterable[Mapping[str, Any]], activations: Mapping[int, str]) -> None:
        self.normalizes = False
        losses = {name: array("d") for name in ("train_loss", "validation_loss")}
        names = ("gradient_norm", "update_ratio", "dead", "saturated")
        measures = {(layer, name): array("d") for layer in activations for name in names}
        epochs = array("q")
        for record in records:
            epochs.append(record["epoch"])
            for name, column in losses.items():
                column.append(_or_nan(measured(record.get(name))))
            by_layer = health_of(record)
            self.normalizes |= any(layer not in activations for layer in by_layer)
            for (layer, name), column in measures.items():
                column.append(_or_nan(measured(by_layer.get(layer, {}).get(name))))
        self.epochs = np.array(epochs)
        self.train, self.validation = (np.array(column) for column in losses.values())
        self._measures = measures

    def of(self, layer: int, name: str) -> Column:
        """A measure of a layer, epoch by epoch."""
        return np.array(self._measures[layer, name])

    def since(self, holds: NDArray[np.bool_]) -> int | None:
        """Where the epochs begin, two at least or all there are, in which something holds up to the last."""
        broken = np.flatnonzero(~holds)
        start = int(broken[-1]) + 1 if len(broken) else 0
        length = len(holds) - start
        return start if length and (length > 1 or not start) else None

    def learned_before(self, start: int) -> bool:
        """Whether the training loss had halved before an epoch, and has not risen since."""
        loss = self.train
        return start > 0 and self.has_fallen(0.5, start - 1) and bool(loss[-1] <= loss[start - 1])

    def has_fallen(self, share: float, place: int = -1) -> bool:
        """Whether the training loss fell by more than a share of its first value, whatever the sign of that."""
        first = self.train[0]
        return bool(first - self.train[place] > share * abs(first))


def diagnose(records: Iterable[Mapping[str, Any]], activations: Mapping[int, str], stop: str | None) -> list[str]:
    """A sentence for everything that is wrong with a training; none for one that is well.

    What may follow from another fault is left out beside that.

    records: the lines of metrics.jsonl. activations: the name of each dense layer's activation by the layer's index, in
    order. stop: why training ended, as in the run's summary, if it did.
    """
    history = _History(records, activations)
    if not len(history.epochs):
        return []
    with np.errstate(all="ignore"):
        return (
            [*_stuck(history, activations), *_exploding(history, activations), *_overfitting(history, stop)]
            or [*_vanishing(history, activations)]
            or [*_large_updates(history, activations)]
            or [*_small_updates(history, activations)]
            or [*_not_falling(history)]
            or [*_still_falling(history, stop)]
        )


def _stuck(history: _History, activations: Mapping[int, str]) -> Iterator[str]:
    """Layers whose units are dead or saturated, unless that came about while the network learned."""
    advice = {
        "dead": "lower the learning rate, or use leaky_relu",
        "saturated": "lower the learning rate, or use smaller initial weights or scaled inputs",
    }
    for layer, activation in activations.items():
        for state, what_to_do in advice.items():
            share = history.of(layer, state)
            start = history.since(share >= STUCK)
            if start is not None and not history.learned_before(start):
                least = 100 * share[start:].min()
                yield (
                    f"layer {layer}: at least {least:.0f} % of {activation} units are {state} since epoch "
                    f"{history.epochs[start]}; {what_to_do}"
                )


def _vanishing(history: _History, activations: Mapping[int, str]) -> Iterator[str]:
    """Not where layers other than dense ones have parameters: these normalize, which keeps gradients from vanishing.

    Of a short last batch, though, they pass back little: batch_norm 0.0008 of the gradient where that had two rows.
    """
    if history.normalizes:
        return
    first, last = min(activations), max(activations)
    ratio = history.of(first, "gradient_norm") / history.of(last, "gradient_norm")
    known = np.sort(ratio[np.isfinite(ratio)])
    if len(known) >= LONG and (middle := known[len(known) // 2]) < VANISHED:  # np.median loads masked arrays: 10 ms
        yield (
            f"layer {first}: its gradient vanishes, with a norm of {middle:.1g} times that of layer {last} in the "
            "median epoch; use fewer layers, relu in place of activations with bounds, or batch_norm between layers"
        )


def _exploding(history: _History, activations: Mapping[int, str]) -> Iterator[str]:
    worst = max(activations, key=lambda layer: float(np.nan_to_num(history.of(layer, "gradient_norm")[-1])))
    norm = history.of(worst, "gradient_norm")
    start = history.since(norm > EXPLODED)
    if start is not None and not history.has_fallen(0.99):
        yield (
            f"layer {worst}: its gradient explodes, with a norm of {norm[-1]:.1g} and above {EXPLODED:.0f} since epoch "
            f"{history.epochs[start]}; use smaller initial weights, a lower learning rate or training.clip.norm, and a "
            "target that is scaled"
        )


def _large_updates(history: _History, activations: Mapping[int, str]) -> Iterator[str]:
    for layer in activations:
        ratio = history.of(layer, "update_ratio")
        large = int(np.count_nonzero(ratio > TOO_LARGE))
        if large >= LONG and 2 * large > len(ratio):
            yield (
                f"layer {layer}: in {large} of {len(ratio)} epochs a step changed its parameters by more than "
                f"{100 * TOO_LARGE:.0f} % of their norm; lower the learning rate"
            )


def _small_updates(history: _History, activations: Mapping[int, str]) -> Iterator[str]:
    """Not where the loss fell by half before: a schedule may well end in such steps."""
    ratio = np.max([history.of(layer, "update_ratio") for layer in activations], axis=0)
    still = int(np.count_nonzero(ratio < TOO_SMALL))
    if still >= LONG and 2 * still > len(ratio) and not history.has_fallen(0.5):
        yield (
            f"in {still} of {len(ratio)} epochs a step changed no layer's parameters by more than a millionth of their "
            "norm; raise the learning rate"
        )


def _overfitting(history: _History, stop: str | None) -> Iterator[str]:
    """Not where early stopping or a goal ended training: they keep an epoch from before.

    Nor of a loss that goes below zero, as poisson's does: how many times its lowest it is then says nothing.
    """
    loss, train = history.validation, history.train
    if stop in ("early_stopping", "goal") or not (np.isfinite(loss) & (loss >= 0)).all():
        return
    lowest, tail = int(np.argmin(loss)), max(1, min(LONG, len(loss) // 10))
    now, now_train = float(loss[-tail:].mean()), float(train[-tail:].mean())
    risen_for = len(loss) - 1 - lowest
    if risen_for >= max(LONG, len(loss) // 4) and now >= OVERFITTED * loss[lowest] and now_train < train[lowest]:
        yield (
            f"overfitting: since epoch {history.epochs[lowest]} validation_loss has risen from {loss[lowest]:.3g} to "
            f"{now:.3g}, while train_loss has fallen from {train[lowest]:.3g} to {now_train:.3g}; use "
            "training.early_stopping, dropout or training.penalty.l2, a smaller network, or more rows"
        )


def _not_falling(history: _History) -> Iterator[str]:
    loss = history.train
    later = float(loss[-max(1, len(loss) // 3) :].mean())
    if len(loss) >= LONG and later >= loss[0]:
        yield (
            f"train_loss has not fallen: it was {loss[0]:.3g} in epoch {history.epochs[0]}, and is {later:.3g}; try a "
            "learning rate of a tenth and of ten times, and see whether the inputs tell something of the target"
        )


def _still_falling(history: _History, stop: str | None) -> Iterator[str]:
    """Where the epochs ran out before the loss was half of what it was, and validation was never better."""
    loss = history.train
    tail = len(loss) // 10
    if stop != "epochs" or tail < 1 or history.has_fallen(0.5) or len(loss) < 2 * LONG:
        return
    before, now = float(loss[-2 * tail : -tail].mean()), float(loss[-tail:].mean())
    fallen = (before - now) / abs(before) if before else 0.0
    lowest = float(np.nanmin(history.validation)) if np.isfinite(history.validation).any() else None
    if fallen > FALLING and lowest in (None, float(history.validation[-1])):
        yield (
            f"train_loss was still falling when the epochs ran out, by {100 * fallen:.2g} % in the last tenth of them; "
            "raise training.epochs, or the learning rate"
        )


def _or_nan(value: float | None) -> float:
    return nan if value is None else value
