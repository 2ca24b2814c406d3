"""Finished totals are read back a table and date at a time, dense or as a list of what is held."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
            "times": pa.array([1] * len(rows), pa.int32()),
            "step": pa.array([0] * len(rows), pa.int64()),
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


def _stretched(folder: Path, *rows: tuple[int, int, int, int]) -> FileTotals:
    """Totals of one table and date: (cell, total, times, step)."""
    scratch = Scratch.begin(folder)
    names = ("cell", "total", "times", "step")
    columns = {
        name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)
    }
    nothing = [0] * len(rows)
    pq.write_table(pa.table({"n": nothing, "d": nothing, **columns}), scratch.path / "t.parquet")
    return FileTotals((scratch.path / "t.parquet",), ("visits",), scratch)


@pytest.mark.parametrize("row", [(-1, 1, 1, 0), (12, 1, 1, 0), (9, 1, 2, 4), (3, 1, 4, 3)], ids=str)
def test_a_cell_outside_the_key_set_is_refused(
    tmp_path: Path, row: tuple[int, int, int, int]
) -> None:
    totals = _stretched(tmp_path, row)
    for read in (totals.listed, totals.vector):
        with pytest.raises(BoundError, match="visits: its statement gave a cell outside"):
            read("visits", 0, 12)
    totals.close()


@pytest.mark.parametrize(
    "rows", [[(0, 1, 1, 5)], [(0, 1, 1, 4), (1, 1, 1, 0)], [(0, 1, 0, 4)], [(0, 1, 1, -4)]], ids=str
)
def test_steps_that_do_not_fit_the_keys_are_refused(
    tmp_path: Path, rows: list[tuple[int, int, int, int]]
) -> None:
    totals = _stretched(tmp_path, *rows)
    for read in (totals.listed, totals.vector):
        with pytest.raises(BoundError, match="visits: its statement gave a step"):
            read("visits", 0, 12)
    totals.close()


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.integers(0, 5), st.integers(0, 3), st.integers(-3, 3), st.integers(1, 6)
        ).filter(lambda row: row[0] + row[3] <= 6),
        min_size=1,
    )
)
def test_a_stretch_counts_in_each_of_its_cells(rows: list[tuple[int, int, int, int]]) -> None:
    due = [0] * 24
    for first, place, total, times in rows:
        for bin_ in range(first, first + times):
            due[bin_ * 4 + place] += total
    with tempfile.TemporaryDirectory() as folder:
        given = [(first * 4 + place, total, times, 4) for first, place, total, times in rows]
        totals = _stretched(Path(folder), *given)
        assert totals.vector("visits", 0, 24).tolist() == due
        cells, held = totals.listed("visits", 0, 24)
        assert dict(zip(cells.tolist(), held.tolist(), strict=True)) == {
            cell: total for cell, total in enumerate(due) if total
        }
        _, cells, held = totals.sparse("visits")
        assert [(c, t) for c, t in zip(cells.tolist(), held.tolist(), strict=True) if t] == [
            (cell, total) for cell, total in enumerate(due) if total
        ]
        totals.close()


def test_a_table_that_was_not_counted_is_refused(totals: FileTotals) -> None:
    with pytest.raises(BoundError, match="od_flows: no totals; the job counted panel, visits"):
        totals.listed("od_flows", 0, HUGE)


def test_closed_totals_leave_nothing_behind(totals: FileTotals, tmp_path: Path) -> None:
    totals.close()
    assert list(tmp_path.iterdir()) == []
    totals.close()
