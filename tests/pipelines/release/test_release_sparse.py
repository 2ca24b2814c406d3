"""Plans warn of tables too fine for sources that declare few events."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pipelines.release.sparse import sparse_warnings
from pipelines.schemas.traces import TraceParams
from pipelines.tables import TABLES


def warned(*events: int | None, tables: dict[str, dict[str, Any]], kind: str = "cdr") -> list[str]:
    spec: Any = SimpleNamespace(
        declared=[SimpleNamespace(kind=kind, events_per_day=count) for count in events],
        traces=TraceParams(),
        tables=[TABLES[name].params(table=name, **options) for name, options in tables.items()],
    )
    return sparse_warnings(spec)


HOURLY: dict[str, dict[str, Any]] = {"presence": {}}


def test_hourly_bins_need_an_event_an_hour() -> None:
    assert warned(24, tables=HOURLY) == []
    (line,) = warned(23, tables=HOURLY)
    assert "bins of 60 minutes, but 23 events a day" in line
    assert line.endswith("Write bin_minutes = 120")
    assert warned(6, tables={"presence_by_overnight": {"bin_minutes": 240}}) == []


@pytest.mark.parametrize("name", ["visits", "od_flows", "trips_per_person", "stay_put"])
def test_stays_need_events_within_the_gap_that_is_bridged(name: str) -> None:
    assert warned(12, tables={name: {}}) == []
    assert len(warned(11, tables={name: {}})) == 1


def test_tables_that_ask_for_no_stays_are_fine() -> None:
    assert warned(4, tables={"panel": {}, "transitions": {}}) == []


def test_sources_of_one_person_add_up_and_the_undeclared_are_named() -> None:
    assert warned(12, 12, tables=HOURLY) == []
    (line,) = warned(2, None, tables=HOURLY)
    assert line.startswith("sources[1]: declare events_per_day")
    assert warned(None, tables=HOURLY, kind="pings") == []
