"""Trained model with its fitted preprocessing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.arrays.rows import Rows
from bpcli.data.columns import Surprise
from bpcli.data.files.python_rows import PythonRows, column_names, table_from_rows
from bpcli.data.files.read import ReadOptions, holds_arrays, read_header
from bpcli.data.preprocess import Preprocessor
from bpcli.data.table import Kind, Table
from bpcli.data.targets import Outcome, TargetBase
from bpcli.decision.fitted import FittedDecision
from bpcli.errors import DataError, UsageError
from bpcli.experiment.surprises import surprise_notes
from bpcli.models.new_rows import options_of_new_rows
from bpcli.nn.ensemble import EnsembleInference, inference_of
from bpcli.nn.inference import Inference
from bpcli.nn.losses import Link, LossBase
from bpcli.spec import type_name
from bpcli.storage.checkpoint import Checkpoint
from bpcli.storage.header import Header
from bpcli.storage.run_checkpoint import find_checkpoint
from bpcli.system.blas import BlasThreads
from bpcli.system.memory import require_memory
from bpcli.training.scoring import Answers, answers, outcome_of
from bpcli.wording import counted, printable, quoted

if TYPE_CHECKING:
    from bpcli.models.forecasting import Forecast, NamedRows


@dataclass(frozen=True)
class Model:
    """Preprocessing, network and parameters, from a checkpoint."""

    header: Header
    path: Path
    """Path of the checkpoint file."""
    preprocessor: Preprocessor
    loss: LossBase
    inference: Inference
    threads: BlasThreads
    dtype: np.dtype[Any]
    decision: FittedDecision = field(default_factory=FittedDecision)
    """Calibration, and thresholds above which classes and labels are predicted."""

    @classmethod
    def load(cls, path: str | Path, header: type[Header] = Header) -> Model:
        """Load a model from a run directory (its best checkpoint) or a checkpoint file.

        header: class of the header, as for `Checkpoint.load`.

        Raises:
            CheckpointError: there is no checkpoint or it is damaged.
            MemoryLimitError: its network needs more memory than is available.
        """
        file = find_checkpoint(Path(path))
        checkpoint = Checkpoint.load(file, header)
        found, network, (params, state) = checkpoint.header, checkpoint.network, checkpoint.predicting
        assert found.config.loss is not None
        # A row's bits must not depend on the other rows of the call; see BLOCK_ROWS.
        exact = np.dtype(np.float64)
        needed = found.config.members * Inference.bytes_needed(network, exact)
        require_memory(needed, f"{printable(str(file))}: its network", "free some, or train a smaller network")
        return cls(
            header=found,
            path=file,
            preprocessor=found.preprocessor,
            loss=found.config.loss,
            inference=inference_of(network, params, state, found.config.loss, exact),
            threads=BlasThreads(),
            dtype=params.dtype,
            decision=found.decision_in_use,
        )

    @property
    def members(self) -> int:
        """Number of networks whose predictions are averaged."""
        return self.header.config.members

    def of_member(self, member: int) -> Model:
        """The same model with a single member of its ensemble, counted from 0."""
        if not isinstance(self.inference, EnsembleInference):
            return self
        return replace(self, inference=self.inference.members[member])

    def deciding(self, decision: FittedDecision) -> Model:
        """The same model with another decision."""
        return replace(self, decision=decision)

    def with_threshold(self, threshold: float) -> Model:
        """The same model that predicts the positive class, or each label, above a probability.

        Raises UsageError if the model has neither, or no probabilities.
        """
        count = len(self.target.decided_names)
        if not (count and self.loss.gives_probabilities):
            why = "gives no probabilities" if count else "decides by the most probable class"
            why = "predicts numbers" if self.target.task == "regression" else why
            raise UsageError(f"--threshold: requires two classes or labels with probabilities; the model {why}")
        return self.deciding(self.decision.with_threshold(threshold, count))

    @property
    def link(self) -> Link:
        """Function from logits to predictions: the loss's link, with calibration."""
        return self.decision.link_of(self.loss)

    def __repr__(self) -> str:
        target = self.preprocessor.target
        return f"Model({str(self.path)!r}: {', '.join(target.names)}, {target.task})"

    @property
    def target(self) -> TargetBase:
        """Target of the model."""
        return self.preprocessor.target

    @property
    def evaluation_kinds(self) -> dict[str, Kind]:
        """Columns of a source that an evaluation needs, with their kinds."""
        windows = self.header.windows
        return self.preprocessor.evaluation_kinds if windows is None else dict(windows.kinds)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, labels or target columns."""
        return self.target.labels

    def whole_arrays(self, source: Path | None, options: ReadOptions) -> list[str]:
        """Columns of a file that may be arrays. Only files of arrays have any."""
        if source is None or not self.preprocessor.arrays or not holds_arrays(source):
            return []
        return read_header(source, options)

    def require_width(self, source: Path | None, ignored: Sequence[str]) -> None:
        """Raise DataError for an array with more columns than the model takes: columns are matched by position.

        Those of a folder of pictures have names.
        """
        if ignored and source is not None and holds_arrays(source) and not source.is_dir():
            takes = len(self.preprocessor.parts)
            shown = printable(str(source))
            raise DataError(f"{shown}: rows of {takes + len(ignored)} numbers; the model expects {takes}")

    def require_positions(self, source: Path | None, header: Sequence[str]) -> None:
        """Raise DataError for an array with fewer columns than the model takes."""
        x = self.header.config.data.arrays.x
        wanted = [name for name in self.preprocessor.input_kinds if name.startswith(x) and name[len(x) :].isdecimal()]
        there = {name for name in header if name.startswith(x) and name[len(x) :].isdecimal()}
        if source is not None and source.suffix == ".npz" and there and not {*wanted} <= there:
            columns = counted(len(there), "column")
            raise DataError(f"{printable(str(source))}: {quoted(x)} has {columns}, the model takes {len(wanted)}")

    def predict(self, rows: PythonRows) -> Array:
        """Predict classes (rows,) as names, labels (rows, labels) as 0 and 1, or numbers, (rows,) or (rows, targets).

        Of series, forecasts (rows, horizon) of what follows each row, NaN where it has too few rows before it.

        Raises:
            DataError: a column is missing or has invalid values.
        """
        table = self.table(rows)
        if self.header.windows is not None:
            return self.forecasts_of_rows(table, "rows")[0]
        return self.target.values(self.outcome(table)[0].predicted)

    def forecasts_of_rows(self, table: Table, source: str) -> tuple[Array, list[str]]:
        """Forecast (rows, horizon) of what follows each row of series, as `new_windows.forecasts_of_rows`."""
        from bpcli.models.new_windows import forecasts_of_rows

        assert self.header.windows is not None
        data, windows = self.header.config.data, self.header.windows
        return forecasts_of_rows(table, data, windows, source, lambda rows: self.outcome(rows)[0].predicted)

    def forecast(self, rows: PythonRows | None = None, future: PythonRows | None = None) -> Forecast:
        """Forecast what follows the last row of each series.

        rows: rows of the series up to now; by default those of the training. future: coming rows, with the columns that
        are known ahead.

        Raises:
            UsageError: the model forecasts no series.
            DataError: a column is missing or has invalid values, or there are too few rows.
        """
        from bpcli.models.forecasting import NamedRows, future_kinds

        history = None if rows is None else NamedRows(self.table(rows), "rows")
        coming = None
        if future is not None:
            table = table_from_rows(future, self._options(future_kinds(self.header)), {})
            coming = NamedRows(table, "coming rows")
        return self.forecast_from(history, coming)

    def forecast_from(self, history: NamedRows | None, future: NamedRows | None = None) -> Forecast:
        """Forecast what follows rows of a file; otherwise as `forecast`."""
        from bpcli.models.forecasting import forecast

        unseen: Counter[Surprise] = Counter()

        def scaled(table: Table) -> Array:
            x, surprises = self.preprocessor.encode(table, self.dtype)
            unseen.update(surprises)
            return self.outcome_of(x).predicted

        found = forecast(self.header, scaled, history, future)
        return replace(found, notes=[*found.notes, *surprise_notes(unseen)])

    def predict_probabilities(self, rows: PythonRows) -> Array:
        """Predict probabilities, (rows, classes or labels).

        Raises:
            UsageError: the model's loss gives no probabilities.
            DataError: `predict` would raise it.
        """
        table = self.table(rows)
        return self.require_probabilities(self.outcome(table)[0])

    def _options(self, kinds: Mapping[str, Kind]) -> ReadOptions:
        return options_of_new_rows(self.header.config.data, kinds, self.preprocessor)

    def table(self, rows: PythonRows) -> Table:
        """Rows of Python as a table of the model's inputs. Raises DataError as `predict`."""
        if self.header.windows is not None:
            from bpcli.models.new_windows import series_kinds

            return table_from_rows(rows, self._options(series_kinds(self.header)), {})
        shapes = {array.name: array.shape for array in self.preprocessor.arrays}
        are_arrays = isinstance(rows, np.ndarray) and rows.ndim > 2
        kinds = self.preprocessor.input_kinds_in(shapes if are_arrays else column_names(rows))
        return table_from_rows(rows, self._options(kinds), shapes)

    def require_probabilities(self, outcome: Outcome) -> Array:
        """Probabilities of an outcome. Raises UsageError if the loss gives none."""
        if outcome.probabilities is None:
            raise UsageError(f"a model with loss {type_name(self.loss)} gives no probabilities")
        return outcome.probabilities

    def outcome(self, table: Table) -> tuple[Outcome, Counter[Surprise]]:
        """Predictions for a table, which needs no target, and values unseen in training.

        Raises:
            DataError: a row is so far outside the training range that its prediction overflows.
        """
        with np.errstate(all="ignore"):
            x, surprises = self.preprocessor.encode(table, self.dtype)
            outcome, origins = self.outcome_of(x), self.preprocessor.origins
            if origins is not None:
                outcome = replace(outcome, predicted=origins.of(table).restored(outcome.predicted))
            return outcome, surprises

    def outcome_of(self, x: Rows) -> Outcome:
        """Predictions for encoded rows. Raises DataError as `outcome`."""
        return outcome_of(self.target, self.loss, self.logits(x), self.decision)

    def answers(self, table: Table, weight: Array | Literal["own"] | None = "own") -> tuple[Answers, Counter[Surprise]]:
        """Predictions, true targets and all metrics for a table without missing targets, and values unseen in training.

        weight: row weights (rows,) in metrics, None for ones; by default those of the table's column, if it has one.

        Raises:
            DataError: as for `outcome`.
        """
        with np.errstate(all="ignore"):
            dataset, surprises = self.preprocessor.apply(table, self.dtype)
            if not isinstance(weight, str):
                dataset = replace(dataset, row_weight=weight)
            header, logits = self.header, self.logits(dataset.x)
            ensemble, ridge = header.config.ensemble, None
            if ensemble is not None or header.ridge is not None:
                from bpcli.training.ridge import ridge_logits

                ridge = ridge_logits(ensemble, self.inference, header.ridge, dataset)
            found = answers(self.target, self.loss, logits, dataset, self.decision, ridge, header.intervals)
            return found, surprises

    @property
    def decision_notes(self) -> list[str]:
        """Note on a checkpoint that lacks the threshold or calibration of its config; empty for any other."""
        if self.header.decision is not None or not self.header.config.decision.needs_rows:
            return []
        return ["thresholds and calibration are fitted to the best epoch alone: this checkpoint decides without them"]

    def logits(self, x: Rows) -> Array:
        """Logits (rows, n_out) of encoded rows, in the dtype of the model."""
        # One thread, because the split of a product among threads changes its bits.
        with self.threads.single():
            return self.inference.logits(x)
