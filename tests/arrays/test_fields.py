from __future__ import annotations

import numpy as np

from bpcli.arrays.fields import Batch, Field, Piece, joined


def test_a_field_has_a_feature_a_number_or_a_code() -> None:
    assert Field("numbers", (5,)).width == 5
    assert Field("image", (3, 4, 2)).width == 24
    assert Field("city", (), "code", 1000).width == 1000


def test_features_follow_the_signature_where_fields_have_no_places() -> None:
    signature = Field("a", (2,)), Field("b", (), "code", 3), Field("c", (2, 2))
    assert joined(signature, [2, 3, 4]) == [Piece(0, 0, 2, 0), Piece(1, 0, 3, 2), Piece(2, 0, 4, 5)]


def test_features_are_in_the_order_of_places_and_neighbours_stay_together() -> None:
    signature = (
        Field("numbers", (4,), places=(0, 1, 3, 3)),
        Field("b", (), "code", 3, places=(4,)),
        Field("a", (), "code", 2, places=(2,)),
    )
    pieces = joined(signature, [4, 3, 2])
    assert pieces == [Piece(0, 0, 2, 0), Piece(2, 0, 2, 2), Piece(0, 2, 4, 4), Piece(1, 0, 3, 6)]
    assert pieces[2].features == slice(4, 6)
    # A stem may put out another width.
    assert joined(signature, [4, 3, 7])[-1] == Piece(1, 0, 3, 11)


def test_a_part_of_a_batch_is_in_the_same_memory() -> None:
    batch = Batch((np.arange(6.0).reshape(3, 2), np.array([4, 5, 6])), np.arange(3.0)[:, None], np.ones(3))
    part = batch.part(1, 3)
    assert (batch.rows, part.rows) == (3, 2)
    assert [array.tolist() for array in part.x] == [[[2.0, 3.0], [4.0, 5.0]], [5, 6]]
    assert part.weight is not None
    assert np.shares_memory(part.y, batch.y)
    assert batch._replace(weight=None).part(0, 1).weight is None
