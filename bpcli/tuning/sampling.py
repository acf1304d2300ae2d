"""Choice of the values of trials, by Optuna's samplers.

What is chosen follows from the seed, the space and the results of the earlier trials, since all of them are asked for
and told again in the same order when a search goes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from bpcli.config.distribution import Distribution, Value
from bpcli.config.tune import Sampler
from bpcli.tuning.objective import Objective, is_maximized
from bpcli.tuning.space import Space, Values
from bpcli.tuning.storage import quiet
from bpcli.tuning.trial import Trial

FEWEST_RANKED = 10
"""Fewest trials from which the importance of parameters is estimated."""

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution


class Sampling:
    """Sampler of a search, which is asked for the values of several trials at once, and then told their results."""

    def __init__(
        self, space: Space, sampler: Sampler, seed: int, objective: Objective, at_once: int, start: Values | None = None
    ) -> None:
        """New search. start: values of the first trial. Raises MismatchError for a grid over real numbers."""
        self._grid: Iterator[Values] | None = None
        self._objective = objective
        if sampler == "grid":
            self._grid = iter(space.grid())
            return
        import optuna

        with quiet():
            self._distributions = {name: optuna_distribution(one) for name, one in space.parameters.items()}
            self._study = optuna.create_study(
                sampler=_sampler(sampler, seed, at_once), directions=directions(objective)
            )
            if start is not None:
                self._study.enqueue_trial(dict(start))
        self._asked: list[Any] = []

    def ask(self, count: int) -> list[Values]:
        """Values of the next trials; fewer at the end of a grid."""
        if self._grid is not None:
            return [values for _, values in zip(range(count), self._grid, strict=False)]
        with quiet():
            self._asked = [self._study.ask(self._distributions) for _ in range(count)]
        return [dict(trial.params) for trial in self._asked]

    def tell(self, trials: Sequence[Trial]) -> None:
        """Take the results of the trials that were asked for last, in their order."""
        if self._grid is not None:
            return
        from optuna.trial import TrialState

        with quiet():
            for asked, trial in zip(self._asked, trials, strict=True):
                values = self._objective.values(trial)
                if values is None:
                    self._study.tell(asked, state=TrialState.FAIL)
                elif trial.state == "stopped":
                    asked.report(values[0], trial.epochs)
                    self._study.tell(asked, state=TrialState.PRUNED)
                else:
                    self._study.tell(asked, values)


def directions(objective: Objective) -> list[Literal["maximize", "minimize"]]:
    """Direction of each metric, as Optuna names it."""
    return ["maximize" if is_maximized(metric) else "minimize" for metric in objective.metrics]


def importances(space: Space, trials: Sequence[Trial], objective: Objective) -> dict[str, float]:
    """Share of each parameter in what tells good trials from all, by PED-ANOVA (Watanabe et al. 2023), largest first.

    Of trials that were trained to the end; empty for fewer than FEWEST_RANKED of them.
    """
    known = [trial for trial in trials if trial.state == "complete" and trial.score is not None]
    if len(known) < FEWEST_RANKED:
        return {}
    import optuna

    with quiet():
        distributions = {name: optuna_distribution(one) for name, one in space.parameters.items()}
        study = optuna.create_study(direction=directions(objective)[0])
        for trial in known:
            given: dict[str, Any] = dict(trial.values)
            study.add_trial(optuna.create_trial(params=given, distributions=distributions, value=trial.score))
        found = optuna.importance.get_param_importances(
            study, evaluator=optuna.importance.PedAnovaImportanceEvaluator(), normalize=True
        )
    return {name: float(share) for name, share in found.items()}


def optuna_distribution(one: Distribution) -> BaseDistribution:
    """Distribution as Optuna has it."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if one.bounds is None:
        return CategoricalDistribution(list(one.choice or ()))
    low, high = one.bounds
    if one.is_whole:
        return IntDistribution(int(low), int(high), log=one.is_log)
    return FloatDistribution(low, high, log=one.is_log)


def _sampler(name: Sampler, seed: int, at_once: int) -> Any:
    from optuna import samplers

    seed %= 2**32  # as NumPy's legacy generators take them
    if name == "random":
        return samplers.RandomSampler(seed)
    if name == "cma_es":
        return samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False)
    if name == "qmc":
        return samplers.QMCSampler(seed=seed, scramble=True, warn_independent_sampling=False)
    if name == "nsga2":
        return samplers.NSGAIISampler(seed=seed, population_size=max(2, at_once))
    return samplers.TPESampler(seed=seed, multivariate=True, constant_liar=True)


def same_values(asked: Mapping[str, Value], known: Mapping[str, Value]) -> bool:
    """Whether the sampler chose again what a trial on disk has; else another version of Optuna is at work."""
    return {name: repr(value) for name, value in asked.items()} == {name: repr(value) for name, value in known.items()}
