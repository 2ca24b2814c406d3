"""Finished totals are read back a table and date at a time, dense or as a list of what is held."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dp.errors import BoundError
from pipelines.engines.scratch import Scratch
from pipelines.engines.totals import FileTotals

ROWS = [
    # n, d, cell, total: in no order, a total of 0, cells of other dates, rows of one cell
    (1, 1, 900_000_000_000, 5),
    (0, 0, 7, 1),
    (1, 0, 3, 9),
    (1, 1, 4, 0),
    (1, 1, 3, 2),
    (1, 1, 40, -6),
    (1, 1, 40, 2),
    (1, 1, 4, 7),
    (1, 1, 3, 1),
    (1, 1, 4, -7),
]
HUGE = 10**12


@pytest.fixture
def totals(tmp_path: Path) -> Iterator[FileTotals]:
    scratch = Scratch.begin(tmp_path)
    folder = scratch.folder("totals")
    for part, rows in enumerate((ROWS[:4], ROWS[4:])):
        n, d, cells, values = zip(*rows, strict=True)
        table = {
            "n": pa.array(n, pa.int32()),
            "d": pa.array(d, pa.int32()),
            "cell": pa.array(cells, pa.int64()),
            "total": pa.array(values, pa.int64()),
        }
        pq.write_table(pa.table(table), folder / f"part-{part}.parquet")
    found = FileTotals(tuple(folder.iterdir()), ("panel", "visits"), scratch)
    yield found
    found.close()


def test_cells_are_listed_in_order_without_those_of_nothing(totals: FileTotals) -> None:
    cells, held = totals.listed("visits", 1, HUGE)
    assert cells.tolist() == [3, 40, 900_000_000_000]
    assert held.tolist() == [3, -4, 5]
    assert (cells.dtype, held.dtype) == ("int64", "int64")


def test_a_date_that_holds_nothing_lists_nothing(totals: FileTotals) -> None:
    cells, held = totals.listed("panel", 1, HUGE)
    assert (cells.tolist(), held.tolist()) == ([], [])
    assert not totals.vector("panel", 1, 5).any()


def test_many_rows_are_added_up_as_they_come(
    totals: FileTotals, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = totals.listed("visits", 1, HUGE)
    monkeypatch.setattr("pipelines.engines.totals._MERGE_ROWS", 0)
    found = totals.listed("visits", 1, HUGE)
    assert [part.tolist() for part in found] == [part.tolist() for part in whole]


def test_all_dates_are_read_at_once(totals: FileTotals) -> None:
    d, cells, held = totals.sparse("visits")
    found = list(zip(d.tolist(), cells.tolist(), held.tolist(), strict=True))
    assert found == [(0, 3, 9), (1, 3, 3), (1, 4, 0), (1, 40, -4), (1, 900_000_000_000, 5)]


def test_a_vector_holds_what_is_listed(totals: FileTotals) -> None:
    assert totals.vector("visits", 0, 5).tolist() == [0, 0, 0, 9, 0]
    assert totals.vector("panel", 0, 8).tolist() == [0] * 7 + [1]


@pytest.mark.parametrize("cell", [-1, 12])
def test_a_cell_outside_the_key_set_is_refused(tmp_path: Path, cell: int) -> None:
    scratch = Scratch.begin(tmp_path)
    row = pa.table({"n": [0], "d": [0], "cell": [cell], "total": [1]})
    pq.write_table(row, scratch.path / "totals.parquet")
    totals = FileTotals((scratch.path / "totals.parquet",), ("visits",), scratch)
    for read in (totals.listed, totals.vector):
        with pytest.raises(BoundError, match="visits: its statement gave a cell outside"):
            read("visits", 0, 12)
    totals.close()


def test_a_table_that_was_not_counted_is_refused(totals: FileTotals) -> None:
    with pytest.raises(BoundError, match="od_flows: no totals; the job counted panel, visits"):
        totals.listed("od_flows", 0, HUGE)


def test_closed_totals_leave_nothing_behind(totals: FileTotals, tmp_path: Path) -> None:
    totals.close()
    assert list(tmp_path.iterdir()) == []
    totals.close()
