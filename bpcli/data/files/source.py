"""Data sources: header, digest and table, each read once. Tables are kept in the user's cache."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from bpcli._version import __version__
from bpcli.data.files.cells import ReadOptions
from bpcli.data.files.query import Location, Query, shown_location
from bpcli.data.files.read import data_digest, is_text, read_header, read_table
from bpcli.data.spec import DataSpec
from bpcli.data.table import Kind, Part, Table
from bpcli.errors import DataError
from bpcli.system.files import path_from_here
from bpcli.wording import enumerated, printable

CACHED_FROM = 2 << 20
"""Bytes of text from which the cache is used: as many took 30 ms to read as plain numbers, 230 as quoted text."""


def read_options(spec: DataSpec, kinds: Mapping[str, Kind], split_arrays: bool = False) -> ReadOptions:
    """Read options of a spec, with the given kinds of columns.

    Arrays are split if a column names a position of one, as with `split_arrays`.
    """
    options = ReadOptions(
        kinds=kinds,
        missing=spec.missing,
        x=spec.arrays.x,
        y=spec.arrays.y,
        sheet=spec.sheet,
        dialect=spec.dialect,
        notations=spec.notations,
        verbatim=frozenset(spec.pictures),
        picture_form=spec.images.form,
        pictures=spec.pictures,
        own_missing={name: column.missing for name, column in spec.columns.items() if column.missing},
    )
    named = (*kinds, *spec.exclude, *spec.targets)
    return replace(options, split_arrays=split_arrays or any(map(options.names_position, named)))


def open_source(
    spec: DataSpec,
    folder: Path,
    kinds: Mapping[str, Kind] | None = None,
    cache: bool = True,
    split_arrays: bool = False,
) -> Source:
    """Source of a spec: its query, or its files, whose relative paths start from `folder`.

    `kinds` are the kinds with which columns were read before; without it, kinds are those of the spec, or inferred.
    With `split_arrays`, an array is one column per position.
    """
    options = read_options(spec, {**spec.kinds, **(kinds or {})}, split_arrays)
    sources: list[tuple[Location, Part | None]] = [*spec.sources(folder)]
    if spec.url is not None and spec.query is not None:
        sources = [(Query(spec.url, spec.query, spec.sources(folder)[0][0] if sources else None), None)]
    return Source(sources, options, cache, spec.unread)


def read_together(sources: Iterable[Source]) -> list[Source]:
    """Sources in which those of the same files share header, digest and columns, each read once.

    Sources with other words for missing values, or other arrays, share nothing. A column wanted in two kinds is read
    in both.
    """
    groups: dict[Hashable, list[Source]] = {}
    together = []
    for source in sources:
        files = tuple((_identity(location), part) for location, part in source.sources)
        told = source.options
        mappings = (told.notations, told.own_missing, told.pictures)
        written = (told.sheet, told.dialect, told.picture_form, *(tuple(mapping.items()) for mapping in mappings))
        group = groups.setdefault((files, told.missing, told.x, told.y, told.split_arrays, written), [])
        group.append(Source(source.sources, source.options, source.cache, source.without, group))
        together.append(group[-1])
    return together


def _identity(location: Location) -> Hashable:
    return location if isinstance(location, Query) else (location.resolve(), *location.suffixes[-2:])


class Source:
    """Data files, each of all rows or of one part (`train`, `validation`, `test`), and their read options.

    The source can also be a query.

    With `cache`, columns of large text files, and of pictures, are taken from the user's cache, or stored there. Their
    key is the content of the files, so they cannot be confused with those of another table.
    """

    def __init__(
        self,
        sources: Sequence[tuple[Location, Part | None]],
        options: ReadOptions | None = None,
        cache: bool = True,
        without: Collection[str] = (),
        group: Sequence[Source] = (),
    ) -> None:
        """`without` names columns that `table` leaves out; the first of a `group` reads for all of it."""
        self.sources = sources
        self.locations = [location for location, _ in sources]
        files = [location.file if isinstance(location, Query) else location for location in self.locations]
        self.paths = [file for file in files if file is not None]
        self.options = options or ReadOptions()
        self.cache = cache
        self.without = frozenset(without)
        self._group = group

    def read_once(self) -> Source:
        """This source, which holds its table once it is read."""
        if len(self._group) > 1:
            return self
        found = copy(self)  # with header and digest, if they are known
        found._group = [found, found]
        return found

    @property
    def shown(self) -> str:
        """Names of the files or the database in messages."""
        return enumerated(map(shown_location, self.locations))

    @property
    def shown_from_here(self) -> str:
        """Names in messages, with paths relative to the working directory."""
        shown = [printable(path_from_here(path)) for path in self.paths]
        return enumerated(shown) if shown else self.shown

    @property
    def header(self) -> list[str]:
        """Column names of the first file, which all others share. Raises as `read_header` does."""
        return self._first._header

    def table(self) -> Table:
        """The wanted columns. Raises as `read` does."""
        if len(self._group) < 2:
            return self.read(replace(self.options, columns=frozenset(self._wanted)))
        tables = self._first._tables
        columns = [tables[name, kind][name] for name, kind in self._wanted.items()]
        some = next(iter(tables.values()))
        return Table(columns, some.parts, some.rows)

    @property
    def digest(self) -> str:
        """SHA-256 of the data when it was first read or asked for. Raises as `data_digest` does."""
        return self._first._hashed[1]

    @property
    def _first(self) -> Source:
        """Source that reads for the group."""
        return self._group[0] if self._group else self

    @cached_property
    def _header(self) -> list[str]:
        return read_header(self.locations[0], self.options)

    @property
    def _wanted(self) -> dict[str, Kind | None]:
        """Columns of `table` in file order, with their kinds; None for kinds to be inferred."""
        names = [name for name in self.header if self.options.includes(name) and name not in self.without]
        return {name: self.options.kind(name) for name in names}

    @cached_property
    def _tables(self) -> dict[tuple[str, Kind | None], Table]:
        """The fewest tables that have each column in each kind that the group wants."""
        wanted = list(dict.fromkeys(column for source in self._group for column in source._wanted.items()))
        found: dict[tuple[str, Kind | None], Table] = {}
        while wanted:
            kinds: dict[str, Kind | None] = {}
            for name, kind in wanted:
                kinds.setdefault(name, kind)
            given = {name: kind for name, kind in kinds.items() if kind is not None}
            table = self.read(replace(self.options, kinds=given, columns=frozenset(kinds)))
            found |= dict.fromkeys(kinds.items(), table)
            wanted = [column for column in wanted if column not in found]
        return found

    def read(self, options: ReadOptions) -> Table:
        """Read the table, as `read_table` does. Columns from the cache are read-only.

        Raises DataError for a query whose rows changed since the first time.
        """
        if isinstance(query := self.locations[0], Query):
            return self._read_query(query, options)
        if not (self.cache and self._takes_long()):
            return read_table(self.sources, options)
        from bpcli.data.files.table_cache import TableCache  # small files have no use for it

        cache = TableCache.of_user()
        if cache is None:
            return read_table(self.sources, options)
        wanted = {name: options.kind(name) for name in self.header if options.includes(name)}
        key = self._key(options)
        table = cache.find(key, wanted)
        columns = dict(table)
        absent = frozenset(wanted.keys() - columns.keys())
        if absent or not wanted:
            table = read_table(self.sources, replace(options, columns=absent))
            if self._states() != self._hashed[0]:
                return read_table(self.sources, options)  # of changed files, columns may not match those found
            asked = {name: wanted[name] for name in table}
            cache.keep(key, asked, table)
            columns |= {**table, **cache.find(key, asked)}  # those in memory make way for mapped ones
        return Table([columns[name] for name in wanted], table.parts, table.rows)

    def _read_query(self, query: Query, options: ReadOptions) -> Table:
        from bpcli.data.files.query_reader import read_query

        table, digest = read_query(query, options)
        if self.__dict__.setdefault("_hashed", ([], digest))[1] != digest:  # the cached property, without a query more
            raise DataError(f"{query.shown}: the query gave other rows when it ran again; add ORDER BY to it")
        return table

    def _key(self, options: ReadOptions) -> str:
        """Digest of everything that determines a column's values, except its name and kind."""
        states, digest = self._hashed
        # The size tells where in the common digest a file ends; the suffix decides on its delimiter.
        sizes = [size for _, size, *_ in states]
        files = [
            (part, path.suffixes[-2:], size)
            for path, (_, part), size in zip(self.paths, self.sources, sizes, strict=False)
        ]
        told = replace(options, kinds={}, columns=None)
        return hashlib.sha256(ascii((__version__, _reader_digest(), digest, files, told)).encode()).hexdigest()[:32]

    @cached_property
    def _hashed(self) -> tuple[list[tuple[int, ...]], str]:
        """States of the files before hashing, and their digest."""
        return self._states(), data_digest(self.locations, self.options)

    def _states(self) -> list[tuple[int, ...]]:
        """Values that change when a file is written to; empty if the system has none."""
        try:
            states = [path.stat() for path in self.paths]
        except OSError:
            return []
        return [(state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns) for state in states]

    def _takes_long(self) -> bool:
        """Whether reading takes so long that the cache is used: large text, and pictures."""
        try:
            if self.options.pictures or any(path.is_dir() for path in self.paths):
                return True
            size = sum(path.stat().st_size for path in self.paths)
        except OSError:
            return False  # the reader will say why
        return size >= CACHED_FROM and all(map(is_text, self.paths))


def _reader_digest() -> str:
    """SHA-256 of the code that reads and stores tables, which can change without a new version."""
    digest = hashlib.sha256()
    data = Path(__file__).parent.parent
    for path in sorted([*data.glob("files/*.py"), *data.glob("notations/*.py")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()
