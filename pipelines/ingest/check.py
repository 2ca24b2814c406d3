"""Schema checks: every fault that stops a run is found here, before any record is read.

Messages name files, columns and types. They never hold a value of the data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.errors import SourceError
from pipelines.ingest.columns import Column, Kind, Layout, csv_layout, parquet_layout
from pipelines.ingest.files import Files, find_files
from pipelines.ingest.formats import TextFormat
from pipelines.ingest.source import Source

ROLES = ("person", "time", "end", "lat", "lon", "zone", "category")
"""What a column of a source may hold; ``Source`` has an attribute of each name."""
DROP = "drop"
"""With a number: the column of a rule of ``Source.drop``."""
_IDS = {Kind.TEXT, Kind.UNTYPED, Kind.INTEGER, Kind.WIDE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Checked files of one layout.

    Attributes:
        files: The files, all of one format.
        layout: Their columns in the first file's order; ``rows`` summed over the files.
    """

    files: Files
    layout: Layout


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedSource:
    """A source whose files hold what the spec says.

    Attributes:
        source: As declared.
        number: Its place among the sources.
        table: Its files.
        columns: By role, of ``ROLES``.
    """

    source: Source
    number: int
    table: Table = field(repr=False)
    columns: Mapping[str, Column]

    @property
    def towers(self) -> bool:
        """Whether the zone column holds tower ids."""
        return self.source.kind == "cdr"


def check_source(source: Source, number: int) -> CheckedSource:
    """Return a source with its files found and every mapped column checked.

    Raises:
        SourceError: no file; an unreadable file; a mapped column that is missing or of a type that
            cannot be read as declared; files that differ in a mapped column.
    """
    roles = {role: name for role in ROLES if (name := getattr(source, role)) is not None}
    roles |= {f"{DROP}{i}": drop.column for i, drop in enumerate(source.drop)}
    table = open_table(source.path, label=source.label, wanted=tuple(roles.values()))
    by_name = {column.name: column for column in table.layout.columns}
    columns = {role: by_name[name] for role, name in roles.items()}
    for role, column in columns.items():
        _CHECKS.get(role, _check_id)(source, role, column)
    return CheckedSource(source=source, number=number, table=table, columns=columns)


def open_table(path: Path, *, label: str, wanted: tuple[str, ...]) -> Table:
    """Return the files of a path, after comparing the wanted columns over all of them.

    Raises:
        SourceError: as ``check_source``, but for the types of columns.
    """
    files = find_files(path, label=label)
    layouts = [_layout(files, file, label=label, wanted=wanted) for file in files.paths]
    for file, layout in zip(files.paths, layouts, strict=True):
        _need(layout, file, label=label, wanted=wanted)
        _same(layouts[0], layout, files=(files.paths[0], file), label=label, wanted=wanted)
    rows = sum(layout.rows for layout in layouts)
    first = layouts[0]
    return Table(
        files=files, layout=Layout(columns=first.columns, rows=rows, delimiter=first.delimiter)
    )


def _layout(files: Files, file: Path, *, label: str, wanted: tuple[str, ...]) -> Layout:
    if files.format == "csv":
        return csv_layout(file, label=label, wanted=wanted)
    return parquet_layout(file, label=label)


def _need(layout: Layout, file: Path, *, label: str, wanted: tuple[str, ...]) -> None:
    names = layout.names
    for name in wanted:
        if name not in names:
            raise SourceError(f"{label}: {file} has no column {name!r}. {_instead(layout, wanted)}")
        if sum(other.lower() == name.lower() for other in names) > 1:
            raise SourceError(
                f"{label}: {file} has two columns named {name!r}, upper and lower case aside. "
                "Rename one of them."
            )


def _instead(layout: Layout, wanted: tuple[str, ...]) -> str:
    """Return what to write instead. The first line of a CSV file may hold a record: no word of it.

    Only names that the spec itself writes are repeated.
    """
    names = layout.names
    if layout.typed:
        return f"Write one of its columns: {', '.join(map(repr, names))}."
    found = ", ".join(repr(name) for name in wanted if name in names) or "none"
    return (
        f"Its first line has {len(names)} field(s); of the names in the spec it has: {found}. "
        "Write a first line with the names of the columns, or the names that are there."
    )


def _same(
    first: Layout,
    other: Layout,
    *,
    files: tuple[Path, Path],
    label: str,
    wanted: tuple[str, ...],
) -> None:
    kinds = [{c.name: c for c in layout.columns} for layout in (first, other)]
    for name in wanted:
        one, two = kinds[0][name], kinds[1][name]
        if one != two:
            raise SourceError(
                f"{label}: column {name!r} is {one.type} in {files[0].name}, but {two.type} in "
                f"{files[1].name}. Write all files of one source with one type, or two sources."
            )
    if (first.delimiter, first.names) != (other.delimiter, other.names) and not first.typed:
        raise SourceError(
            f"{label}: the header of {files[1].name} is not that of {files[0].name}. "
            "Write the same columns in the same order in all CSV files of one source."
        )


def _check_id(source: Source, role: str, column: Column) -> None:
    if column.kind not in _IDS:
        raise _wrong(source, role, column, "Write ids as text or integers.")


def _check_category(source: Source, role: str, column: Column) -> None:
    if column.kind not in _IDS:
        raise _wrong(source, role, column, "Write categories as text or integers.")


def _check_degrees(source: Source, role: str, column: Column) -> None:
    if column.kind not in {Kind.NUMBER, Kind.INTEGER, Kind.UNTYPED}:
        raise _wrong(source, role, column, "Write degrees as numbers.")


def _check_time(source: Source, role: str, column: Column) -> None:
    kind = column.kind
    if kind is Kind.INTEGER and source.time_unit is None:
        raise _wrong(source, role, column, 'Write time_unit = "s", "ms" or "us".')
    if kind.times and (source.time_unit or source.time_format):
        raise _wrong(source, role, column, "Leave out time_unit and time_format.")
    if kind.times and not kind.zoned and source.naive_time_zone is None:
        raise _wrong(source, role, column, 'Write naive_time_zone = "Asia/Seoul", or the zone.')
    if kind.text and source.time_format is not None:
        _check_format(source, source.time_format)
    if not (kind.times or kind.text or kind is Kind.INTEGER):
        raise _wrong(source, role, column, "Write times as timestamps, text or integers.")


def _check_format(source: Source, text: str) -> None:
    try:
        parsed = TextFormat.of(text)
    except ValueError as fault:
        raise SourceError(f"{source.label}: time_format {text!r}: {fault}") from None
    if "offset" not in parsed.parts and source.naive_time_zone is None:
        raise SourceError(
            f"{source.label}: time_format {text!r} has no %z, so that times carry no zone. "
            'Write naive_time_zone = "Asia/Seoul", or the zone.'
        )


def _wrong(source: Source, role: str, column: Column, fix: str) -> SourceError:
    return SourceError(
        f"{source.label}: columns.{role} = {column.name!r} holds {column.type} in {source.path}. "
        f"{fix}"
    )


_CHECKS = {
    "person": _check_id,
    "time": _check_time,
    "end": _check_time,
    "lat": _check_degrees,
    "lon": _check_degrees,
    "zone": _check_id,
    "category": _check_category,
}
