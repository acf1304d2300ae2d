"""Several seeds: how much the scores of a config vary with its random numbers."""

from __future__ import annotations

from pathlib import Path

from bpcli.config.experiment import ExperimentConfig
from bpcli.frozen import dataclass
from bpcli.jobs.series import Series
from bpcli.jobs.variants import Variant, suffixed, suffixes_of
from bpcli.wording import counted


@dataclass(frozen=True)
class Seeds(Series):
    """Runs with consecutive seeds, in directories named like `STEM-seed3`."""

    count: int
    noun = "seed"

    @property
    def options(self) -> str:
        """Options of `bpcli train`."""
        return f"--seeds {self.count}"

    @property
    def described(self) -> str:
        """Number of seeds."""
        return counted(self.count, "seed")

    def existing(self, stem: Path) -> list[Variant]:
        """Existing runs of a stem, ordered by seed."""
        return [_run(stem, seed) for seed in sorted(int(match[1]) for match in suffixes_of(stem, r"seed(\d+)"))]

    def variants(self, stem: Path, config: ExperimentConfig, known: Variant | None = None) -> list[Variant]:
        """Runs from the seed of the config or, to resume them, from the lowest existing one."""
        seed = config.seed if known is None else dict(self.existing(stem)[0].numbers)["seed"]
        return [_run(stem, one) for one in range(seed, seed + self.count)]

    def notes(self, config: ExperimentConfig) -> list[str]:
        """Note on the effect of a run's seed."""
        if (seed := config.data.split.seed) is not None:
            return [
                f"each seed changes the initialization and the order of rows; the split has a seed of its own, {seed}"
            ]
        return ["each seed changes the initialization, the order of rows and, if random, the split"]


def _run(stem: Path, seed: int) -> Variant:
    return Variant(f"seed {seed}", (("seed", seed),), (f"seed={seed}",), suffixed(stem, f"seed{seed}"))
