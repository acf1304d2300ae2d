"""Losses for classes and labels."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from bpcli.arrays.memory import Array
from bpcli.nn.functions import sigmoid, softplus
from bpcli.nn.losses.base import LossBase, LossFormulas, LossScratch, scale, weighted_column, weighted_dot, weighted_sum
from bpcli.nn.losses.combination import MEAN_SIGMOID, MEAN_SOFTMAX, Combination


class CrossEntropy(LossBase):
    """-Σ t log softmax(z), the negative log-likelihood of mutually exclusive classes."""

    type: Literal["cross_entropy"] = "cross_entropy"
    label_smoothing: float = Field(
        default=0.0, ge=0, lt=1, description="Share of each target spread over all classes (Szegedy et al. 2016)."
    )
    tasks: ClassVar[frozenset[str]] = frozenset({"binary", "multiclass"})
    gives_probabilities: ClassVar[bool] = True

    @property
    def combination(self) -> Combination:
        """Mean of the members' probabilities."""
        return MEAN_SOFTMAX

    def link(self, logits: Array, out: Array) -> None:
        """Softmax over the outputs of each row."""
        np.subtract(logits, logits.max(axis=1, keepdims=True), out=out)
        np.exp(out, out=out)
        np.divide(out, out.sum(axis=1, keepdims=True), out=out)

    def formulas(self, outputs: int) -> LossFormulas:
        """Formulas with label smoothing, if any."""
        smoothing = self.label_smoothing
        if not smoothing:
            return LossFormulas("ŷ = softmax(z) = exp(z) / Σ exp(z)", "-Σ t log ŷ", "ŷ - t")
        target = f"t' = {1.0 - smoothing:g} t + {smoothing:g} / {outputs}"
        return LossFormulas("ŷ = softmax(z) = exp(z) / Σ exp(z)", f"-Σ t' log ŷ, {target}", f"ŷ - t', {target}")

    def value_and_gradient(
        self, logits: Array, target: Array, weight: Array | None, out: Array, scratch: LossScratch
    ) -> float:
        """Gradient: softmax(z) - t."""
        exponentials, column = scratch.a, scratch.column
        outputs = logits.shape[1]
        smoothing = self.label_smoothing
        np.maximum.reduce(logits, axis=1, keepdims=True, out=column)
        np.subtract(logits, column, out=out)
        np.exp(out, out=exponentials)
        likelihood = (1.0 - smoothing) * weighted_dot(target, out, weight, scratch)
        if smoothing:
            likelihood += smoothing / outputs * weighted_sum(out, weight)
        exponentials.dot(scratch.ones_of_outputs, out=column)
        np.divide(exponentials, column, out=out)
        np.log(column, out=column)
        if smoothing:
            np.multiply(target, 1.0 - smoothing, out=exponentials)
            np.subtract(out, exponentials, out=out)
            np.subtract(out, smoothing / outputs, out=out)
        else:
            np.subtract(out, target, out=out)
        scale(out, 1.0 / scratch.batch, weight, scratch)
        return weighted_column(scratch, weight) - likelihood


class BinaryCrossEntropy(LossBase):
    """-t log σ(z) - (1 - t) log(1 - σ(z)), for two classes or for labels that are not mutually exclusive."""

    type: Literal["binary_cross_entropy"] = "binary_cross_entropy"
    tasks: ClassVar[frozenset[str]] = frozenset({"binary", "multilabel"})
    gives_probabilities: ClassVar[bool] = True
    single_logit: ClassVar[bool] = True

    @property
    def combination(self) -> Combination:
        """Mean of the members' probabilities."""
        return MEAN_SIGMOID

    def link(self, logits: Array, out: Array) -> None:
        """Logistic function of each output."""
        sigmoid(logits, out)

    def formulas(self, outputs: int) -> LossFormulas:
        """Formulas, independent of the number of outputs."""
        return LossFormulas("ŷ = σ(z) = 1 / (1 + exp(-z))", "-t log ŷ - (1 - t) log(1 - ŷ)", "ŷ - t")

    def value_and_gradient(
        self, logits: Array, target: Array, weight: Array | None, out: Array, scratch: LossScratch
    ) -> float:
        """Loss log(1 + exp(z)) - t z; gradient σ(z) - t."""
        outputs = logits.shape[1]
        softplus(logits, out, scratch.a)
        total = weighted_sum(out, weight) - weighted_dot(target, logits, weight, scratch)
        sigmoid(logits, out)
        np.subtract(out, target, out=out)
        scale(out, 1.0 / (scratch.batch * outputs), weight, scratch)
        return max(total, 0.0) / outputs  # the difference of two sums may be rounded below 0
