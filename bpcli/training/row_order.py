"""Order of the training rows in an epoch, for each member of an ensemble."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bpcli.randomness import Stream
from bpcli.training.plan import TrainingPlan


class RowOrder:
    """Orders of rows, determined by seed, member and epoch.

    For several members, the order has the first batch of each member, then the second of each, and so on. A full batch
    of all rows has them in their original order, as the only batch of one network.
    """

    def __init__(self, plan: TrainingPlan) -> None:
        self._plan, self._shuffle = plan, Stream(plan.seed, "shuffle")
        self._trained = [None if plan.folds is None else plan.folds.trained(member) for member in plan.members]

    def of_epoch(self, epoch: int) -> NDArray[np.intp]:
        """Indices of training rows, (members · rows per member,)."""
        plan = self._plan
        if len(plan.members) > 1 and plan.batch_size == plan.train.rows:
            return np.tile(np.arange(plan.train.rows), len(plan.members))
        orders = [
            self._shuffle.at(epoch, member=member).permutation(plan.train.rows if rows is None else rows)
            for member, rows in zip(plan.members, self._trained, strict=True)
        ]
        if len(orders) == 1:
            return orders[0][: plan.rows_per_member]
        rows, size = plan.rows_per_member, plan.batch_size
        whole = rows - rows % size
        cut = np.stack([order[:rows] for order in orders])
        full = cut[:, :whole].reshape(len(orders), -1, size).swapaxes(0, 1)
        return np.concatenate([full.ravel(), cut[:, whole:].ravel()])


def of_member(order: NDArray[np.intp], place: int, members: int, size: int) -> NDArray[np.intp]:
    """Order of one of several members, at this place, from that of all in batches of `size` rows each."""
    rows = len(order) // members
    whole = members * (rows - rows % size)
    full, rest = order[:whole].reshape(-1, members, size), order[whole:].reshape(members, -1)
    return np.concatenate([full[:, place].ravel(), rest[place]])
