"""A simulated town, and an engine whose totals are known: shared by these tests."""

from __future__ import annotations

import datetime as dt
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dp.ledger import Ledger
from pipelines.engines.contract import Job
from pipelines.progress import Progress
from pipelines.release import world
from pipelines.schemas.zones import ZoneSet
from pipelines.spec import ReleaseSpec, load_policy, load_spec
from pipelines.twin import CitySettings, make_city

START = dt.date(2026, 3, 2)


@dataclass(frozen=True)
class Town:
    """A folder with records, zones, spec, policy and a ledger."""

    folder: Path

    @property
    def spec_file(self) -> Path:
        return self.folder / "release.toml"

    @property
    def ledger(self) -> Path:
        return self.folder / "city.ledger"

    @property
    def releases(self) -> Path:
        return self.folder / "releases"

    def spec(self) -> ReleaseSpec:
        """Load the spec; private files may be gone."""
        return load_spec(self.spec_file, check_data=False)

    def edit(self, old: str, new: str) -> ReleaseSpec:
        """Replace text of the spec and load it."""
        text = self.spec_file.read_text(encoding="utf-8")
        assert old in text, old
        self.spec_file.write_text(text.replace(old, new), encoding="utf-8")
        return self.spec()

    def drop_data(self) -> None:
        """Delete every private input."""
        shutil.rmtree(self.folder / "pings")
        for name in ("checkins.csv", "devices.csv", "optout.csv"):
            (self.folder / name).unlink()

    def spent(self) -> int:
        """Return how many charges count, attempts included."""
        with Ledger.open(self.ledger) as ledger:
            return len(ledger.spends())

    def create_ledger(self) -> None:
        """Create the ledger from the policy file."""
        Ledger.create(self.ledger, load_policy(self.folder / "policy.toml")).close()

    def edit_policy(self, old: str, new: str) -> None:
        """Replace text of the policy, before any ledger exists."""
        self.ledger.unlink()
        path = self.folder / "policy.toml"
        text = path.read_text(encoding="utf-8")
        assert old in text, old
        path.write_text(text.replace(old, new), encoding="utf-8")


def make_town(folder: Path, *, seed: int = 1) -> Town:
    """Write the records, zones, spec and policy of a town of 300 people and 2 dates."""
    settings = CitySettings(zones=6, pings_per_person=40)
    make_city(folder, people=300, days=2, start=START, seed=seed, settings=settings)
    town = Town(folder)
    town.edit("report = true", "report = false")
    return town


def bytes_of(folder: Path) -> Mapping[str, bytes]:
    """Return every file below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@dataclass
class KnownTotals:
    """Totals that are a function of table, date and size, so that a test can know them."""

    job: Job
    closed: bool = False

    def vector(self, table: str, day: int, size: int) -> NDArray[np.int64]:
        """Return 0, 3, 6 ... plus the date's number; 0 on the diagonal of od_flows."""
        known = np.arange(size, dtype=np.int64) * 3 + day
        if table == "od_flows":
            known[:: int(size**0.5) + 1] = 0
        return known

    def listed(
        self, table: str, day: int, size: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the cells that hold anything, and what they hold."""
        known = self.vector(table, day, size)
        cells = np.flatnonzero(known)
        return cells, known[cells]

    def close(self) -> None:
        """Note that the job's files would be gone."""
        self.closed = True


class KnownEngine:
    """An engine that reads nothing and hands out known totals."""

    name = "known"

    def __init__(self) -> None:
        self.given: list[KnownTotals] = []

    def run(self, job: Job, progress: Progress) -> KnownTotals:
        """Hand out totals and remember them."""
        progress.at("Reading records", 1.0)
        self.given.append(KnownTotals(job))
        return self.given[-1]


_ZONES: dict[bytes, ZoneSet] = {}
_load = world.zones_of


def zones_once(spec: ReleaseSpec) -> ZoneSet:
    """Return a spec's zones, built once for each content of the file: tests plan many times."""
    assert spec.zones.file is not None
    content = spec.zones.file.read_bytes()
    if content not in _ZONES:
        _ZONES[content] = _load(spec)
    return _ZONES[content]


def release_at_once(*specs: Path) -> list[tuple[str, str, int]]:
    """Release by one process for each spec, all at once; return what each said, and its code."""
    script = (
        "import sys; sys.path.insert(0, sys.argv[2]); "
        "from release_town import KnownEngine; from pipelines.release import run, totals; "
        "from pipelines.spec import load_spec; totals.engine_of = lambda n: KnownEngine(); "
        "print(run.release(load_spec(sys.argv[1])).name)"
    )
    here = str(Path(__file__).parent)
    all_of_them = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(spec), here],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for spec in specs
    ]
    return [(*process.communicate(), process.returncode) for process in all_of_them]
