"""Real fixes through the engine, against the same count in numpy."""

from __future__ import annotations

import datetime as dt
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from engine_desk import job, run, source, world

ROOT = Path(__file__).parents[3]
DAYS = 30


@pytest.mark.realdata
def test_geolife_fixes_are_counted_by_date_hour_and_second(tmp_path: Path) -> None:
    folder = Path(os.environ.get("MURMURATION_REALDATA") or ROOT.parent / "shared" / "data")
    file = folder / "geolife_cut" / "pings.parquet"
    if not file.exists():
        pytest.skip(f"no real data at {folder}: set MURMURATION_REALDATA")
    table = pq.read_table(file)
    first = int(dt.datetime(2008, 10, 15, 4, tzinfo=dt.timezone(dt.timedelta(hours=8))).timestamp())
    second = table["timestamp"].cast("timestamp[s]", safe=False).cast("int64").to_numpy() - first
    held = (second >= 0) & (second < DAYS * 86_400)
    assert 0 < held.sum() < len(held), "the dates hold all or none: this test would be weaker"
    expected = Counter(zip((second[held] // 86_400).tolist(), (second[held] % 86_400).tolist()))  # noqa: B905
    given = source(
        file,
        kind="pings",
        person="person_id",
        time="timestamp",
        lat="lat",
        lon="lon",
        naive_time_zone="UTC",
    )
    seconds = "SELECT d, CAST(t AS BIGINT) AS cell, COUNT(*) AS total FROM points GROUP BY d, t"
    people = "SELECT d, COUNT(DISTINCT person) AS total, 0 AS cell FROM points GROUP BY d"
    todo = job(
        tmp_path / "w",
        given,
        world=world("Asia/Shanghai", "2008-10-15", DAYS),
        statements={"seconds": seconds, "people": f"SELECT d, cell, total FROM ({people}) AS p"},
    )
    found = run(todo, bucket_rows=40_000, in_memory=False)
    assert found["seconds"] == expected
    who = np.asarray(table["person_id"].to_pylist())
    days = {int(d) for d in np.unique(second[held] // 86_400)}
    assert found["people"] == {
        (d, 0): len(set(who[held][second[held] // 86_400 == d])) for d in days
    }
