"""Diagnosis of a training run in words: the affected layer, since when, and a remedy.

The thresholds separate measurements on networks that learn well from those on networks that do not. In the configs
shipped with bpcli, at most 0.23 of a layer's units were dead and none saturated (0.62 and 0.34 in networks that learned
nevertheless, with learning rates ten times too high or large weights); gradient norms were at most 4, and that of the
first layer, in the median epoch, at least 0.16 of the last layer's; at most two epochs had an update ratio above 0.1,
and at most four, at the end of a schedule, below 1e-6. Far too high rates left 0.8 to 1 of the units dead or saturated;
eight sigmoid layers had a ratio of gradients of at most 4e-5, and far too large weights had gradients of 1e4 to 1e6.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping
from math import nan

import numpy as np
from numpy.typing import NDArray

from bpcli.documents.layer_health import MEASURES
from bpcli.storage.records import EpochRecord

STUCK = 0.75
"""Share of a layer's units that are dead or saturated from which it is reported."""

EXPLODED = 1e3
"""Norm of a layer's gradient in the last epochs from which it is reported.

Not if the loss has fallen below a hundredth of its first value, since targets in large units have large gradients too.
"""

VANISHED = 1e-2
"""Ratio of gradient norms, first to last layer in the median epoch, below which gradients vanish.

Six sigmoid layers, which learned slowly and to 0.81 of the penguins, had 0.003.
"""

CONVERGED = 1e-2
"""Ratio of a layer's last gradient norms to its first, below which its steps are not called too large.

Parameters that converge to 0 are small beside any step: XOR without a hidden layer had steps of three times their norm.
"""

TOO_LARGE, TOO_SMALL = 0.2, 1e-6
"""Update ratios above and below which steps are too large and too small."""

LONG = 10
"""Minimum number of epochs that a condition must hold."""

OVERFITTED = 1.5
"""Ratio of final to lowest validation loss from which it is overfitting; at most 1.34 in the shipped configs."""

FALLING = 0.005
"""Relative fall of the training loss, from the second-last tenth of the epochs to the last, that counts as falling."""

BETTER = 0.01
"""Relative difference from the loss of a constant prediction that counts as better."""

Column = NDArray[np.float64]


class _History:
    """Records of epochs as columns, NaN for missing values."""

    def __init__(self, records: Iterable[EpochRecord], activations: Mapping[int, str]) -> None:
        self.normalizes = False
        losses = {name: array("d") for name in ("train_loss", "validation_loss")}
        measures = {(layer, name): array("d") for layer in activations for name in MEASURES}
        epochs = array("q")
        for record in records:
            epochs.append(record.epoch)
            for name, column in losses.items():
                column.append(_or_nan(record.number(name)))
            self.normalizes |= any(layer not in activations for layer in record.layers)
            for (layer, name), column in measures.items():
                column.append(_or_nan(getattr(record.layers.get(layer), name, None)))
        self.epochs = np.array(epochs)
        self.train, self.validation = (np.array(column) for column in losses.values())
        self._measures = measures

    def of(self, layer: int, name: str) -> Column:
        """A measure of a layer by epoch."""
        return np.array(self._measures[layer, name])

    def since(self, holds: NDArray[np.bool_]) -> int | None:
        """Start of the last epochs, at least two or all of them, in which a condition holds throughout; or None."""
        broken = np.flatnonzero(~holds)
        start = int(broken[-1]) + 1 if len(broken) else 0
        length = len(holds) - start
        return start if length and (length > 1 or not start) else None

    def learned_before(self, start: int) -> bool:
        """Whether the training loss had halved before an epoch, and has not risen since."""
        loss = self.train
        return start > 0 and self.has_fallen(0.5, start - 1) and bool(loss[-1] <= loss[start - 1])

    def has_fallen(self, share: float, place: int = -1) -> bool:
        """Whether the training loss fell by more than `share` of its first value, in magnitude."""
        first = self.train[0]
        return bool(first - self.train[place] > share * abs(first))


