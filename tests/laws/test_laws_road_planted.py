"""Bugs planted in the engine, in a rule or in the reading of files are caught by the laws.

Each plant is put into the production code as it runs; then the laws over a bad shape must fail,
and without it they hold.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from road import ZONES, Road, make_road
from road_laws import broken, interference

from dp.audits.neighbours import without
from dp.audits.shapes import SHAPES
from dp.bounding import LevelWeighting, Sampling, Weighting
from dp.bounding.rule import per_person
from dp.tables import Sensitive
from pipelines.engines.contract import Job
from pipelines.engines.duckdb import buckets, run, staging
from pipelines.engines.duckdb.engine import DuckDBEngine
from pipelines.ingest.check import CheckedSource

Patch = pytest.MonkeyPatch
MANY_BUCKETS = DuckDBEngine(bucket_rows=40, in_memory=False)


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Road:
    tables = ("panel", "presence", "visits", "od_flows", "transitions")
    return make_road(tmp_path_factory.mktemp("road") / "planted", tables=tables)


def caught(road: Road, shape: str, person: str) -> list[str]:
    """The measurements in which a law is broken when this person of a shape is taken out."""
    events = SHAPES[shape](road.lengths, ZONES)
    road.people(events)
    gone = dict.fromkeys(range(len(road.days)), person)
    return broken(road, road.count(events), road.count(without(events, person)), gone)


def _ranked(order: str) -> Callable[[Any, Sensitive], str]:
    """Sampling by a rank: persons of a date keep the cells that come first in this order."""

    def sql(rule: Sampling, sensitive: Sensitive) -> str:
        statement = per_person(sensitive, rule="sampling")
        return (
            "SELECT d, cell, CAST(COUNT(*) AS BIGINT) AS total FROM (SELECT d, cell, ROW_NUMBER() "
            f"OVER (PARTITION BY d, person ORDER BY {order}) AS place FROM (SELECT *, COUNT(*) "
            f"OVER (PARTITION BY d, cell) AS crowd FROM ({statement}) AS c) AS counted) AS ranked "
            f"WHERE place <= {rule.cap} GROUP BY d, cell"
        )

    return sql


def test_the_laws_hold_while_nothing_is_planted(road: Road) -> None:
    small = replace(road, engine=MANY_BUCKETS)
    assert caught(small, "pendulum", "left") == []


def test_a_rank_among_others_is_caught(road: Road, monkeypatch: Patch) -> None:
    monkeypatch.setattr(Sampling, "sql", _ranked("crowd DESC, cell"))
    assert any("sampled:visits" in name for name in caught(road, "hub", "resident0"))


def test_contributions_that_are_not_clipped_are_caught(road: Road, monkeypatch: Patch) -> None:
    def sql(rule: Weighting, sensitive: Sensitive) -> str:
        return (
            f"SELECT d, cell, CAST(SUM(v) * {rule.factor} AS BIGINT) AS total "
            f"FROM ({sensitive.statement}) AS c GROUP BY d, cell"
        )

    monkeypatch.setattr(Weighting, "sql", sql)
    found = caught(road, "pendulum", "left")
    assert any("od_flows" in name for name in found)
    assert any("tight:visits" in name for name in caught(road, "hub", "hub"))


def test_a_level_that_is_not_clipped_is_caught(road: Road, monkeypatch: Patch) -> None:
    """One factor from the leaves alone: many small cells meet in one large one."""

    def sql(rule: LevelWeighting, sensitive: Sensitive) -> str:
        return Weighting(cap=rule.caps[0], factor=rule.factor).sql(sensitive)

    monkeypatch.setattr(LevelWeighting, "sql", sql)
    found = caught(road, "hub", "hub")
    above = {name for name, one in road.measurements.items() if one.lift is not None}
    assert any(name.split(" ")[0] in above for name in found)


def test_sampling_that_keeps_multiplicity_is_caught(road: Road, monkeypatch: Patch) -> None:
    def sql(rule: Sampling, sensitive: Sensitive) -> str:
        return _ranked("cell")(rule, sensitive).replace("COUNT(*) AS BIGINT", "SUM(v) AS BIGINT")

    def with_v(rule: Sampling, sensitive: Sensitive) -> str:
        return sql(rule, sensitive).replace("(SELECT d, cell, ROW", "(SELECT d, cell, v, ROW")

    monkeypatch.setattr(Sampling, "sql", with_v)
    assert any("sampled:od_flows" in name for name in caught(road, "pendulum", "left"))


def test_a_pair_that_is_charged_to_one_member_is_caught(road: Road) -> None:
    """Meetings charged to the larger name: whoever has a small name is not bounded at all."""
    sql = Weighting(cap=2).sql(
        Sensitive(
            table="met",
            statement="SELECT a.d, GREATEST(a.person, b.person) AS person, "
            "CAST(a.zone AS BIGINT) AS cell, COUNT(*) AS v FROM points AS a JOIN points AS b "
            "ON a.d = b.d AND a.t = b.t AND a.zone = b.zone AND a.person < b.person "
            "WHERE a.zone >= 0 GROUP BY 1, 2, 3",
        )
    )

    def edit(job: Job) -> Job:
        return replace(job, statements=job.statements | {"tight:visits": sql})

    assert any("tight:visits" in x for x in caught(replace(road, edit=edit), "mimic", "mimic"))


def test_a_grid_that_is_laid_over_the_data_is_caught(road: Road, monkeypatch: Patch) -> None:
    """Zones counted from the westernmost record on: one person far out moves all the others."""
    plan = road.plans["plain"]
    real = plan.world.zones.lookup.sql("ingest_located")
    laid = "SELECT * REPLACE (CASE WHEN zone < 0 THEN zone ELSE (zone + (SELECT COUNT(*) FROM "
    laid += f"ingest_located WHERE lon_e7 < 1270000000)) % {ZONES} END AS zone) FROM ({real}) AS z"
    monkeypatch.setattr(type(plan.world.zones.lookup), "sql", lambda _self, _relation: laid)
    assert caught(road, "out_of_area", "abroad")


def test_a_bucket_that_is_summed_twice_is_caught(road: Road, monkeypatch: Patch) -> None:
    real = run.Run._summed
    monkeypatch.setattr(run.Run, "_summed", lambda self, files: real(self, [*files, *files]))
    assert caught(replace(road, engine=MANY_BUCKETS), "hub", "hub")


def test_a_person_who_is_counted_once_for_each_source_is_caught(
    road: Road, monkeypatch: Patch
) -> None:
    def by_source(checked: CheckedSource, buckets: int) -> str:
        home = f"CAST(HASH(person, {checked.number}) % {buckets} AS INTEGER)"
        return f"CASE WHEN reason = 0 THEN {home} ELSE -({checked.number * 1000} + reason) END"

    monkeypatch.setattr(staging, "_bucket", by_source)
    found = caught(replace(road, engine=MANY_BUCKETS), "pendulum", "left")
    assert any("panel" in name for name in found)


def test_duplicates_that_are_removed_across_persons_are_caught(
    road: Road, monkeypatch: Patch
) -> None:
    real = buckets.points_sql

    def deduplicated(*args: Any, **kwargs: Any) -> str:
        return (
            "SELECT * EXCLUDE (place) FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY d, t, zone, "
            f"lat_e7, lon_e7 ORDER BY person) AS place FROM ({real(*args, **kwargs)}) AS p) AS r "
            "WHERE place = 1"
        )

    monkeypatch.setattr(buckets, "points_sql", deduplicated)
    assert any("panel" in name for name in caught(road, "mimic", "mimic"))


def test_two_persons_who_share_an_id_are_caught(road: Road, monkeypatch: Patch) -> None:
    """A truncated hash of ids does this: one's absence moves the trips of another."""
    real = buckets.points_sql

    def merged(*args: Any, **kwargs: Any) -> str:
        points = real(*args, **kwargs)
        return f"SELECT * REPLACE (LEFT(CAST(person AS VARCHAR), 1) AS person) FROM ({points}) AS p"

    monkeypatch.setattr(buckets, "points_sql", merged)
    monkeypatch.setattr(run, "worth_numbering", lambda *_: False)
    assert any("plain:transitions" in name for name in caught(road, "hub", "resident1"))


@pytest.mark.parametrize("relation", ["runs", "trips"])
def test_a_statement_that_reaches_over_dates_is_caught(
    road: Road, monkeypatch: Patch, relation: str
) -> None:
    real = run.bucket_work

    def work(job: Job) -> Any:
        made = real(job)
        relations = tuple(
            (name, re.sub("PARTITION BY (d, person|person, d)", "PARTITION BY person", sql))
            if name == relation
            else (name, sql)
            for name, sql in made.relations
        )
        assert relations != made.relations, "the plant no longer fits the statement"
        return replace(made, relations=relations)

    monkeypatch.setattr(run, "bucket_work", work)
    events = SHAPES["midnight"](road.lengths, ZONES)
    assert any(interference(road, events, date, way) for date, way in ((2, 0), (0, 1), (1, 3)))
