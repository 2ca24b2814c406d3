"""What the layers share: the facts of a folder's measurements, and files in two forms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dp.postprocess import Best
from dp.tables import Noisy
from pipelines.release.columns import NODE, Column, schema_of
from pipelines.release.files import CsvFile, ParquetFile
from pipelines.release.frames import Shape, table_rows
from pipelines.release.model import Plan, PlannedMeasurement
from pipelines.release.status import LOW_PRECISION, OK, STATUSES
from pipelines.schemas.derived import Published

if TYPE_CHECKING:
    from collections.abc import Sequence

Recall = Callable[[PlannedMeasurement], Noisy]
LABEL = pa.dictionary(pa.int32(), pa.string())
STATUS = pa.dictionary(pa.int8(), pa.string())
MAX_CELLS = 5_000_000
"""Base cells of one table (of one week for coarse/) that are held at once, about 1 GB; a larger
table has no layer that needs them, and the README says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """Everything that layers are made of: public facts and stored measurements.

    Attributes:
        folder: A staged release folder.
        plan: The plan.
        shapes: How each table's rows look.
        recall: Gives back a stored measurement: raw, with independent noise.
        published: Gives what is best of all levels: what ``tables/`` holds.
    """

    folder: Path
    plan: Plan
    shapes: Mapping[str, Shape]
    recall: Recall = field(repr=False)
    published: Published = field(repr=False)

    def best(self, one: PlannedMeasurement) -> Best:
        """Return the figures of ``tables/``; of a table at several levels they share noise."""
        return self.published.best(one.table, one.day)

    def rows(self, one: PlannedMeasurement) -> pa.Table:
        """Return the published rows of one table on one date."""
        return table_rows(self.best(one), day=one.day, shape=self.shapes[one.table])


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerFile:
    """A written file, for the data dictionary.

    Attributes:
        path: Within the folder, with slashes.
        columns: Its columns.
        title: One sentence for a reader.
        order: Order of its rows.
    """

    path: str
    columns: tuple[Column, ...]
    title: str
    order: str


class Pair:
    """A Parquet file and a CSV file of the same rows."""

    def __init__(self, stem: Path, columns: Sequence[Column]) -> None:
        self._files = ExitStack()
        stem.parent.mkdir(exist_ok=True)
        schema = schema_of(columns)
        self._parquet = self._files.enter_context(ParquetFile(stem.with_suffix(".parquet"), schema))
        self._csv = self._files.enter_context(CsvFile(stem.with_suffix(".csv"), schema))
        self._schema = schema

    def write(self, arrays: Sequence[pa.Array]) -> None:
        """Append rows given as one array a column."""
        rows = pa.Table.from_arrays(list(arrays), schema=self._schema)
        self._parquet.write(rows)
        self._csv.write(rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._files.close()


def both(stem: str, columns: tuple[Column, ...], *, title: str, order: str) -> list[LayerFile]:
    """Return the dictionary's entries of a pair."""
    return [
        LayerFile(path=f"{stem}.{kind}", columns=columns, title=title, order=order)
        for kind in ("csv", "parquet")
    ]


def keys_in(shape: Shape) -> tuple[Column, ...]:
    """Return the columns that come before a table's figures: keys, and starts of bins."""
    return tuple(column for column in shape.columns if column.name not in _FIGURES)


_FIGURES = frozenset({"value", "sd", "lo95", "hi95", "status", NODE})


def key_arrays(rows: pa.Table, shape: Shape) -> list[pa.Array]:
    """Return the key columns of published rows."""
    return [rows.column(column.name).combine_chunks() for column in keys_in(shape)]


def codes_in(rows: pa.Table) -> NDArray[np.int8]:
    """Return the status codes of published rows."""
    status = rows.column("status").combine_chunks()
    return np.asarray(status.indices.to_numpy(zero_copy_only=False), dtype=np.int8)


def judged(codes: NDArray[np.int8], *, precise: NDArray[np.bool_]) -> NDArray[np.int8]:
    """Return statuses in which precision is judged anew; what public facts say stays."""
    free = (codes == OK) | (codes == LOW_PRECISION)
    return np.where(free, np.where(precise, OK, LOW_PRECISION), codes).astype(np.int8)


def status_array(codes: NDArray[np.int8]) -> pa.Array:
    """Return codes as the published category."""
    return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(list(STATUSES)))


def label_array(codes: NDArray[np.int64], labels: Sequence[str]) -> pa.Array:
    """Return labels as a dictionary column."""
    return pa.DictionaryArray.from_arrays(
        pa.array(codes.astype(np.int32)), pa.array(list(labels), pa.string())
    )
