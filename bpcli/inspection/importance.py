"""Permutation importance: degradation of the loss or a metric when a column's values are shuffled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bpcli.data.table import Table
from bpcli.errors import DataError, UsageError
from bpcli.frozen import dataclass
from bpcli.inspection.feature_groups import ImageGroups, column_groups, image_groups
from bpcli.inspection.group_scores import MOST_GROUPS, GroupScores, LossScores, MetricScores, groups_of
from bpcli.inspection.group_scores import jackknife_interval as interval_of
from bpcli.inspection.regions import Region, RegionGrid
from bpcli.inspection.sampling import (
    LEAST_ROWS,
    MOST_INPUTS,
    MOST_MULTIPLICATIONS,
    ChangedRows,
    evenly_spaced,
    features_of,
    logits_of,
)
from bpcli.inspection.track import Track, untracked
from bpcli.metrics import METRICS
from bpcli.models.model import Model
from bpcli.spec import type_name
from bpcli.training.scoring import metric_names, require_finite
from bpcli.wording import quoted, suggestion

LOSS = "loss"
"""Default score: the loss that was trained. Unlike accuracy, it shows a column's effect on rare classes too."""

REPEATS = 5
"""Number of permutations of each column."""

MOST_PASSES = 10_000
"""Maximum number of permutations of all columns together, several seconds; beyond it, each column has fewer."""

OF_IMAGES = 1.5e10
"""Maximum number of multiplications with regions of images, a few seconds: convolutions of few channels are slow."""

CONFIDENCE = 0.95

LEAST_GROUP = 5
"""Minimum rows per group: values are shuffled within groups, and few donors make few different pairs."""

MOST_SCORED = 5e7
"""Maximum number of rows whose metric is computed, over all columns, permutations and groups: a few seconds."""


@dataclass(frozen=True)
class ColumnImportance:
    """Importance of a column: mean and standard deviation of the degradation over permutations, and its interval.

    low, high: None if there are too few rows.
    """

    column: str
    importance: float
    deviation: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class PartImportance:
    """Importance of a region or a channel of an image; numbers as in `ColumnImportance`.

    rows, columns: first and last one of a region, counted from 0; None of a channel. contribution: mean |contribution|
    by integrated gradients, once it is known.
    """

    part: str
    rows: tuple[int, int] | None
    columns: tuple[int, int] | None
    importance: float
    deviation: float
    low: float | None
    high: float | None
    contribution: float = 0.0

    @classmethod
    def of(cls, region: Region | None, found: ColumnImportance) -> PartImportance:
        """Part with the importance of its features."""
        rows, columns = (None, None) if region is None else (region.rows, region.columns)
        return cls(found.column, rows, columns, found.importance, found.deviation, found.low, found.high)


@dataclass(frozen=True)
class ImageImportance:
    """Importance of the regions, and of the channels if there are several, of an image or a series.

    Regions are in the order of the grid, line by line.
    """

    image: str
    grid: RegionGrid
    regions: list[PartImportance]
    channels: list[PartImportance]


@dataclass(frozen=True)
class Importance:
    """Importance of every input column, in descending order.

    metric: `loss` or the name of a metric. score: its value with the columns unchanged. loss: type of the model's loss.
    weighted: whether row weights count. images: parts of the columns that are images.
    """

    metric: str
    rows: int
    score: float
    columns: list[ColumnImportance]
    loss: str = ""
    repeats: int = REPEATS
    confidence: float = CONFIDENCE
    weighted: bool = False
    images: Sequence[ImageImportance] = ()


def require_score(model: Model, name: str) -> None:
    """Raise UsageError unless a model has the metric, or it is `loss`."""
    known = [LOSS, *metric_names(model.target, model.loss)]
    if name not in known:
        hint = suggestion(name, known) or f"; available: {', '.join(known)}"
        raise UsageError(f"--importance: no metric {quoted(name)} for this model{hint}")


