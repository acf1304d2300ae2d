"""Inference of an ensemble: it answers as the mean of its members, in every way that one network is asked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bpcli.arrays.rows import Rows
from bpcli.inspection.integrated_gradients import integrated_gradients
from bpcli.nn.activations.bounded import Tanh
from bpcli.nn.activations.rectified import Relu
from bpcli.nn.ensemble import EnsembleInference, inference_of
from bpcli.nn.inference import Inference
from bpcli.nn.layers.dense import Dense
from bpcli.nn.losses.classification import CrossEntropy
from bpcli.nn.losses.regression import MeanSquaredError
from bpcli.nn.network import Network

X = np.random.default_rng(2).normal(size=(30, 5))
ROWS = Rows.of_numbers(X)


def ensemble(loss: Any, activation: Any = None, members: int = 3) -> EnsembleInference:
    layers = [Dense(units=6, activation=activation or Relu()), Dense(units=4, activation=Relu())]
    network = Network.plan(ROWS.signature, {}, layers, 3)
    begun = [network.initialize(1, np.dtype(np.float64), member) for member in range(members)]
    params, state = (np.stack(vectors) for vectors in zip(*begun, strict=True))
    found = inference_of(network, params, state, loss)
    assert isinstance(found, EnsembleInference)
    return found


def test_its_probabilities_are_the_mean_of_its_members() -> None:
    loss, of = CrossEntropy(), ensemble(CrossEntropy())
    probabilities = []
    for inference in (of, *of.members):
        out = np.empty((30, 3))
        loss.link(inference.logits(ROWS), out)
        probabilities.append(out)
    np.testing.assert_allclose(probabilities[0], np.mean(probabilities[1:], axis=0), rtol=1e-12)


def test_chosen_rows_and_features_give_the_same_logits() -> None:
    of = ensemble(CrossEntropy())
    every, chosen = of.logits(ROWS), np.array([29, 3, 3, 0])
    np.testing.assert_array_equal(of.logits(ROWS, chosen=chosen), every[chosen])
    np.testing.assert_allclose(of.continued(-1, of.features(ROWS)), every, rtol=1e-12)
    out = np.empty((30, 3))
    assert of.logits(ROWS, out) is out
    np.testing.assert_array_equal(out, every)


def test_a_change_of_features_passes_through_every_member() -> None:
    of, changed = ensemble(CrossEntropy()), X.copy()
    changed[:, 1:3] += 0.5
    sums = of.weighted_sums(X, 0)
    assert sums.shape == (30, 18)
    found = of.changed(sums, slice(1, 3), np.full((30, 2), 0.5), of.scratch(30))
    np.testing.assert_allclose(found, of.continued(-1, changed), rtol=1e-12)


@pytest.mark.parametrize("loss", [CrossEntropy(), MeanSquaredError()], ids=repr)
def test_the_input_gradient_is_that_of_central_differences(loss: Any) -> None:
    of, dlogits = ensemble(loss, Tanh()), np.random.default_rng(3).normal(size=(30, 3))
    found, step = of.input_gradient(X.copy(), dlogits.copy()), 1e-6
    for column in range(X.shape[1]):
        ends = []
        for sign in (1.0, -1.0):
            moved = X.copy()
            moved[:, column] += sign * step
            ends.append((dlogits * of.continued(-1, moved)).sum(axis=1))
        np.testing.assert_allclose(found[:, column], (ends[0] - ends[1]) / (2 * step), atol=1e-6)


@pytest.mark.parametrize("loss", [CrossEntropy(), MeanSquaredError()], ids=repr)
def test_attributions_add_up_to_the_change_of_the_answer(loss: Any) -> None:
    """The mean of logits is piecewise linear, so that theirs are exact; those of probabilities are refined."""
    of = ensemble(loss)
    assert of.linear_in_pieces == isinstance(loss, MeanSquaredError)
    weights = np.tile([1.0, -1.0, 0.0], (30, 1))
    found = integrated_gradients(of, X.mean(axis=0), X, weights, np.arange(5))
    answers = (weights * of.continued(-1, X)).sum(axis=1)
    np.testing.assert_allclose(found.answer, answers, rtol=1e-9)
    np.testing.assert_allclose(found.added.sum(axis=1), found.answer - found.baseline, atol=1e-8)


def test_rows_out_of_fold_are_answered_by_the_member_they_are_held_out_from() -> None:
    of, held_out = ensemble(CrossEntropy()), [np.arange(0, 30, 3), np.arange(1, 30, 3), np.arange(2, 30, 3)]
    found = of.out_of_fold(ROWS, held_out)
    for member, rows in zip(of.members, held_out, strict=True):
        np.testing.assert_array_equal(found[rows], member.logits(ROWS)[rows])


def test_an_ensemble_has_no_layers_of_its_own() -> None:
    with pytest.raises(TypeError, match="ask one of its members"):
        ensemble(CrossEntropy()).outputs(X)


def test_a_single_member_is_a_network() -> None:
    network = Network.plan(ROWS.signature, {}, [Dense(units=2)], 1)
    params, state = network.initialize(0, np.dtype(np.float64))
    for given in (params, params[None]):
        found = inference_of(network, given, state, MeanSquaredError())
        assert type(found) is Inference
        np.testing.assert_array_equal(found.logits(ROWS), Inference(network, params, state).logits(ROWS))
