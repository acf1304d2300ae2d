"""What the tests of training share: small tables on disk, experiments on them, and plans without any file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import count
from pathlib import Path
from typing import Any, Literal

import numpy as np

from bpcli.arrays.expansion import Intake
from bpcli.arrays.rows import Rows
from bpcli.config.experiment import ExperimentConfig
from bpcli.data.batches import Dataset
from bpcli.experiment.prepare import prepare
from bpcli.experiment.prepared import Prepared
from bpcli.nn.layers.dense import Dense
from bpcli.nn.losses.regression import MeanSquaredError
from bpcli.nn.network import Network
from bpcli.nn.optimizers.sgd import Sgd
from bpcli.nn.schedules.constant import Constant
from bpcli.training.loop import train
from bpcli.training.monitor import Monitor
from bpcli.training.plan import EpochReport, TrainingPlan
from bpcli.training.spec import TrainingSpec
from bpcli.training.state import TrainingState
from bpcli.training.stepping import SERIAL, Stepping


def write_csv(path: Path, columns: Mapping[str, Sequence[Any]]) -> Path:
    """A CSV file of columns; None becomes an empty cell."""
    rows = zip(*columns.values(), strict=True)
    lines = [",".join("" if cell is None else str(cell) for cell in row) for row in rows]
    path.write_text("\n".join([",".join(columns), *lines, ""]))
    return path


def prepared(folder: Path, **config: Any) -> Prepared:
    """A config's experiment, with paths from `folder`."""
    return prepare(ExperimentConfig.model_validate(config), folder)


def taken_so(of: Prepared, stepping: Stepping) -> Prepared:
    """The same experiment, whose steps are taken in a certain way."""
    return replace(of, plan=replace(of.plan, stepping=stepping))


def plan(
    x: Any,
    y: Any,
    spec: TrainingSpec | None = None,
    *,
    weight: Any = None,
    validation: tuple[Any, Any] | None = None,
    layers: Sequence[Any] = (Dense(units=3),),
    loss: Any = None,
    optimizer: Any = None,
    schedule: Any = None,
    score: Callable[..., dict[str, float | None]] = lambda *_: {},
    monitor: Monitor | None = None,
    greater_is_better: bool = False,
    dtype: Any = np.float64,
    stepping: Stepping = SERIAL,
) -> TrainingPlan:
    """A plan for rows that are at hand as arrays."""
    train_rows = dataset(x, y, weight, dtype)
    spec = spec or TrainingSpec(epochs=3, batch_size=4)
    part: Literal["train", "validation"] = "validation" if validation else "train"
    outputs = train_rows.y.shape[1] if train_rows.y.ndim == 2 else int(train_rows.y.max()) + 1
    return TrainingPlan(
        network=Network.plan(train_rows.x.signature, {}, layers, outputs),
        loss=loss or MeanSquaredError(),
        optimizer=optimizer or Sgd(),
        schedule=schedule or Constant(),
        spec=spec,
        seed=0,
        train=train_rows,
        validation=None if validation is None else dataset(*validation, None, dtype),
        score=score,
        stepping=stepping,
        monitor=monitor or Monitor(part, "loss"),
        goal=Monitor(part, spec.goal.metric, greater_is_better) if spec.goal else None,
    )


def features(rows: Rows, dtype: Any = np.float64) -> Any:
    """All features of encoded rows, (rows, width)."""
    return Intake(rows.signature).whole(rows, np.dtype(dtype))[0]


def dataset(x: Any, y: Any, weight: Any, dtype: Any) -> Dataset:
    y = np.array(y)
    y = y.astype(np.intp) if y.ndim == 1 else y.astype(dtype)
    rows = x if isinstance(x, Rows) else Rows.of_numbers(np.array(x, dtype))
    return Dataset(rows, y, None if weight is None else np.array(weight, dtype))


def reports(
    of: TrainingPlan, state: TrainingState | None = None, interrupted: Callable[[], bool] = lambda: False, **given: Any
) -> list[EpochReport]:
    """The epochs' reports of a training; `given` is for `train`."""
    events = train(of, state or of.new_state(), interrupted, **given)
    return [event for event in events if isinstance(event, EpochReport)]


def ticking() -> Callable[[], float]:
    """A clock that moves by a second at each look."""
    return map(float, count()).__next__


def after(calls: int) -> Callable[[], bool]:
    """An `interrupted` that turns true at its call number `calls`.

    Training asks once after each step, and twice at the end of an epoch.
    """
    left = [calls]

    def interrupted() -> bool:
        left[0] -= 1
        return left[0] <= 0

    return interrupted


def snapshot(state: TrainingState) -> dict[str, Any]:
    """All of a state but the time it took."""
    counters = asdict(state.counters)
    del counters["seconds"]
    vectors = {
        "params": state.params,
        "layer_state": state.layer_state,
        "best_params": state.best_params,
        "best_layer_state": state.best_layer_state,
        **state.optimizer.slots,
    }
    return {
        **{name: vector.tobytes() for name, vector in vectors.items()},
        **counters,
        "optimizer": (state.optimizer.steps, state.optimizer.numbers),
    }


def timeless(report: EpochReport) -> dict[str, Any]:
    return {key: value for key, value in asdict(report).items() if key not in ("seconds", "rows_per_second")}
