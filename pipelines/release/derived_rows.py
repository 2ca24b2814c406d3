"""From computed rows to published ones: columns, statuses and files of derived tables."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipelines.release.columns import CONFIDENCE, LABEL, STATUS, Column, schema_of
from pipelines.release.files import CsvFile, ParquetFile
from pipelines.release.status import OK, PARTIAL, STATUSES, status_codes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from pipelines.release.derived_plan import PlannedDerived
    from pipelines.schemas.derived import Facts, KeyColumn, Published, Rows

DERIVED_STATUSES: Mapping[str, str] = MappingProxyType(
    {
        **STATUSES,
        "unbounded": "a ratio whose denominator cannot be told from 0: the interval is -inf to inf,"
        " and the value says nothing",
    }
)
"""Every status of a derived table, in the order of the published category."""
_CODES = {name: code for code, name in enumerate(DERIVED_STATUSES)}


def derived_columns(one: PlannedDerived, facts: Facts) -> tuple[Column, ...]:
    """Return the columns of a derived table in published order, key columns first."""
    reads = one.declaration.needs | one.params.reads
    meaning = "the last of the dates that are read" if reads & facts.spans else "the mobility day"
    columns = [Column(name="date", type=pa.date32(), meaning=meaning, key=True)]
    for key in one.declaration.columns(facts, one.params):
        kind = LABEL if key.labels else pa.int64()
        columns.append(Column(name=key.name, type=kind, meaning=key.meaning, key=True))
        if key.bin_s:
            columns.append(_bin_start(facts))
    return (*columns, *_figures(one.declaration.counts(facts, one.params)))


def write_derived(folder: Path, one: PlannedDerived, published: Published) -> None:
    """Write one derived table as Parquet and CSV, date by date.

    Args:
        folder: The folder of tables.
        one: The table.
        published: Noisy measurements and public facts.
    """
    columns = derived_columns(one, published.facts)
    keys = one.declaration.columns(published.facts, one.params)
    schema = schema_of(columns)
    with (
        ParquetFile(folder / f"{one.name}.parquet", schema) as parquet,
        CsvFile(folder / f"{one.name}.csv", schema) as csv,
    ):
        for rows in one.declaration.compute(published, one.params):
            table = pa.Table.from_arrays(_arrays(rows, keys, published.facts), schema=schema)
            parquet.write(table)
            csv.write(table)


def _arrays(rows: Rows, keys: tuple[KeyColumn, ...], facts: Facts) -> list[pa.Array]:
    figures = rows.estimate
    arrays: list[pa.Array] = [
        pa.array(np.full(figures.value.size, np.datetime64(rows.day.date, "D")))
    ]
    for key in keys:
        codes = rows.codes[key.name]
        if key.labels:
            labels = pa.array(key.labels, pa.string())
            places = pa.array(codes.astype(np.int32))
            arrays.append(pa.DictionaryArray.from_arrays(places, labels))
        else:
            arrays.append(pa.array(codes))
        if key.bin_s:
            zone = pa.timestamp("ms", tz=facts.world.calendar.time_zone)
            starts_s = rows.day.start_s + key.bin_s * codes
            arrays.append(pa.array(starts_s * 1000).cast(zone))
    status = pa.array(_status(rows, facts, _dark(rows, keys, facts)))
    return [
        *arrays,
        *(pa.array(steady(a)) for a in (figures.value, figures.sd, figures.lo, figures.hi)),
        pa.DictionaryArray.from_arrays(status, pa.array(list(DERIVED_STATUSES))),
    ]


def steady(figures: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return figures to ten significant digits: the same bytes whatever a processor's last bit.

    >>> import numpy as np
    >>> steady(np.array([1 / 3, 2e15 / 3, -np.inf, -0.0])).tolist()
    [0.3333333333, 666666666700000.0, -inf, 0.0]
    """
    return np.array([float(f"{x:.10g}") + 0.0 for x in figures.tolist()], dtype=np.float64)


def _dark(rows: Rows, keys: tuple[KeyColumn, ...], facts: Facts) -> NDArray[np.bool_]:
    """Return the rows about a place that was in a declared outage at some time of their dates.

    A place is a zone, a parent or the whole, by its label; rows without any are about the whole.
    """
    zones = facts.world.zones
    hit = {
        outage.zone
        for outage in facts.outages
        if any(
            outage.start_s < d.end_s and outage.end_s > d.start_s for d in (rows.day, *rows.also)
        )
    }
    above = {p for zone, p in zip(zones.ids, zones.parents, strict=True) if zone in hit}
    dark = {"all", *hit, *above} - {""}
    if not hit:
        return np.zeros(rows.estimate.value.shape, dtype=np.bool_)
    known = {*zones.ids, *zones.parents, "all"}
    places = [key for key in keys if known & set(key.labels)]
    found = np.full(rows.estimate.value.shape, not places)
    for key in places:
        lit = np.array([label in dark for label in key.labels])
        found |= lit[rows.codes[key.name]]
    return found


def _status(rows: Rows, facts: Facts, dark: NDArray[np.bool_]) -> NDArray[np.int8]:
    """Return each row's status: by definition, withheld, unbounded, outage, then precision."""
    figures, limit = rows.estimate, facts.max_relative_sd
    none = np.zeros(figures.value.shape, dtype=np.bool_)
    structural = none if rows.structural is None else rows.structural
    if rows.precise is None:
        codes = status_codes(
            figures.value, sd=figures.sd, measured=~structural, max_relative_sd=limit
        )
    else:
        codes = np.where(rows.precise, OK, _CODES["low_precision"]).astype(np.int8)
    codes[dark] = PARTIAL
    codes[np.isinf(figures.sd)] = _CODES["unbounded"]
    if rows.withheld is not None:
        codes[rows.withheld] = _CODES["not_released"]
    codes[structural] = _CODES["structural_zero"]
    return codes


def _bin_start(facts: Facts) -> Column:
    return Column(
        name="bin_start",
        type=pa.timestamp("ms", tz=facts.world.calendar.time_zone),
        meaning="first instant of the bin, with its offset from UTC",
    )


def _figures(counts: str) -> tuple[Column, ...]:
    number = pa.float64()
    end = f"end of the {CONFIDENCE:.0%} noise interval"
    return (
        Column(name="value", type=number, meaning="estimate; its bias is stated", unit=counts),
        Column(name="sd", type=number, meaning="standard deviation of its noise", unit=counts),
        Column(name="lo95", type=number, meaning=f"lower {end}", unit=counts),
        Column(name="hi95", type=number, meaning=f"upper {end}", unit=counts),
        Column(name="status", type=STATUS, meaning="whether the value may be read by itself"),
    )
