"""One DuckDB in memory, held to the job's limits and to the files that the job names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.engines.contract import Resources
from pipelines.engines.scratch import Scratch
from pipelines.ingest.quoting import identifier, literal

_OUTSIDE_LIMIT = 0.8
"""DuckDB's limit is on its buffers; the rest of the process needs the remainder."""
_FLUSH_ROWS = 131_072
_GLOB = re.compile(r"[*?\[]")


@contextmanager
def connection(
    resources: Resources, scratch: Scratch, *, reads: Iterable[Path]
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a DuckDB that reads ``reads``, writes the scratch folder, and reaches nothing else.

    No extension is installed or loaded, no network is in reach, no variable of the program is
    taken for a relation, and no statement can change that.
    """
    config: dict[str, str | int | float | bool | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "python_enable_replacements": False,
        "memory_limit": f"{round(resources.memory_mb * _OUTSIDE_LIMIT)}MiB",
        "temp_directory": str(scratch.folder("spill")),
        "max_temp_directory_size": f"{resources.spill_gb}GiB",
        "preserve_insertion_order": False,
        "partitioned_write_flush_threshold": _FLUSH_ROWS,
    }
    if resources.threads is not None:
        config["threads"] = resources.threads
    con = duckdb.connect(config=config)
    try:
        allowed = [text for path in reads for text in {str(path), pattern(path)}]
        con.execute(f"SET allowed_paths = {_list(allowed)}")
        con.execute(f"SET allowed_directories = {_list([str(scratch.path)])}")
        con.execute("SET enable_external_access = false")
        con.execute("SET enable_progress_bar = true")
        con.execute("SET enable_progress_bar_print = false")
        con.execute("SET lock_configuration = true")
        yield con
    finally:
        con.close()


def pattern(path: Path) -> str:
    """Return a path as DuckDB reads it: a pattern that matches this one file."""
    return _GLOB.sub(lambda found: f"[{found[0]}]", str(path))


def paths(files: Iterable[Path]) -> str:
    """Return files as the list that DuckDB's readers take."""
    return _list([pattern(file) for file in files])


def load(con: duckdb.DuckDBPyConnection, name: str, table: pa.Table) -> None:
    """Make a table of a small public relation, and see that every row arrived."""
    con.register("arriving", table)
    con.execute(f"CREATE TABLE {identifier(name)} AS SELECT * FROM arriving")
    con.unregister("arriving")
    arrived = con.table(identifier(name)).shape[0]
    assert arrived == table.num_rows, name


def add_function(
    con: duckdb.DuckDBPyConnection, name: str, function: Callable[[pa.Array, pa.Array], pa.Array]
) -> None:
    """Make a function over (lat_e7, lon_e7) known to SQL."""
    create: Any = con.create_function
    create(name, function, ["INTEGER", "INTEGER"], "INTEGER", type="arrow")


def _list(texts: list[str]) -> str:
    return f"[{', '.join(map(literal, texts))}]"
