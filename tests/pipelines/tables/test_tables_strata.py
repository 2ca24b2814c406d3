"""Strata multiply the keys and leave what a person adds as it was."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest
from harness import STRATA, Bench, calendar, labelled, make_world, zone_set
from law import changes
from shapes import SHAPES

from pipelines.engines.contract import Job
from pipelines.engines.duckdb.engine import DuckDBEngine
from pipelines.errors import SpecError
from pipelines.ingest.source import Source, StrataFile
from pipelines.progress import Silent
from pipelines.schemas.traces import TraceParams
from pipelines.schemas.world import World
from pipelines.tables import TABLES, needed, sensitive
from pipelines.zones import load_zones

WORLD = make_world(5)
DAY = WORLD.calendar.dates[0]
BOTH = ("sex", "age_band")
FOUND = [r for s in ("hub", "commuter", "spans") for r in SHAPES[s](WORLD.calendar.dates, 5)]


def params(name: str, *strata: str) -> Any:
    return TABLES[name].params(table=name, strata=strata)


@pytest.mark.parametrize("name", TABLES)
def test_strata_multiply_the_keys_and_not_the_bounds(name: str) -> None:
    table = TABLES[name]
    plain, split = (table.keys(WORLD, params(name, *asked), DAY) for asked in ((), BOTH))
    assert split.names == (*plain.names, *BOTH)
    assert split.size == 6 * plain.size
    assert split.measured.sum() == 6 * plain.measured.sum()
    rules = [table.rule(WORLD, params(name, *asked), DAY, None) for asked in ((), BOTH)]
    assert rules[0].bounds == rules[1].bounds


@pytest.mark.parametrize("name", TABLES)
def test_the_sum_over_strata_is_the_plain_table(name: str) -> None:
    bench, table = Bench(FOUND, WORLD), TABLES[name]
    sums = []
    for asked in ((), BOTH, ("age_band",)):
        own = params(name, *asked)
        date = len(WORLD.calendar.dates) - 1 if table.spans else 0
        cells = labelled(bench.totals(table, own)[date], table.keys(WORLD, own, DAY))
        sums.append(Counter[Any]())
        for label, total in cells.items():
            sums[-1][label[: len(label) - len(asked)]] += total
    assert sums[0] == sums[1] == sums[2] != Counter()


@pytest.mark.parametrize("name", TABLES)
def test_one_person_moves_cells_of_one_stratum_alone(name: str) -> None:
    table, own = TABLES[name], params(name, *BOTH)
    keys = table.keys(WORLD, own, DAY)
    people = sorted({record.person for record in FOUND})
    date = len(WORLD.calendar.dates) - 1 if table.spans else 0
    whole = labelled(Bench(FOUND, WORLD).totals(table, own)[date], keys)
    moved = set()
    for person in people:
        fewer = [record for record in FOUND if record.person != person]
        without = labelled(Bench(fewer, WORLD).totals(table, own)[date], keys)
        strata = {c[-2:] for c in {*whole, *without} if whole.get(c, 0) != without.get(c, 0)}
        assert len(strata) <= 1
        moved |= strata
    assert len(moved) > 1


def test_a_stratum_that_is_joined_without_the_date_is_caught() -> None:
    own, table = params("panel", *BOTH), TABLES["panel"]
    made = sensitive(table, WORLD, own).statement
    assert "ON c.d = st.d AND c.person" in made
    sql = made.replace("ON c.d = st.d AND c.person", "ON c.person")
    summed = f"SELECT d, cell, CAST(SUM(v) AS BIGINT) FROM ({sql}) AS c GROUP BY d, cell"
    found = changes(FOUND, WORLD, {"panel": lambda bench: bench.summed(summed)})
    assert max(change.l2_squared for _, _, change in found) > 1


def test_a_stratum_that_nobody_declared_is_refused() -> None:
    with pytest.raises(SpecError, match=r"panel: strata names \"income\".*age_band, sex"):
        TABLES["panel"].keys(WORLD, params("panel", "income"), DAY)


def test_the_relation_is_made_only_where_a_table_asks() -> None:
    assert "strata" not in needed(params("panel"))
    assert needed(params("panel", "sex")) == TABLES["panel"].needs | {"strata"}


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_classes_follow_the_id_map_and_what_is_not_known_is_unknown(
    tmp_path: Path, kind: str
) -> None:
    cal = calendar(days=1)
    file = tmp_path / "row.geojson"
    zone_set(3).frame.to_file(file, driver="GeoJSON")
    world = World(calendar=cal, zones=load_zones(file, id="zone"), strata=STRATA)
    day = cal.dates[0]
    ids = ("phone", "tablet", "unlisted", "odd value", "two lines", "excluded", "no line")
    rows = ", ".join(f"('{name}', {day.start_s + 60})" for name in ids)
    strata = tmp_path / f"strata.{kind}"
    with duckdb.connect() as con:
        con.execute(
            f"COPY (SELECT who, seen, 37.5 AS y, 127.005 AS x FROM (VALUES {rows}) "
            "AS v(who, seen)) "
            f"TO '{tmp_path / f'pings.{kind}'}'"
        )
        con.execute(
            "COPY (SELECT * FROM (VALUES ('phone', 'young', 'f'), ('person', 'young', NULL), "
            "('odd value', 'ancient', 'f'), ('two lines', 'young', 'f'), ('two lines', 'old', 'f'),"
            f" ('excluded', 'old', 'f')) AS v(id, age_band, sex)) TO '{strata}'"
        )
    (tmp_path / "map.csv").write_text("phone,person\ntablet,person\n")
    (tmp_path / "out.csv").write_text("excluded\n")
    table, own = TABLES["panel"], params("panel", "age_band", "sex")
    rule = table.rule(world, own, day, None)
    job = Job(
        sources=(
            Source(
                label="sources[0]",
                kind="pings",
                path=tmp_path / f"pings.{kind}",
                time_unit="s",
                person="who",
                time="seen",
                lat="y",
                lon="x",
            ),
        ),
        world=world,
        traces=TraceParams(),
        statements={"panel": rule.sql(sensitive(table, world, own))},
        needs=needed(own),
        id_map=tmp_path / "map.csv",
        exclusions=tmp_path / "out.csv",
        work=tmp_path / "work",
        strata=StrataFile(path=strata, person="id", strata=STRATA),
    )
    totals = DuckDBEngine().run(job, Silent())
    keys = table.keys(world, own, day)
    vector = totals.vector("panel", 0, keys.size)
    found = labelled({i: int(v) for i, v in enumerate(vector)}, keys)
    totals.close()
    # "phone" says f and "person" nothing: two lines of one person, whose sex is then not known
    assert {label[2:]: v for label, v in found.items()} == {
        ("young", "unknown"): 1,
        ("unknown", "f"): 2,
        ("unknown", "unknown"): 2,
    }
