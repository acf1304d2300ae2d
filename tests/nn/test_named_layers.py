"""Layers and stems have one name each, with which the names of their parameters begin."""

from __future__ import annotations

import numpy as np

from bpcli.arrays.fields import Field
from bpcli.nn.embedding import Embedding
from bpcli.nn.layers.dense import Dense
from bpcli.nn.layers.layer_norm import LayerNorm
from bpcli.nn.named_layers import all_views, named_layers
from bpcli.nn.network import Network

FIELDS = (Field("numbers", (2,), places=(0, 2)), Field("a.b", (), "code", 5, places=(1,)))


def network() -> Network:
    return Network.plan(FIELDS, {"a.b": Embedding(size=3)}, [Dense(units=4), LayerNorm()], 2)


def test_stems_come_before_the_layers_that_they_feed() -> None:
    found = named_layers(network())
    assert [named.name for named in found] == ["stems.a.b", "layers.0", "layers.1", "layers.2"]
    assert [named.key for named in found] == ["stems.a.b", 0, 1, 2]
    assert [named.field for named in found] == ["a.b", None, None, None]
    assert [named.title for named in found[:2]] == ["stem 'a.b' (embedding)", "layer 0 (dense)"]


def test_every_parameter_is_of_the_layer_whose_name_it_has() -> None:
    of = network()
    params, _ = of.initialize(0, np.dtype(np.float32))
    views = of.layout.views(params)
    for named, own in zip(named_layers(of), all_views(of.bind(params)), strict=True):
        for name, view in own.items():
            assert view.tobytes() == views.pop(f"{named.name}.{name}").tobytes()
    assert not views
