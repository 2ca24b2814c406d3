"""What goes wrong outside: damaged files, too little memory or disk, unknown names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from engine_desk import job, pings, real_tables, run, source, world

from dp.errors import BoundError
from pipelines.engines import get_engine
from pipelines.engines.contract import Resources
from pipelines.engines.duckdb.engine import DuckDBEngine
from pipelines.engines.duckdb.faults import resource_error
from pipelines.errors import ResourceError, SourceError, SpecError
from pipelines.progress import Silent


def _many(path: Path, rows: int) -> Path:
    rng = np.random.default_rng(5)
    stamps = 1_772_391_600_000_000 + rng.integers(0, 86_400_000_000, rows)
    table = {
        "who": pa.array([f"a person called {i}" for i in rng.integers(0, rows, rows)]),
        "ts": pa.array(stamps).cast(pa.timestamp("us", tz="UTC")),
        "lat": 37.5 + rng.random(rows) * 0.03,
        "lon": 126.8 + rng.random(rows) * 0.03,
    }
    pq.write_table(pa.table(table), path, compression="zstd", row_group_size=20_000)
    return path


def test_a_parquet_file_damaged_in_the_middle_is_a_source_error(tmp_path: Path) -> None:
    (tmp_path / "days").mkdir()
    for name in ("1.parquet", "2.parquet", "3.parquet"):
        file = _many(tmp_path / "days" / name, 50_000)
    file = tmp_path / "days" / "2.parquet"
    raw = bytearray(file.read_bytes())
    page = pq.read_metadata(file).row_group(1).column(0).data_page_offset
    raw[page : page + 400] = b"\xa5" * 400
    file.write_bytes(raw)
    given = source(tmp_path / "days", kind="pings", lat="lat", lon="lon")
    with pytest.raises(SourceError, match=r"sources\[0\]: .*2\.parquet cannot be read") as caught:
        run(job(tmp_path / "w", given))
    assert caught.value.__cause__ is None
    assert "a person called" not in str(caught.value)
    assert list((tmp_path / "w").iterdir()) == []


def test_too_little_memory_and_no_disk_to_spill_to_is_a_resource_error(tmp_path: Path) -> None:
    file = _many(tmp_path / "a.parquet", 400_000)
    given = source(file, kind="pings", lat="lat", lon="lon")
    small = Resources(memory_mb=16, threads=2, spill_gb=0)
    todo = replace(job(tmp_path / "w", given, resources=small), **real_tables(world()))
    with pytest.raises(ResourceError, match=r"larger (memory_mb|spill_gb).* under .engine.") as err:
        run(todo)
    assert err.value.exit_code == 6
    assert list((tmp_path / "w").iterdir()) == []


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (duckdb.OutOfMemoryException("could not allocate block of size 256.0 KiB"), "memory_mb"),
        (duckdb.OutOfMemoryException("... exceeds max_temp_directory_size of 1 GiB"), "spill_gb"),
        (duckdb.IOException("IO Error: Could not write file: No space left on device"), "disk"),
        (OSError(28, "No space left on device"), "disk"),
        (MemoryError(), "memory_mb"),
    ],
)
def test_memory_and_disk_are_told_apart(fault: Exception, said: str) -> None:
    assert said in str(resource_error(fault, Resources()))


def test_other_faults_are_not_blamed_on_resources() -> None:
    assert resource_error(duckdb.IOException("No files found"), Resources()) is None
    assert resource_error(OSError(2, "No such file"), Resources()) is None


def test_a_full_disk_is_found_by_the_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    given = job(tmp_path / "w", pings(tmp_path / "a.parquet", [(1, "02 10:00", 0)]))
    with pytest.raises(ResourceError, match="disk under work/ is full"):
        run(given)
    assert list((tmp_path / "w").iterdir()) == []


def test_a_missing_file_stops_before_any_work(tmp_path: Path) -> None:
    given = source(tmp_path / "none" / "*.parquet", kind="pings", lat="lat", lon="lon")
    with pytest.raises(SourceError, match=r"no file at"):
        run(job(tmp_path / "w", given))
    assert not (tmp_path / "w").exists()


def test_engines_are_found_by_name() -> None:
    assert get_engine("duckdb").name == "duckdb"
    with pytest.raises(
        SpecError, match=r'no engine is named "dukdb"\. Write name = one of "duckdb"'
    ):
        get_engine("dukdb")


def test_totals_refuse_a_table_or_a_cell_that_cannot_be(tmp_path: Path) -> None:
    given = job(tmp_path / "w", pings(tmp_path / "a.parquet", [(1, "02 10:00", 0)]))
    totals = DuckDBEngine().run(given, Silent())
    with pytest.raises(BoundError, match="other: no totals; the job counted starts"):
        totals.vector("other", 0, 10)
    with pytest.raises(BoundError, match="starts: its statement gave a cell outside the key set"):
        totals.vector("starts", 0, 10)
    totals.close()
