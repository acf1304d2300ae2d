"""Names of the files that rows of images are from."""

from __future__ import annotations

from bpcli.data.files.pictured_rows import picture_names
from bpcli.data.files.source import open_source
from bpcli.data.preprocess.image_inputs import images_among
from bpcli.models.evaluation import find_data
from bpcli.models.model import Model


def file_names(model: Model, cache: bool = True) -> list[str] | None:
    """File of each row of a model's own data; None without images, or without a column of files.

    cache: as for `prepare`. Raises DataError if the data cannot be read.
    """
    if not images_among(model.preprocessor.inputs):
        return None
    spec, folder = find_data(model.header, model.path, "")
    return picture_names(open_source(spec, folder, model.preprocessor.evaluation_kinds, cache))
