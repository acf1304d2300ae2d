"""Lazy steps: a batch changes the weights of its own words alone, by the optimizer's rule."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from allocation import bytes_allocated
from experiments import plan
from networks import FLOAT32
from steps_taken import assert_close, dismiss_crews, taken, taking, vectors_equal
from token_rows import SIGNATURE, mixed_rows, tokens

from bpcli.arrays.fields import Field
from bpcli.arrays.layout import Layout, Slot, SparseRows
from bpcli.arrays.rows import Rows
from bpcli.data.batches import Dataset
from bpcli.nn.embedding import Embedding
from bpcli.nn.layers.dense import Dense
from bpcli.nn.layers.dropout import Dropout
from bpcli.nn.losses.classification import CrossEntropy
from bpcli.nn.network import Network
from bpcli.nn.optimizers import OptimizerSpec, RateFactors
from bpcli.nn.optimizers.adam import Adam
from bpcli.nn.optimizers.adam_variants import Adamw, Nadam
from bpcli.nn.optimizers.adaptive import Adagrad, Rmsprop
from bpcli.nn.optimizers.lazy import is_lazy
from bpcli.nn.optimizers.rprop import Rprop
from bpcli.nn.optimizers.sgd import Sgd
from bpcli.nn.token_sum import TokenSum
from bpcli.training.plan import TrainingPlan
from bpcli.training.spec import Clip, TrainingSpec
from bpcli.training.stepping import SERIAL, Stepping
from bpcli.training.steps import choose_stepping
from bpcli.training.steps.choice import token_seconds
from bpcli.training.steps.lazy import LazySteps

ROWS = 60
LAZY = [Sgd(learning_rate=0.1), Adagrad(learning_rate=0.1), Adam(learning_rate=0.01), Adamw(learning_rate=0.01)]


def example(stems: Any = None, dtype: Any = np.float64, batch: Any = 8, **given: Any) -> TrainingPlan:
    x = mixed_rows(ROWS, dtype, longest=12)
    y = np.random.default_rng(2).integers(0, 3, ROWS)
    spec = TrainingSpec(epochs=3, batch_size=batch, **{key: given.pop(key) for key in ("clip",) if key in given})
    of = plan(np.zeros((ROWS, 1)), y, spec, loss=CrossEntropy(), dtype=dtype, **given)
    layers = [Dense(units=6), Dropout(rate=0.2)]
    return replace(of, network=Network.plan(SIGNATURE, stems or {}, layers, 3), train=Dataset(x, y))


STEMS = {"gathered": {}, "summed": {"text": TokenSum(size=4)}, "both": {"city": Embedding(size=2)}}


@pytest.fixture(autouse=True)
def _crews() -> Any:
    yield
    dismiss_crews()


@pytest.mark.parametrize("stems", STEMS.values(), ids=STEMS)
@pytest.mark.parametrize("rule", LAZY, ids=[rule.type for rule in LAZY])
def test_a_full_batch_in_which_every_word_occurs_takes_the_steps_of_other_networks(rule: Any, stems: Any) -> None:
    of = example(stems, batch="full", optimizer=rule)
    assert len(of.train.x.tokens[0].columns_used()) == 40
    lazy, losses = taken(of, taking(SERIAL))
    slots = [replace(slot, sparse=()) for slot in of.network.layout.slots]
    eager, expected = taken(replace(of, network=replace(of.network, layout=Layout(tuple(slots)))), taking(SERIAL))
    np.testing.assert_allclose(losses, expected, rtol=1e-12)
    for name, vector in lazy.vectors().items():
        np.testing.assert_allclose(vector, eager.vectors()[name], atol=1e-12)


@pytest.mark.parametrize("rule", LAZY, ids=[rule.type for rule in LAZY])
def test_weights_and_moments_of_words_that_no_batch_has_stay_as_they_were(rule: Any) -> None:
    of = example(optimizer=rule)
    text = of.train.x.tokens[0]
    used = text.columns_used()
    wide = replace(of.network.stems.signature[2], size=50)  # ten words occur in no row
    signature = (*SIGNATURE[:2], wide)
    x = of.train.x
    wider = type(text)(text.columns, text.values, text.starts, text.stops, 50)
    of = replace(
        of,
        network=Network.plan(signature, {}, [Dense(units=6)], 3),
        train=replace(of.train, x=type(x)(signature, [*x.stores, wider], x.dtype)),
    )
    before, (after, _) = of.new_state(), taken(of, taking(SERIAL))
    place = [1 + column for column in range(50) if column not in used.tolist()]
    assert len(place) == 10
    for name, vector in after.vectors().items():
        if not vector.size:
            continue
        unchanged = of.network.layout.views(before.vectors()[name])["layers.0.weight"][place]
        assert np.array_equal(of.network.layout.views(vector)["layers.0.weight"][place], unchanged), name
    changed = of.network.layout.views(after.params)["layers.0.weight"][1 + used]
    assert (changed != of.network.layout.views(before.params)["layers.0.weight"][1 + used]).any(axis=1).all()


def test_clipping_by_norm_and_value_is_that_of_other_networks() -> None:
    for clip in (Clip(norm=0.05), Clip(value=0.002)):
        of = example(batch="full", optimizer=Sgd(learning_rate=0.1), clip=clip)
        slots = [replace(slot, sparse=()) for slot in of.network.layout.slots]
        eager, _ = taken(replace(of, network=replace(of.network, layout=Layout(tuple(slots)))), taking(SERIAL))
        lazy, _ = taken(of, taking(SERIAL))
        np.testing.assert_allclose(lazy.params, eager.params, atol=1e-12)
        assert not np.array_equal(lazy.params, taken(replace(of, spec=replace_clip(of.spec)), taking(SERIAL))[0].params)


def replace_clip(spec: TrainingSpec) -> TrainingSpec:
    return spec.model_copy(update={"clip": Clip()})


def test_the_gradient_of_the_last_step_of_an_epoch_is_whole() -> None:
    """Inspections of the layers' health read it after the epoch."""
    of = example(optimizer=Sgd(learning_rate=1.0))
    state = of.new_state()
    steps = taking(SERIAL)(of, state)
    order = np.arange(ROWS)
    for _ in steps.epoch(order, 0, 0):
        pass
    np.testing.assert_allclose(steps.change(), -steps.grads, atol=1e-12)
    rows = np.abs(of.network.layout.views(steps.grads)["layers.0.weight"][1:41]).sum(axis=1)
    last = of.train.x.tokens[0].take(order[-4:])  # 60 rows in batches of 8
    assert np.flatnonzero(rows).tolist() == last.columns_used().tolist()