def permutation_importance(
    model: Model,
    table: Table,
    metric: str = LOSS,
    repeats: int = REPEATS,
    seed: int = 0,
    most_passes: int = MOST_PASSES,
    pixels: Sequence[str] = (),
    track: Track = untracked,
) -> Importance:
    """Degradation of a score when the values of one column are shuffled.

    Of an image, those of the whole image, of each region, and of each channel are shuffled. pixels: single numbers of
    images that count as columns too.

    Redundant columns all look unimportant, because the model can use one while another is shuffled (Breiman 2001,
    "Random forests", section 10). Encoded columns are shuffled, which is equivalent, because rows are encoded
    independently. No row keeps its value: the mean over permutations is an unbiased estimate of the mean over all pairs
    of different rows (Fisher, Rudin and Dominici 2019, "All models are wrong, but many are useful", section 3).

    The interval covers the choice of rows as well as that of permutations, which alone would be too narrow, because all
    permutations share the same rows. Rows are divided into random groups and shuffled within them, which makes groups
    independent. With row weights, the score of a row counts by the product of its weight and that of the row that its
    value is from.

    Raises:
        UsageError: the model has no such metric.
        DataError: an output is not finite, or the metric is undefined on these rows.
    """
    require_score(model, metric)
    multiplications, budget = max(1, model.inference.network.multiplications), MOST_MULTIPLICATIONS
    of_members = multiplications * model.members
    columns, images = column_groups(model, pixels), image_groups(model, OF_IMAGES / (LEAST_ROWS * of_members))
    groups = [*columns, *(group for image in images for group in (*image.regions, *image.channels))]
    if images:
        budget, multiplications = OF_IMAGES, of_members
        most_passes = min(most_passes, int(budget / (table.rows * multiplications)))
    repeats = max(1, min(repeats, most_passes // len(groups)))
    passes = 1 + repeats * len(groups)
    most = min(budget / (multiplications * passes), MOST_INPUTS / model.inference.width)
    if metric != LOSS:
        most = min(most, MOST_SCORED / (passes * (1 + MOST_GROUPS)))
    generator = np.random.default_rng(seed)
    chosen = table.take(generator.permutation(evenly_spaced(table.rows, most)))
    rows, x = chosen.rows, features_of(model, chosen)
    bounds = groups_of(rows, LEAST_GROUP)
    scores = _scores(model, chosen, bounds, metric)
    sign = -1.0 if metric != LOSS and METRICS[model.target.task][metric].greater_is_better else 1.0
    weight = model.preprocessor.row_weights(chosen)
    unchanged = logits_of(model, x)
    require_finite(unchanged)
    score = float(scores.of(unchanged, weight)[0])
    if np.isnan(score):
        raise DataError(f"--importance: {metric} is undefined on these rows; use loss")
    donors = [_donors(generator, bounds) for _ in range(repeats)]
    weights = [None if weight is None else weight * weight[donor] for donor in donors]
    before = [scores.of(unchanged, of_rows) for of_rows in weights]
    found, changed = [], ChangedRows(model, x)
    with model.threads.single():
        for group in track(groups, "permutation importance"):
            kept, changes = x[:, group.features].copy(), []
            for donor, of_rows, base in zip(donors, weights, before, strict=True):
                changes.append(sign * (scores.of(changed.logits(group.features, kept[donor]), of_rows) - base))
            worse, *without = np.mean(changes, axis=0)
            low, high = interval_of(worse, np.array(without)) or (None, None)
            deviation = float(np.std([change[0] for change in changes]))
            found.append(ColumnImportance(group.name, float(worse), deviation, low, high))
    of_columns, rest = found[: len(columns)], iter(found[len(columns) :])
    of_columns.sort(key=lambda one: -one.importance)
    weighted, of_images = weight is not None, tuple([_of_image(image, rest) for image in images])
    return Importance(metric, rows, score, of_columns, type_name(model.loss), repeats, CONFIDENCE, weighted, of_images)


def _of_image(groups: ImageGroups, found: Iterator[ColumnImportance]) -> ImageImportance:
    """Importance of an image's parts, which are the next ones of `found`."""
    regions = [PartImportance.of(region, next(found)) for region in groups.grid.regions]
    channels = [PartImportance.of(None, next(found)) for _ in groups.channels]
    return ImageImportance(groups.image.name, groups.grid, regions, channels)


def _scores(model: Model, table: Table, bounds: NDArray[np.intp], metric: str) -> GroupScores:
    return LossScores(model, table, bounds) if metric == LOSS else MetricScores(model, table, bounds, metric)


def _donors(generator: np.random.Generator, bounds: NDArray[np.intp]) -> NDArray[np.intp]:
    """Row that each row's value is from: another one of its group, each once; (rows,)."""
    donors = np.empty(bounds[-1], np.intp)
    for start, stop in pairwise(bounds):
        order = start + generator.permutation(stop - start)
        donors[order] = np.roll(order, 1)
    return donors
