"""Document of an inspection, rendered on the terminal and by `--json`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

import numpy as np

from bpcli.data.preprocess.image_inputs import ImageInput
from bpcli.frozen import dataclass
from bpcli.inspection.attributions import Attributions, Numbers
from bpcli.inspection.dependence import PartialDependence
from bpcli.inspection.importance import ColumnImportance, ImageImportance, Importance, PartImportance
from bpcli.inspection.neurons import Neuron
from bpcli.inspection.term_ranking import RankedTerms
from bpcli.models.summary import NetworkSummary


@dataclass(frozen=True)
class RankedColumn(ColumnImportance):
    """Column with its permutation importance and its mean |contribution| by integrated gradients."""

    contribution: float = 0.0


@dataclass(frozen=True)
class RankedColumns:
    """Columns, and parts of images, sorted by importance, then by contribution; other fields as in `Importance`."""

    metric: str
    rows: int
    score: float
    columns: Sequence[RankedColumn]
    loss: str
    repeats: int
    confidence: float
    weighted: bool
    images: Sequence[ImageImportance] = ()

    @classmethod
    def of(cls, importance: Importance, added: Attributions, images: Sequence[ImageInput] = ()) -> RankedColumns:
        """Rank the columns, and the parts of those that are images, by both measures."""
        contributions = dict(zip(added.columns, added.importance.tolist(), strict=True))
        pixels = {image.name: added.contributions[..., image.parts] for image in images}
        contributions |= {name: float(np.abs(numbers.sum(axis=-1)).mean()) for name, numbers in pixels.items()}
        ranked = [RankedColumn(**vars(one), contribution=contributions[one.column]) for one in importance.columns]
        ranked.sort(key=lambda one: (-round(one.importance, 9), -one.contribution))
        of_images = tuple(_ranked(image, pixels[image.image]) for image in importance.images)
        return cls(**{**vars(importance), "columns": ranked, "images": of_images})


def _ranked(image: ImageImportance, pixels: Numbers) -> ImageImportance:
    """Parts of an image sorted by both measures. pixels: contributions, (rows, outputs, numbers)."""
    return replace(
        image,
        regions=_sorted(image.regions, image.grid.sums(pixels)),
        channels=_sorted(image.channels, image.grid.sums_of_channels(pixels)),
    )


def _sorted(parts: Sequence[PartImportance], contributions: Numbers) -> list[PartImportance]:
    means = np.abs(contributions).mean(axis=(0, 1)).tolist()
    known = [replace(part, contribution=mean) for part, mean in zip(parts, means, strict=bool(parts))]
    return sorted(known, key=lambda part: (-round(part.importance, 9), -part.contribution))


@dataclass(frozen=True)
class Contributions:
    """Explained quantity of the contributions, number of rows, and largest relative completeness error."""

    meaning: str
    rows: int
    remainder: float


@dataclass(frozen=True)
class InspectedColumns:
    """Importance, contributions and partial dependence of the input columns, and terms of those of texts."""

    importance: RankedColumns
    contributions: Contributions
    dependence: PartialDependence
    terms: Sequence[RankedTerms] = ()


@dataclass(frozen=True)
class Inspection:
    """Summary of a model and, if requested, inspection of its columns and neurons."""

    checkpoint: str
    rows: str
    network: NetworkSummary
    columns: InspectedColumns | None
    neurons: Sequence[Neuron] | None

    def to_json(self) -> dict[str, object]:
        """Inspection as a JSON object, without the parts that were not requested."""
        document = asdict(self)
        columns, neurons = document.pop("columns"), document.pop("neurons")
        document["network"] = self.network.to_json()
        if self.columns is not None and not self.columns.importance.images:
            del columns["importance"]["images"]
        if self.columns is not None and not self.columns.terms:
            del columns["terms"]
        return {**document, **(columns or {}), **({} if neurons is None else {"neurons": neurons})}
