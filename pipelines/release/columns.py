"""The columns of a published table, said once: files, dictionary and dtypes derive from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from pipelines.schemas.strata import MEANING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dp.keys import KeySet
    from pipelines.schemas.measured import Measured

CONFIDENCE = 0.95
BIN = "bin"
NODE = "node"
LABEL = pa.dictionary(pa.int32(), pa.string())
STATUS = pa.dictionary(pa.int8(), pa.string())


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One published column.

    Attributes:
        name: Its name in every file.
        type: Its Arrow type; text with few values is a dictionary.
        meaning: One sentence for a reader.
        unit: What a number counts, "" where it is no quantity.
        key: Whether it names the cell.
    """

    name: str
    type: pa.DataType
    meaning: str
    unit: str = ""
    key: bool = False

    @property
    def field(self) -> pa.Field:
        """The column as an Arrow field; no published column holds a null."""
        return pa.field(self.name, self.type, nullable=False)


def table_columns(
    measured: Measured, keys: KeySet, time_zone: str, *, levelled: bool = False
) -> tuple[Column, ...]:
    """Return the columns of a measured table in published order, key columns first."""
    node = Column(
        name=NODE,
        type=pa.int64(),
        meaning=f"the row's node in levels/{measured.name}.csv: rows below one top node share"
        " noise, and the variance of their sum needs that file",
    )
    figures = _figures(measured.counts)
    return (
        *key_columns(measured, keys, time_zone),
        *figures,
        *((node,) if levelled else ()),
    )


def threshold_columns(measured: Measured, keys: KeySet, time_zone: str) -> tuple[Column, ...]:
    """Return the columns of a table of which only cells that reach a threshold have a row."""
    counts = measured.counts
    picked = "noisy count of a cell that was released for being large: too high on average near"
    least = "the threshold: a cell has a row where its noisy value is at least this; one without a"
    told = {"value": f"{picked} released_from"}
    return (
        *key_columns(measured, keys, time_zone),
        *(replace(one, meaning=told.get(one.name, one.meaning)) for one in _figures(counts)),
        Column(
            name="released_from",
            type=pa.float64(),
            meaning=f"{least} row is not_released, which is not 0",
            unit=counts,
        ),
    )


def key_columns(measured: Measured, keys: KeySet, time_zone: str) -> tuple[Column, ...]:
    """Return the columns that name a cell: the date, the keys, and the start of a time bin."""
    meaning = "the last date that is read" if measured.spans else "the mobility day"
    columns = [Column(name="date", type=pa.date32(), meaning=meaning, key=True)]
    if measured.spans:
        first = "the first date that is read: a row is about all dates from it to date"
        columns.insert(0, Column(name="from_date", type=pa.date32(), meaning=first, key=True))
    for key in keys.keys:
        columns.append(
            Column(
                name=key.name,
                type=pa.int64() if _whole(key.values) else LABEL,
                meaning=measured.columns.get(key.name, MEANING),
                key=True,
            )
        )
        if key.name == BIN:
            columns.append(
                Column(
                    name="bin_start",
                    type=pa.timestamp("ms", tz=time_zone),
                    meaning="first instant of the bin, with its offset from UTC: the repeated hour"
                    " of a clock change is told apart by it",
                )
            )
    return tuple(columns)


def measurement_columns(measured: Measured, keys: KeySet, time_zone: str) -> tuple[Column, ...]:
    """Return the columns of layer 1: the raw noisy integers that everything else is made from."""
    return (
        *key_columns(measured, keys, time_zone),
        Column(
            name="lattice",
            type=pa.int64(),
            meaning="the measurement as drawn, a whole number of lattice steps",
            unit="lattice steps",
        ),
        Column(
            name="factor",
            type=pa.int64(),
            meaning="lattice steps in one released unit: value = lattice / factor",
        ),
        Column(name="noise", type=LABEL, meaning="its law; none where 0 by rule"),
        Column(
            name="scale",
            type=pa.float64(),
            meaning="scale of the noise; 0 where no noise was added",
            unit="lattice steps",
        ),
    )


def schema_of(columns: Sequence[Column]) -> pa.Schema:
    """Return the Arrow schema, without any metadata."""
    return pa.schema([column.field for column in columns])


def _figures(counts: str) -> tuple[Column, ...]:
    number = pa.float64()
    interval = f"of the {CONFIDENCE:.0%} noise interval, excluding clipping and panel error"
    value = "noisy count, unbiased for the bounded panel count; may be negative"
    status = "whether the value may be read by itself, or why it is not a measured count"
    return (
        Column(name="value", type=number, meaning=value, unit=counts),
        Column(name="sd", type=number, meaning="standard deviation of the noise", unit=counts),
        Column(name="lo95", type=number, meaning=f"lower end {interval}", unit=counts),
        Column(name="hi95", type=number, meaning=f"upper end {interval}", unit=counts),
        Column(name="status", type=STATUS, meaning=status),
    )


def _whole(values: Sequence[str | int]) -> bool:
    return all(isinstance(value, int) for value in values)
