"""Notes on data that is given twice, and on pictures of one name in several folders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from bpcli.data.files.cells import shown_path
from bpcli.data.files.picture_names import FILE
from bpcli.wording import counted, quoted


def notes_of_repeats(sources: Sequence[Path | None], keep: Collection[str]) -> Iterator[str]:
    """Notes on files that are given more than once, and on kept names by which pictures cannot be told apart.

    Raises DataError for a folder that is no table of pictures.
    """
    files = {source.resolve(): source for source in reversed(sources) if source is not None}
    times = Counter(source.resolve() for source in sources if source is not None)
    for path, count in times.items():
        if count > 1:
            yield f"{shown_path(files[path])} is given {count:,} times, so its rows are predicted as often"
    folders = [source for path, source in files.items() if path.is_dir()] if FILE in keep else []
    if len(folders) > 1:
        from bpcli.data.files.picture_folder import pictures_in

        names = Counter(picture.name for folder in folders for picture in pictures_in(folder))
        several = [name for name, count in names.items() if count > 1]
        if several:
            yield (
                f"{counted(len(several), 'name')} in {quoted(FILE)}, such as {quoted(several[0])}, "
                f"{'is that' if len(several) == 1 else 'are those'} of pictures in several folders; rows are in the "
                "order of the folders given"
            )
