"""Every statement that still names persons gives one row per date, person and cell.

Weighting scales rows; two rows of one cell would be scaled as two cells and then meet in one, above
the cap. The tables' proofs promise this; here it is looked at, for every table, option and shape.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from harness import Bench, calendar, make_world
from road_spec import VARIANTS, entry
from shapes import SHAPES

from dp.bounding.rule import per_person
from dp.keys import KeySet
from pipelines.tables import TABLES, sensitive

WORLD = make_world(6, calendar(dt.date(2026, 10, 30)))


def statements() -> Iterator[tuple[str, str, KeySet]]:
    for variant in VARIANTS:
        for table in TABLES.values():
            params: Any = table.params.model_validate(
                {
                    k: tuple(v) if isinstance(v, list) else v
                    for k, v in entry(table, variant).items()
                }
            )
            made = sensitive(table, WORLD, params)
            if not made.aggregated:
                day, rows = WORLD.calendar.dates[-1], per_person(made, rule="a rule")
                yield f"{variant}:{table.name}", rows, table.keys(WORLD, params, day)


STATEMENTS = list(statements())


def faults(bench: Bench, statement: str) -> list[tuple[Any, ...]]:
    """Rows that share date, person and cell, and rows of nobody or of nothing."""
    return bench.rows(
        f"SELECT d, person, cell, COUNT(*) FROM ({statement}) AS c GROUP BY d, person, cell "
        "HAVING COUNT(*) > 1 OR MIN(v) < 1 OR person IS NULL OR cell IS NULL OR MIN(cell) < 0"
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_no_cell_of_a_person_is_in_two_rows(shape: str) -> None:
    bench = Bench(SHAPES[shape](WORLD.calendar.dates, 6), WORLD)
    for name, statement, keys in STATEMENTS:
        assert faults(bench, statement) == [], name
        cells = [cell for (cell,) in bench.rows(f"SELECT DISTINCT cell FROM ({statement}) AS c")]
        assert all(cell < keys.size for cell in cells), name


def test_every_table_that_names_persons_is_looked_at() -> None:
    looked_at = {name.split(":")[1] for name, _, _ in STATEMENTS}
    assert looked_at == {name for name, table in TABLES.items() if not table.aggregated}


def test_a_statement_that_forgets_to_group_is_caught() -> None:
    bench = Bench(SHAPES["hub"](WORLD.calendar.dates, 6), WORLD)
    params = TABLES["visits"].params.model_validate({"table": "visits"})
    assert faults(bench, sensitive(TABLES["visits"], WORLD, params).statement)
