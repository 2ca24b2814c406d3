"""The zone x hour histogram of 2M visits, in which one person counts for little, in six libraries.

    python tests/benchmarks/peers.py                 # everything; about fifteen minutes
    python tests/benchmarks/peers.py --only diffprivlib
    python tests/benchmarks/peers.py --only OpenDP --persons 1000000   # 20M visits

Each peer runs in a virtual environment of its own, made here with pip and kept in ``--folder`` when
one is given. A peer that cannot be installed or run, or that takes too long, is skipped with the
reason. Prints the table of ``tests/benchmarks/README.md``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import venv
from dataclasses import dataclass
from pathlib import Path

import duckdb

HERE = Path(__file__).parent / "peer"
PERSONS, VISITS, CELLS = 100_000, 20, 48_000
LIMIT_S = 300
"""Seconds that a peer may install, and again that it may run."""


@dataclass(frozen=True)
class Peer:
    """A library: its script, what pip installs for it, and what it does about one person."""

    name: str
    script: str
    packages: tuple[str, ...] = ()
    bounds: str = "8 cells a person"


PLAIN = Peer("plain DuckDB group-by", "plain.py", bounds="none, no noise")
OURS = Peer("Murmuration, weighting", "ours.py", bounds="L2^2 of 8 a person")
PEERS = (
    PLAIN,
    OURS,
    Peer("Murmuration, sampling", "ours_sampled.py"),
    Peer(
        "diffprivlib",
        "diffprivlib_peer.py",
        ("diffprivlib", "scikit-learn<1.8", "pyarrow"),
        bounds="**none**: protects one row",
    ),
    Peer(
        "OpenDP Polars, cells",
        "opendp_polars.py",
        ("opendp[polars]",),
        bounds="8 cells a person (7 are kept)",
    ),
    Peer(
        "OpenDP Polars, rows",
        "opendp_polars_rows.py",
        ("opendp[polars]",),
        bounds="8 rows a person",
    ),
    Peer("PipelineDP, local", "pipeline_dp_peer.py", ("pipeline-dp", "pyarrow")),
    Peer("smartnoise-sql", "smartnoise_sql_peer.py", ("smartnoise-sql", "pyarrow")),
    Peer("Tumult Analytics", "tumult_peer.py", ("tmlt.analytics",)),
)


class Skipped(Exception):
    """Why a peer has no figures."""


def make_visits(file: Path, persons: int = PERSONS) -> None:
    """Write 20 visits a person: person, zone of 2,000 and hour of 24; every cell is visited."""
    duckdb.sql(
        f"""COPY (
          SELECT person * 7919 AS person, CAST(h % 2000 AS INTEGER) AS zone,
            CAST((h // 2000) % 24 AS INTEGER) AS hour
          FROM (SELECT person, hash(person * 64 + k) AS h
            FROM range({persons}) AS p(person), range({VISITS}) AS v(k))
        ) TO '{file}' (FORMAT parquet)"""
    )


def python_for(peer: Peer, folder: Path) -> str:
    """Return the interpreter of a peer's environment, made where it is not there yet."""
    if not peer.packages:
        return sys.executable
    home = folder / peer.packages[0].replace("[", "-").strip("]")
    python = home / "bin" / "python"
    ready = home / "ready"
    if not ready.exists():
        venv.create(home, with_pip=True, clear=True)
        _run([str(python), "-m", "pip", "install", "-q", *peer.packages], "install")
        ready.touch()
    return str(python)


def measured(peer: Peer, file: Path, *, home: str) -> dict[str, float]:
    """Return seconds, CPU seconds, cells and peak memory of one peer; Skipped says why not."""
    out = _run([home, str(HERE / "one.py"), str(HERE / peer.script), str(file)], "run")
    found: dict[str, float] = json.loads(out.splitlines()[-1])
    return found


def _run(command: list[str], what: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        raise Skipped(f"does not {what} within {LIMIT_S} s") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise Skipped(f"does not {what}: {last[:160]}")
    return done.stdout


def row(peer: Peer, found: dict[str, float], *, plain: float, ours: float) -> str:
    """Return a peer's row of the table."""
    seconds = found["seconds"]
    inside = found["cpu"] is not None
    cpu, peak = (f"{found['cpu']:.2f}", f"{found['mb']:.0f}") if inside else ("-", "-")
    times = f"{seconds / plain:.0f} | {seconds / ours:.1f}"
    return f"| {peer.name} | {peer.bounds} | {seconds:.2f} | {cpu} | {times} | {peak} |"


def beside(peer: Peer, file: Path, folder: Path) -> str:
    """Measure a peer between two runs of ours and of the plain count; return its row.

    Others may use the machine too: what ran just before and after is the fairest to compare with.
    """
    home = python_for(peer, folder)
    first = [measured(one, file, home=sys.executable)["seconds"] for one in (PLAIN, OURS)]
    found = measured(peer, file, home=home)
    again = [measured(one, file, home=sys.executable)["seconds"] for one in (PLAIN, OURS)]
    if found["cells"] != CELLS:
        raise Skipped(f"gives {found['cells']} cells")
    plain, ours = map(min, first, again)
    return row(peer, found, plain=plain, ours=ours)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--persons", type=int, default=PERSONS, help="each has 20 visits")
    parser.add_argument("--only", default="", help="run peers with this in their name")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = (given.folder or Path(made)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "visits.parquet"
        make_visits(file, given.persons)
        print(
            "| library | contribution bound | seconds | CPU seconds | times plain | "
            "times Murmuration | peak MB |"
        )
        print("|---|---|---|---|---|---|---|")
        for peer in (one for one in PEERS if given.only in one.name):
            try:
                print(beside(peer, file, folder), flush=True)
            except Skipped as why:
                print(f"| {peer.name} | {peer.bounds} | skipped: {why} | | | | |", flush=True)


if __name__ == "__main__":
    main()
