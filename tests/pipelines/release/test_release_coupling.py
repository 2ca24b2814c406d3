"""What leaves depends on the records through the noisy values alone. The real engine reads here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from release_threshold import thresholded
from release_town import Town, bytes_of, make_town

SCRIPT = Path(__file__).parent / "release_coupled.py"
CANARY = "CANARY-7f3a91"
CANARY_LAT, CANARY_LON = 36.7051237, 127.1712349


@dataclass(frozen=True)
class Outcome:
    """All that leaves a run."""

    code: int
    out: str
    err: str
    folder: Mapping[str, bytes]


def _shrink(town: Town) -> None:
    """Keep the tables of the dates but no record at all."""
    for path in (town.folder / "pings").glob("*.parquet"):
        pq.write_table(pq.read_table(path).slice(0, 0), path)
    checkins = town.folder / "checkins.csv"
    checkins.write_text(checkins.read_text(encoding="utf-8").splitlines()[0] + "\n")


def _one_person_everywhere(town: Town) -> None:
    for path in (town.folder / "pings").glob("*.parquet"):
        rows = pq.read_table(path)
        same = pa.array([rows["subscriber"][0].as_py()] * len(rows), rows["subscriber"].type)
        at = rows.column_names.index("subscriber")
        pq.write_table(rows.set_column(at, rows.schema.field(at), same), path)


def _other_people(town: Town) -> None:
    other = make_town(town.folder.parent / "other", seed=2)
    for name in ("checkins.csv", "devices.csv", "optout.csv"):
        shutil.copy(other.folder / name, town.folder / name)
    shutil.rmtree(town.folder / "pings")
    shutil.copytree(other.folder / "pings", town.folder / "pings")


def _bad_rows(town: Town) -> None:
    path = min((town.folder / "pings").glob("*.parquet"))
    rows = pq.read_table(path)
    number = np.arange(len(rows))
    changed = {
        "ts": pc.if_else(pa.array(number % 3 == 0), pa.scalar(None, rows["ts"].type), rows["ts"]),
        "lat": pc.if_else(pa.array(number % 5 == 0), 999.0, rows["lat"]),
    }
    columns = [changed.get(name, rows[name]) for name in rows.column_names]
    pq.write_table(pa.table(columns, schema=rows.schema), path)


OTHERS: Mapping[str, Callable[[Town], None]] = {
    "no record at all": _shrink,
    "other people": _other_people,
    "one person everywhere": _one_person_everywhere,
    "bad rows": _bad_rows,
}


def _outcome(town: Town, env: Mapping[str, str] | None = None) -> Outcome:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "release", "release.toml"],
        cwd=town.folder,
        capture_output=True,
        text=True,
        check=False,
        env=env,
    )
    return Outcome(done.returncode, done.stdout, done.stderr, bytes_of(town.releases))


@pytest.fixture
def copied(town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Town]:
    """Give copies of the town with one ledger's history: same id, same secret, own anchor."""
    model, anchors = tmp_path / "model", tmp_path / "anchors"
    town.folder.rename(model)
    shutil.copytree(anchors, tmp_path / "model-anchors")

    def copy(name: str) -> Town:
        home = tmp_path / name
        shutil.copytree(model, home / "town")
        shutil.copytree(tmp_path / "model-anchors", home / "anchors")
        monkeypatch.setenv("MURMURATION_ANCHORS", str(home / "anchors"))
        return Town(home / "town")

    return copy


def test_other_records_with_the_same_noisy_tables_give_the_same_bytes(
    copied: Callable[[str], Town],
) -> None:
    usual = _outcome(copied("usual"))
    assert usual.code == 0, usual.err
    assert len(usual.folder) >= 15
    for number, (name, change) in enumerate(OTHERS.items()):
        town = copied(f"other-{number}")
        change(town)
        found = _outcome(town)
        assert found.code == 0, (name, found.err)
        assert found == usual, name


def test_which_cells_reach_a_threshold_is_all_that_tells_of_the_records(
    copied: Callable[[str], Town], tmp_path: Path
) -> None:
    thresholded(Town(tmp_path / "model"))
    shutil.copytree(tmp_path / "anchors", tmp_path / "model-anchors", dirs_exist_ok=True)
    usual, other = copied("usual"), copied("other")
    _shrink(other)
    outcomes = []
    for town in (usual, other):
        anchored = os.environ | {"MURMURATION_ANCHORS": str(town.folder.parent / "anchors")}
        outcomes.append(_outcome(town, env=anchored))
    assert outcomes[0].code == 0, outcomes[0].err
    assert "thresholded/od_flows.csv" in " ".join(outcomes[0].folder)
    assert outcomes[0] == outcomes[1]


def test_no_canary_id_or_coordinate_leaves_the_private_folders(
    copied: Callable[[str], Town],
) -> None:
    town = copied("canary")
    path = min((town.folder / "pings").glob("*.parquet"))
    rows = pq.read_table(path)
    count = 60
    more = {
        "subscriber": pa.array([CANARY] * count, rows["subscriber"].type),
        "ts": rows["ts"].combine_chunks().slice(0, count),
        "lat": pa.array([CANARY_LAT] * (count - 1) + [999.1237]),
        "lon": pa.array([CANARY_LON] * count),
    }
    extra = pa.table({name: more[name] for name in rows.column_names}, schema=rows.schema)
    pq.write_table(pa.concat_tables([rows, extra]), path)
    inputs = set(bytes_of(town.folder))
    found = _outcome(town)
    assert found.code == 0, found.err
    private = inputs | {name for name in bytes_of(town.folder) if name.startswith("work/")}
    left = {name: raw for name, raw in bytes_of(town.folder).items() if name not in private}
    left |= bytes_of(town.folder.parent / "anchors")
    assert {path.name for path in (town.folder / "work").rglob("*")} <= {"diagnostics.json"}
    left |= {"stdout": found.out.encode(), "stderr": found.err.encode()}
    assert len(left) > 20
    for name, raw in left.items():
        for canary in (CANARY, "36.7051237", "367051237", "127.1712349", "1271712349", "999.1237"):
            assert canary.encode() not in raw, (name, canary)