def test_the_same_state_goes_on_to_the_same_bits() -> None:
    """Nothing of the words of earlier batches is kept outside of the state."""
    of = example({"city": Embedding(size=2)}, dtype=np.float32, optimizer=Adam(learning_rate=0.01))
    whole, _ = taken(of, taking(SERIAL), epochs=3)
    state = of.new_state()
    with np.errstate(all="ignore"):
        for epoch in range(3):
            order = np.random.default_rng(epoch).permutation(ROWS)
            for step in range(8):  # each by steps made anew
                taking_on = taking(SERIAL)(of, state).epoch(order, epoch, step)
                next(taking_on)
    assert vectors_equal(state, whole)


@pytest.mark.parametrize("stems", STEMS.values(), ids=STEMS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_machine_code_agrees_with_numpy(stems: Any, dtype: Any) -> None:
    pytest.importorskip("numba")
    of = example(stems, dtype=dtype, optimizer=Adam(learning_rate=0.01), clip=Clip(norm=0.5))
    by_numpy, losses = taken(of, taking(SERIAL))
    compiled, found = taken(of, taking(Stepping(tokens=True)))
    np.testing.assert_allclose(found, losses, rtol=1e-5)
    assert_close(by_numpy, compiled)


def test_long_epochs_of_tokens_are_compiled_where_numba_is() -> None:
    of = example()
    seconds = token_seconds(of)
    assert 0 < seconds < 0.01
    for possible in (True, False):
        stepping = choose_stepping(of, compiled_from=seconds / 2, can_compile=[lambda: False, lambda: True][possible])
        assert stepping == Stepping(tokens=possible)
        assert stepping.compiled is possible
        assert choose_stepping(of, compiled_from=seconds * 2, can_compile=lambda: True) == SERIAL


def test_optimizers_that_change_every_weight_in_every_step_have_no_lazy_form() -> None:
    lazy: list[OptimizerSpec] = [*LAZY]
    eager: list[OptimizerSpec] = [Sgd(momentum=0.9), Adam(amsgrad=True), Nadam(), Rmsprop(), Rprop()]
    assert all(map(is_lazy, lazy))
    assert not any(map(is_lazy, eager))


def test_rate_factors_are_those_of_the_words_own_slot() -> None:
    factors = RateFactors(weights=0.5)
    of = example(batch="full", optimizer=Sgd(learning_rate=0.1, rate_factors=factors))
    half = example(batch="full", optimizer=Sgd(learning_rate=0.05))
    one, _ = taken(of, taking(SERIAL), epochs=1)
    other, _ = taken(half, taking(SERIAL), epochs=1)
    words = slice(1, 41)
    views = (of.network.layout.views(state.params)["layers.0.weight"][words] for state in (one, other))
    np.testing.assert_allclose(*views, atol=1e-12)


def test_vectors_are_narrowed_to_some_sparse_rows() -> None:
    sparse = (SparseRows("text", 1, 4),)
    layout = Layout((Slot("weight", (5, 2), weight=True, sparse=sparse), Slot("bias", (2,))))
    narrow = Layout((Slot("weight", (4, 2), weight=True), Slot("bias", (2,))))
    vector = np.arange(12.0, dtype=FLOAT32)
    found = layout.narrowed(vector, narrow, {"text": np.array([0, 2])})
    assert found.tolist() == [0, 1, 2, 3, 6, 7, 8, 9, 10, 11]
    assert layout.narrowed(vector[None], narrow, {"text": np.array([0, 2])}).tolist() == [found.tolist()]


@pytest.mark.parametrize(("longest", "units"), [(60, 20), (1300, 4), (60, 2)], ids=["short", "long", "few units"])
def test_a_step_allocates_no_array(longest: int, units: int) -> None:
    """Sizes are such that an index for each term of a batch would take more than what Python's objects need."""
    rows, size = 256, 3000
    x = Rows((Field("text", (), "tokens", size),), [tokens(rows, size, longest, np.float32)], FLOAT32)
    spec = TrainingSpec(epochs=3, batch_size=64, clip=Clip(norm=1.0))
    of = plan(np.zeros((rows, 1)), np.arange(rows) % 3, spec, loss=CrossEntropy(), dtype=np.float32, optimizer=Adam())
    network = Network.plan(x.signature, {}, [Dense(units=units)], 3)
    of = replace(of, network=network, train=Dataset(x, of.train.y))
    steps = taking(SERIAL)(of, of.new_state())
    assert isinstance(steps, LazySteps)
    order = np.arange(rows)

    def epoch() -> None:
        for _ in steps.epoch(order, 0, 0):
            pass

    least = 8 * min(int(x.tokens[0].lengths[start : start + 64].sum()) for start in range(0, rows, 64))
    assert bytes_allocated(epoch, warm_up=2) < 12_000 < least
