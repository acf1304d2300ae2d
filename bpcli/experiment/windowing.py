"""Series as examples: the config and the source of their windows, in place of those of their rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bpcli.config.experiment import ExperimentConfig
from bpcli.data.examples.roles import check_names
from bpcli.data.files.elsewhere import elsewhere_hint
from bpcli.data.files.source import Source
from bpcli.data.windows.fit import fit_windows
from bpcli.data.windows.fitted import FittedWindows
from bpcli.data.windows.history import LatestRows
from bpcli.data.windows.source import WindowSource, data_of_windows, require_windows, split_windows
from bpcli.data.windows.windows import Windows
from bpcli.decision.intervals import rank_of
from bpcli.wording import counted, enumerated


@dataclass(frozen=True)
class Windowed:
    """Windows of the series of an experiment.

    config: with the data of the windows. asked: with that of the rows. source: of the windows. latest: rows from which
    what follows is forecast.
    """

    config: ExperimentConfig
    asked: ExperimentConfig
    source: WindowSource
    fitted: FittedWindows
    latest: LatestRows
    notes: list[str]

    @classmethod
    def of(cls, config: ExperimentConfig, source: Source) -> Windowed:
        """Fit windows on the rows of a source.

        Raises:
            MismatchError: config and data do not fit together.
            DataError: the rows are no regular series, or too short.
        """
        assert config.forecast is not None
        data, first = config.data, source.locations[0]
        check_names(data, source.header, data.targets, lambda name: elsewhere_hint(first, source.options, name))
        fit = fit_windows(source.table(), config.data, config.forecast, source.shown)
        windows, parts, notes = split_windows(Windows.with_targets(fit.rows, fit.fitted))
        split = config.data.split
        require_windows(parts, fit.fitted, (split.validation or 0.0, split.test or 0.0), source.shown)
        update = {
            "window": fit.fitted.window,
            "other_window": fit.fitted.other_window,
            "season": fit.fitted.season,
            "calendar": fit.fitted.cycles or "none",
        }
        forecast = config.forecast.model_copy(update=update)
        asked = config.model_copy(update={"forecast": forecast})
        config = asked.model_copy(update={"data": data_of_windows(config.data, fit.fitted)})
        validated = int(np.count_nonzero(parts == 1))
        few = [level for level in forecast.intervals if rank_of(level, validated) is None]
        if few and validated:
            shown = enumerated(f"{level:.0%}" for level in few)
            notes.append(f"no interval of {shown}: {counted(validated, 'validation window')} are too few")
        latest = LatestRows.of(fit.rows, fit.fitted)
        return cls(config, asked, WindowSource(source, windows, parts), fit.fitted, latest, [*fit.notes, *notes])

    def of_rows(self, config: ExperimentConfig) -> ExperimentConfig:
        """A config of the windows with the data of the rows."""
        return config.model_copy(update={"data": self.asked.data})

    def of_windows(self, config: ExperimentConfig) -> ExperimentConfig:
        """A config of the rows with the data of the windows."""
        return config.model_copy(update={"data": data_of_windows(config.data, self.fitted)})
