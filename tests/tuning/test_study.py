"""A study comes to the same trials in whatever order they are trained, and wherever it is stopped."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from studies import SPACE, search, table

from bpcli.tuning.crew import Alone, Crew, Done
from bpcli.tuning.opening import begin_study, open_study
from bpcli.tuning.study import Study
from bpcli.tuning.training import Trainer, Training

SAMPLERS = ("random", "tpe", "cma_es", "qmc", "nsga2", "grid")
CHOICES = {"optimizer.learning_rate": {"choice": [0.01, 0.03, 0.1]}, "layers": SPACE["layers"]}

SEARCHES: list[dict[str, Any]] = [
    *({"sampler": name, **({"space": CHOICES} if name == "grid" else {})} for name in SAMPLERS),
    {"halving": {"first_epochs": 2, "factor": 2}, "at_once": 4},
    {"median": {"first_epochs": 1, "first_trials": 2}},
    {"asha": {"first_epochs": 1, "factor": 2}},
    {"metric": ["validation_loss", "parameters"]},
    {"folds": 2},
    {"seeds": 2},
]


def trainer_of(study: Study) -> Trainer:
    return Trainer(study.directory.config, study.directory.runs, cache=False, threads=1)


class AnyOrder(Crew):
    """One after another, in an order that is drawn, as workers that finish when they like."""

    def __init__(self, study: Study) -> None:
        self._trainer, self._random = trainer_of(study), random.Random(0)

    def train(self, trainings: Sequence[Training], interrupted: Callable[[], bool]) -> Iterator[Done]:
        """Train all."""
        places = list(range(len(trainings)))
        self._random.shuffle(places)
        for place in places:
            yield place, self._trainer.train(trainings[place], interrupted)


def named(settings: dict[str, Any]) -> str:
    """Name of a search in the list of tests."""
    return str(settings.get("sampler") or next(iter(settings)))


@pytest.mark.parametrize("settings", SEARCHES, ids=named)
def test_order_and_interruptions_change_nothing(tmp_path: Path, settings: dict[str, Any]) -> None:
    config = search(tmp_path, {"trials": 8, **settings})
    whole = begin_study(config, [], lambda _: tmp_path / "whole", cache=False)
    list(whole.run(Alone(lambda: trainer_of(whole)), lambda: False))
    wanted = table(tmp_path / "whole")
    shuffled = begin_study(config, [], lambda _: tmp_path / "shuffled", cache=False)
    list(shuffled.run(AnyOrder(shuffled), lambda: False))
    assert table(tmp_path / "shuffled") == wanted

    stopped = begin_study(config, [], lambda _: tmp_path / "stopped", cache=False)
    draw, calls = random.Random(1), 0
    for _ in range(200):
        left = draw.randrange(20, 120)

        def interrupted() -> bool:
            nonlocal left, calls
            left, calls = left - 1, calls + 1
            return left < 0

        list(stopped.run(Alone(lambda study=stopped: trainer_of(study)), interrupted))  # type: ignore[misc]
        if len(stopped.trials) == len(wanted) and left >= 0:
            break
        stopped = open_study(tmp_path / "stopped", cache=False)
    assert table(tmp_path / "stopped") == wanted
    assert calls > 120  # it was stopped more than once
