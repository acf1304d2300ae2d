"""Validation of the config section `decision` against target, loss and validation rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bpcli.data.batches import Dataset
from bpcli.data.targets import TargetBase
from bpcli.decision.spec import DecisionSpec
from bpcli.errors import Mismatch, MismatchError
from bpcli.nn.losses import LossBase
from bpcli.spec import type_name
from bpcli.wording import counted, quoted

NO_ROWS = "there are none; set data.split.validation, or name a file of them"

FEWEST_POSITIVES = 20
"""Fewer positive validation rows make a chosen threshold a matter of chance."""

FEWEST_ISOTONIC = 500
"""Fewer validation rows are too few for isotonic regression, which has a level for each of many bins."""


def notes_of_decision(spec: DecisionSpec, target: TargetBase, validation: Dataset | None) -> Iterator[str]:
    """Notes on validation rows that are too few for a threshold to be chosen, or for isotonic calibration."""
    if validation is None:
        return
    if spec.aim is not None:
        from bpcli.training.deciding import positive_rows

        for name, count in positive_rows(target, validation).items():
            if count < FEWEST_POSITIVES:
                yield (
                    f"decision.threshold: only {counted(count, 'validation row')} {'is' if count == 1 else 'are'} "
                    f"{quoted(name)}, so the threshold chosen by {spec.aim} is uncertain; with fewer than "
                    f"{FEWEST_POSITIVES}, prefer more validation rows or a number"
                )
    is_isotonic = spec.calibration is not None and type_name(spec.calibration) == "isotonic"
    if is_isotonic and validation.rows < FEWEST_ISOTONIC:
        yield (
            f"decision.calibration: isotonic on {counted(validation.rows, 'validation row')} overfits; with fewer than "
            f"{FEWEST_ISOTONIC}, prefer temperature"
        )


def require_decidable(spec: DecisionSpec, target: TargetBase, loss: LossBase, validation: Dataset | None) -> None:
    """Raise MismatchError for a threshold or calibration that the target, loss or validation rows do not allow."""
    if problems := [*_of_threshold(spec, target, loss, validation), *_of_calibration(spec, target, loss, validation)]:
        raise MismatchError(*problems)


def _of_threshold(
    spec: DecisionSpec, target: TargetBase, loss: LossBase, validation: Dataset | None
) -> Iterator[Mismatch]:
    path = ("decision", "threshold")
    if spec.threshold is None:
        return
    if not target.decided_names:
        several = f"the target has {len(target.class_names)} classes, of which the most probable is predicted"
        why = several if target.class_names else f"the task is {target.task}"
        yield Mismatch(path, f"requires two classes or labels, but {why}; omit it")
    elif not loss.gives_probabilities:
        yield Mismatch(path, f"requires probabilities, which {type_name(loss)} does not give; use binary_cross_entropy")
    elif spec.aim is not None and validation is None:
        yield Mismatch(path, f"{spec.aim} is chosen on validation rows, and {NO_ROWS}; or give a number")
    elif spec.aim is not None and validation is not None and target.positive is not None:
        known = target.truth(validation.y)
        known = known if validation.weight is None else known[validation.weight > 0]
        if len(np.unique(known)) < 2:
            name = quoted(target.class_names[int(known[0])])
            rows = counted(len(known), "validation row")
            yield Mismatch(
                path, f"{spec.aim} requires validation rows of both classes, but all {rows} are {name}; give a number"
            )


def _of_calibration(
    spec: DecisionSpec, target: TargetBase, loss: LossBase, validation: Dataset | None
) -> Iterator[Mismatch]:
    path = ("decision", "calibration")
    if spec.calibration is None:
        return
    name = type_name(spec.calibration)
    if not loss.gives_probabilities:
        yield Mismatch(path, f"requires probabilities, which {type_name(loss)} does not give; omit it")
    elif name == "isotonic" and target.positive is None:
        what = "isotonic requires two classes: functions of each of several probabilities need not add up to 1"
        labels = "isotonic requires two classes, but the target is of labels"
        yield Mismatch(path, f"{labels if target.task == 'multilabel' else what}; use temperature")
    elif validation is None:
        yield Mismatch(path, f"{name} is fitted on validation rows, and {NO_ROWS}")
