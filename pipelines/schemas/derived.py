"""The one declaration of a derived table: computed from noisy tables and public facts alone.

Types keep it so: ``compute`` is given a ``Published`` view, through which no record, no bounded
total and no ledger can be reached. A derived table costs nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from dp.postprocess import Best, Estimate, Single
from dp.tables import Noisy
from pipelines.schemas.calendar import MobilityDay
from pipelines.schemas.measured import TableParams
from pipelines.schemas.outages import Outage
from pipelines.schemas.world import World


class DerivedParams(BaseModel):
    """What every ``[[derived]]`` entry of a spec may say."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True, use_attribute_docstrings=True
    )

    table: str
    """Name of the derived table."""

    @property
    def output(self) -> str:
        """Name of its files."""
        return self.table

    @property
    def reads(self) -> frozenset[str]:
        """Measured tables that these parameters name, beside the declaration's own needs."""
        return frozenset()


class OfParams(DerivedParams):
    """A derived table that can be made of any of several measured tables."""

    of: str
    """The measured table that it is computed from."""

    @property
    def output(self) -> str:
        """Name of its files: one for each measured table."""
        return f"{self.table}_{self.of}"

    @property
    def reads(self) -> frozenset[str]:
        """The measured table."""
        return frozenset({self.of})


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Public facts that a derived table may depend on; all known before any noise is drawn.

    Attributes:
        world: Days and zones of this release.
        tables: Parameters of the measured tables of this release of which every key is published.
        thresholded: Names of the others, from which nothing is derived.
        max_relative_sd: The spec's limit for the status ``ok``.
        epochs: First dates of declared epochs, sorted.
        spans: Measured tables of this release that read all its dates at once.
        earlier: Dates that earlier releases of the same epoch offer, by measured table.
        barred: Why earlier releases cannot be used, by measured table.
        outages: Declared outages of this and the earlier releases.
    """

    world: World
    tables: Mapping[str, TableParams]
    thresholded: frozenset[str] = frozenset()
    max_relative_sd: float = 0.3
    epochs: tuple[dt.date, ...] = ()
    spans: frozenset[str] = frozenset()
    earlier: Mapping[str, tuple[MobilityDay, ...]] = field(default_factory=dict)
    barred: Mapping[str, str] = field(default_factory=dict)
    outages: tuple[Outage, ...] = ()

    def days_of(self, table: str) -> tuple[MobilityDay, ...]:
        """Return the dates under which this release holds measurements of a table."""
        days = self.world.calendar.dates
        return days[-1:] if table in self.spans else days

    def also_read(self, table: str) -> tuple[MobilityDay, ...]:
        """Return the dates that each measurement of a table reads beside its own."""
        return self.world.calendar.dates[:-1] if table in self.spans else ()

    def epoch(self, date: dt.date) -> int:
        """Return the number of the declared epoch that a date lies in, from 0."""
        return sum(start <= date for start in self.epochs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """All that a derived table is computed from: noisy measurements and public facts.

    Attributes:
        facts: Public facts.
        recall: Gives a measurement of a table on a date of this or an earlier release.
        consistent: Gives what is best of all levels of it; of tables with one level, when left out.
    """

    facts: Facts
    recall: Callable[[str, dt.date], Noisy]
    consistent: Callable[[str, dt.date], Best] | None = None

    @property
    def world(self) -> World:
        """Days and zones of this release."""
        return self.facts.world

    def noisy(self, table: str, day: MobilityDay) -> Noisy:
        """Return the raw measurement of a table's own cells on a date: their noise is independent.

        For squares and products of cells, and for ratios of a table's cells to each other.
        """
        return self.recall(table, day.date)

    def best(self, table: str, day: MobilityDay) -> Best:
        """Return the best unbiased figures of a table on a date: the published ones.

        Their cells share noise where the table has levels: add them up by ``sums`` alone.
        """
        if self.consistent is None:
            return Single(self.noisy(table, day))
        return self.consistent(table, day.date)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyColumn:
    """One key column of a derived table, beside ``date``.

    Attributes:
        name: Its name.
        meaning: One sentence for a reader.
        labels: Its values in published order; none for whole numbers.
        bin_s: Seconds in a time bin, where the column numbers time bins; else 0.
    """

    name: str
    meaning: str
    labels: tuple[str, ...] = ()
    bin_s: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """The rows of one date, one for every key.

    Attributes:
        day: The date.
        codes: For each key column, the position of each row's label, or its whole number.
        estimate: Value, sd and interval of each row.
        structural: Rows that are 0 by definition; none when left out.
        withheld: Rows for which no value is published; none when left out.
        precise: Rows that may be read alone; by the spec's relative limit when left out.
        also: Other dates that the rows are computed from: their outages count too.
    """

    day: MobilityDay
    codes: Mapping[str, NDArray[np.int64]]
    estimate: Estimate
    structural: NDArray[np.bool_] | None = None
    withheld: NDArray[np.bool_] | None = None
    precise: NDArray[np.bool_] | None = None
    also: tuple[MobilityDay, ...] = ()


def _no_faults(_facts: Facts, _params: Any) -> list[str]:
    return []


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """A table that costs nothing: one file in ``pipelines/derived``, one declaration.

    Attributes:
        name: As written in a spec.
        summary: One sentence for an epidemiologist; orientation where it is a matrix.
        counts: Unit of a value, from the facts and the parameters.
        needs: Measured tables that it is computed from, beside those that its parameters name.
        params: The fields of its ``[[derived]]`` entry.
        columns: Key columns in published order; ``date`` comes before them.
        compute: The rows, one date at a time, in date order.
        bias: What the value is biased by, or that it is not.
        interval: How the interval is made and what it leaves out.
        check: Faults of the parameters that public facts show, as sentences with what to write.
        layer: Which figures it reads of a table at several levels: "raw", the measurement of the
            table's own cells, whose noise is independent, or "consistent", those of ``tables/``.
        automatic: Whether it is made unasked wherever its needs are met and ``check`` finds
            nothing; with ``OfParams``, of each measured table.
        source: The paper or definition that it follows.
    """

    name: str
    summary: str
    counts: Callable[[Facts, Any], str]
    needs: frozenset[str]
    params: type[DerivedParams]
    columns: Callable[[Facts, Any], tuple[KeyColumn, ...]]
    compute: Callable[[Published, Any], Iterator[Rows]]
    bias: str
    interval: str
    check: Callable[[Facts, Any], list[str]] = _no_faults
    layer: Literal["raw", "consistent"] = "raw"
    automatic: bool = False
    source: str = ""