def diagnose(
    records: Iterable[EpochRecord], activations: Mapping[int, str], stop: str | None, baseline: float | None = None
) -> list[str]:
    """One sentence for every problem of a training run; none for a healthy one.

    Problems that follow from another one are left out.

    records: lines of metrics.jsonl. activations: name of each dense layer's activation by layer index, in order.
    stop: the stop reason in the run's summary, if any. baseline: training loss of the best constant prediction.
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
            or [*_no_better(history, baseline)]
            or [*_not_falling(history)]
            or [*_still_falling(history, stop)]
        )


def _stuck(history: _History, activations: Mapping[int, str]) -> Iterator[str]:
    """Report layers with dead or saturated units, unless they became so while the network learned."""
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
                    f"layer {layer}: at least {least:.0f}% of {activation} units are {state} since epoch "
                    f"{history.epochs[start]}; {what_to_do}"
                )


def _vanishing(history: _History, activations: Mapping[int, str]) -> Iterator[str]:
    """Report a vanishing gradient, unless layers other than dense ones have parameters: norms prevent it.

    They also pass little back for a short last batch: batch_norm 0.0008 of the gradient for two rows.
    """
    if history.normalizes:
        return
    first, last = min(activations), max(activations)
    ratio = history.of(first, "gradient_norm") / history.of(last, "gradient_norm")
    known = np.sort(ratio[np.isfinite(ratio)])
    if len(known) >= LONG and (middle := known[len(known) // 2]) < VANISHED:  # np.median imports masked arrays
        yield (
            f"layer {first}: vanishing gradient, with a norm of {middle:.1g} times that of layer {last} in the median "
            "epoch; use fewer layers, relu instead of bounded activations, or batch_norm between layers"
        )


def _exploding(history: _History, activations: Mapping[int, str]) -> Iterator[str]:
    worst = max(activations, key=lambda layer: float(np.nan_to_num(history.of(layer, "gradient_norm")[-1])))
    norm = history.of(worst, "gradient_norm")
    start = history.since(norm > EXPLODED)
    if start is not None and not history.has_fallen(0.99):
        yield (
            f"layer {worst}: exploding gradient, with a norm of {norm[-1]:.1g}, above {EXPLODED:.0f} since epoch "
            f"{history.epochs[start]}; use smaller initial weights, a lower learning rate, training.clip.norm or a "
            "scaled target"
        )


def _large_updates(history: _History, activations: Mapping[int, str]) -> Iterator[str]:
    for layer in activations:
        ratio = history.of(layer, "update_ratio")
        large = int(np.count_nonzero(ratio > TOO_LARGE))
        norm = history.of(layer, "gradient_norm")
        converged = norm[-LONG:].max() < CONVERGED * norm[0]
        if large >= LONG and 2 * large > len(ratio) and not converged:
            yield (
                f"layer {layer}: steps too large: in {large} of {len(ratio)} epochs, a step changed the parameters by "
                "more than "
                f"{100 * TOO_LARGE:.0f}% of their norm; lower the learning rate"
            )


def _small_updates(history: _History, activations: Mapping[int, str]) -> Iterator[str]:
    """Report tiny steps, unless the loss halved before them, as at the end of a schedule."""
    ratio = np.max([history.of(layer, "update_ratio") for layer in activations], axis=0)
    still = int(np.count_nonzero(ratio < TOO_SMALL))
    if still >= LONG and 2 * still > len(ratio) and not history.has_fallen(0.5):
        yield (
            f"steps too small: in {still} of {len(ratio)} epochs, no layer's parameters changed by more than a "
            "millionth of their norm; raise the learning rate"
        )


def _overfitting(history: _History, stop: str | None) -> Iterator[str]:
    """Report overfitting, unless early stopping or a goal ended training: they keep an earlier epoch.

    Not for losses below zero, such as poisson's, whose ratio to the lowest means nothing.
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


def _no_better(history: _History, baseline: float | None) -> Iterator[str]:
    """Report a loss of training and validation rows no better than that of a constant prediction."""
    if baseline is None or len(history.train) < LONG:
        return
    tail = max(1, len(history.train) // 10)
    losses = (history.train[-tail:], history.validation[-tail:])
    best = min(float(loss.mean()) for loss in losses if np.isfinite(loss).all())
    if best >= baseline - BETTER * abs(baseline):
        yield (
            f"train_loss, {history.train[-1]:.3g}, is no better than always answering the mean or the most frequent "
            f"class ({baseline:.3g}); train longer, try a learning rate ten times higher or lower, other weights "
            "or more units, and check that the inputs are related to the target"
        )


def _not_falling(history: _History) -> Iterator[str]:
    loss = history.train
    later = float(loss[-max(1, len(loss) // 3) :].mean())
    if len(loss) >= LONG and later >= loss[0]:
        yield (
            f"train_loss has not fallen: {loss[0]:.3g} in epoch {history.epochs[0]}, now {later:.3g}; try a learning "
            "rate ten times lower or higher, and check that the inputs are related to the target"
        )


def _still_falling(history: _History, stop: str | None) -> Iterator[str]:
    """Report a falling loss at the last epoch, if it has not halved and validation was never better."""
    loss = history.train
    tail = len(loss) // 10
    if stop != "epochs" or tail < 1 or history.has_fallen(0.5) or len(loss) < 2 * LONG:
        return
    before, now = float(loss[-2 * tail : -tail].mean()), float(loss[-tail:].mean())
    fallen = (before - now) / abs(before) if before else 0.0
    lowest = float(np.nanmin(history.validation)) if np.isfinite(history.validation).any() else None
    if fallen > FALLING and lowest in (None, float(history.validation[-1])):
        yield (
            f"train_loss was still falling in the last epoch, by {100 * fallen:.2g}% over the last tenth of the "
            "epochs; raise training.epochs, or the learning rate"
        )


def _or_nan(value: float | None) -> float:
    return nan if value is None else value
