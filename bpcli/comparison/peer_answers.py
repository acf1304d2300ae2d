"""Answers of peers on the rows on which runs are compared, as those of a run."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from time import perf_counter

import numpy as np

from bpcli.comparison.document import ComparedPeer
from bpcli.comparison.peer_rows import RawColumns
from bpcli.comparison.peers import Peer, answer_quietly
from bpcli.data.table import Table
from bpcli.errors import UsageError
from bpcli.metrics import report
from bpcli.models.model import Model
from bpcli.training.scoring import Answers
from bpcli.wording import counted


def require_comparable(model: Model) -> None:
    """Raise UsageError for a target that peers do not have: labels, or several numbers."""
    target = model.target
    if target.task == "multilabel" or (len(model.classes) > 1 and target.task == "regression"):
        raise UsageError(f"--with: peers predict one target; this run predicts {counted(len(model.classes), 'target')}")


def peer_answers(
    peers: Sequence[Peer], model: Model, train: Table, table: Table, of_model: Answers, taken: Collection[str]
) -> list[tuple[ComparedPeer, Answers]]:
    """Fit peers to a run's training rows, and score them on the rows of its answers.

    taken: labels of the runs, which a peer does not get.
    """
    target, columns = model.target, RawColumns.of(model.preprocessor, train)
    known, asked = columns.rows(train), columns.rows(table)
    y = np.asarray(target.truth_of([train[name] for name in target.names]).values)
    y, classes = y.reshape(len(y)), len(target.class_names)
    found = []
    for peer in peers:
        started = perf_counter()
        given = answer_quietly(peer, known, y, asked, classes)
        seconds = perf_counter() - started
        predicted = given.argmax(axis=1) if classes else given[:, None]
        said = (of_model.true, predicted, given if classes else None, target.labels)
        scores = report(target.task, *said, of_model.unseen, of_model.weight, model.loss.variance_power)
        answers = Answers(of_model.true, predicted, scores, said[2], of_model.unseen, of_model.weight)
        label = peer.name if peer.name not in taken else f"{peer.name} (peer)"
        found.append((ComparedPeer(label, peer.description(classes), train.rows, round(seconds, 3)), answers))
    return found
