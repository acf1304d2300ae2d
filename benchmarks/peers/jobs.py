"""A whole job, as bpcli and each of the peers' scripts are told of it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Job:
    """Read `data`, split it, train the same network on the same shares, evaluate it, and save it to `output`."""

    data: str
    target: str
    hidden: tuple[int, ...]
    batch_size: int
    epochs: int
    exclude: tuple[str, ...] = ()
    learning_rate: float = 0.001
    validation: float = 0.1
    test: float = 0.2
    seed: int = 0
    output: str = ""

    @classmethod
    def load(cls, path: str) -> Job:
        """What `save` wrote."""
        return cls(**json.loads(Path(path).read_text()))

    def save(self, path: Path, output: Path) -> Path:
        """Write the job, with where its model goes, for a script."""
        path.write_text(json.dumps(asdict(replace(self, output=str(output)))))
        return path

    def config(self) -> dict[str, Any]:
        """The same job as bpcli's config."""
        return {
            "seed": self.seed,
            "data": {
                "path": self.data,
                "target": self.target,
                "exclude": self.exclude,
                "split": {"validation": self.validation, "test": self.test},
            },
            "layers": [{"units": units, "activation": "relu"} for units in self.hidden],
            "loss": "cross_entropy",
            "optimizer": {"type": "adam", "learning_rate": self.learning_rate},
            "training": {"epochs": self.epochs, "batch_size": self.batch_size},
        }
