"""The recipe of the first config, by what the data holds."""

from __future__ import annotations

from bpcli.config.recipe import RecipeName
from bpcli.errors import UsageError


def fitting_recipe(asked: RecipeName, has_images: bool, has_texts: bool, notes: list[str]) -> RecipeName:
    """Recipe for data with images or texts; the one that is asked for without any.

    Adds a note if one of numbers and categories is replaced. Raises UsageError for a recipe of texts or images that the
    data has not.
    """
    if asked == "text" and not has_texts:
        what = "no column is recognised as texts; write a config without it, and in that recipe: text"
        raise UsageError(f"--recipe text: {what} and data.columns: {{NAME: text}}")
    if asked == "image" and not has_images:
        raise UsageError("--recipe image: the data has no images; choose tabular, quick, linear or classic")
    if asked == "classic":
        return asked
    fitting: RecipeName = "image" if has_images else "text" if has_texts else asked
    if fitting != asked and asked in ("quick", "linear"):
        notes.append(f"--recipe {asked} is for numbers and categories: the config has recipe {fitting}")
    return fitting
