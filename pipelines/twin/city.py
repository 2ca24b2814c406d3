"""``make_city``: a folder with everything that a release needs, all of it simulated."""

from __future__ import annotations

import datetime as dt
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipelines.schemas.calendar import Calendar, MobilityDay
from pipelines.twin.checkins import make_checkins
from pipelines.twin.day import Day, make_day
from pipelines.twin.dirt import with_dirt
from pipelines.twin.files import CityFiles, city_files, write_lists, write_settings, write_zones
from pipelines.twin.ground import make_ground
from pipelines.twin.people import People, Phones, make_people, make_phones
from pipelines.twin.pings import make_pings
from pipelines.twin.places import Places
from pipelines.twin.settings import CitySettings

TIME_ZONE = "Asia/Seoul"
DAY_STARTS = dt.time(4)
_PEOPLE_STREAM, _DAY_STREAM = 0, 1


def make_city(
    folder: Path,
    *,
    people: int,
    days: int,
    start: dt.date,
    seed: int,
    settings: CitySettings | None = None,
) -> CityFiles:
    """Write a synthetic city and return its paths.

    The same arguments give the same bytes. A date's records depend on its position and the seed,
    so a longer period keeps the earlier dates. Memory holds one date at a time.

    Args:
        folder: Where to write; made if it does not exist. Files of the same names are replaced.
        people: How many simulated people have a phone in the data.
        days: How many dates, each from 04:00 to 04:00 in Asia/Seoul.
        start: The first date.
        seed: Number that fixes the simulated people; zones do not depend on it.
        settings: What the city is like.

    Raises:
        ValueError: people or days below 1.
    """
    if people < 1 or days < 1:
        raise ValueError(f"a city needs 1 person and 1 date or more, got {people} and {days}")
    chosen = settings or CitySettings()
    calendar = Calendar(time_zone=TIME_ZONE, day_starts=DAY_STARTS, start=start, days=days)
    ground = make_ground(chosen.zones)
    simulation = _simulation(people, places=Places(ground), settings=chosen, seed=seed)
    residents = round(people / chosen.panel_share)
    files = city_files(folder, checkins=chosen.checkin_share > 0)
    files.pings.parent.mkdir(parents=True, exist_ok=True)
    write_zones(files.zones, ground, residents=residents)
    write_lists(files, phones=simulation.phones, opt_outs=simulation.opt_outs)
    simulation.write(files, calendar.dates)
    write_settings(files, calendar=calendar, residents=residents)
    return files


@dataclass(frozen=True, slots=True, eq=False)
class _Simulation:
    """Everything that dates share."""

    places: Places
    people: People
    phones: Phones
    checkers: NDArray[np.int64]
    opt_outs: NDArray[np.int64]
    settings: CitySettings
    seed: int

    def write(self, files: CityFiles, dates: tuple[MobilityDay, ...]) -> None:
        """Write the records of every date, one date at a time."""
        with ExitStack() as stack:
            checkins: pa.csv.CSVWriter | None = None
            for span in dates:
                rng = np.random.default_rng([self.seed, _DAY_STREAM, span.index])
                day = self._day(span, rng)
                path = files.pings.parent / f"{span.date}.parquet"
                pq.write_table(self._pings(day, span, rng), path, compression="zstd")
                if files.checkins:
                    rows = self._checkins(day, span)
                    checkins = checkins or stack.enter_context(
                        pa.csv.CSVWriter(files.checkins, rows.schema)
                    )
                    checkins.write_table(rows)

    def _day(self, span: MobilityDay, rng: np.random.Generator) -> Day:
        share = self.settings.away_share
        return make_day(self.people, date=span.date, places=self.places, away=share, rng=rng)

    def _pings(self, day: Day, span: MobilityDay, rng: np.random.Generator) -> pa.Table:
        good = make_pings(day, span=span, phones=self.phones, settings=self.settings, rng=rng)
        return with_dirt(good, share=self.settings.dirty_share, rng=rng)

    def _checkins(self, day: Day, span: MobilityDay) -> pa.Table:
        return make_checkins(day, span=span, phones=self.phones, of=self.checkers, zone=TIME_ZONE)


def _simulation(people: int, *, places: Places, settings: CitySettings, seed: int) -> _Simulation:
    rng = np.random.default_rng([seed, _PEOPLE_STREAM])
    crowd = make_people(people, places=places, out=settings.outside_work_share, rng=rng)
    return _Simulation(
        places=places,
        people=crowd,
        phones=make_phones(people, settings=settings, rng=rng),
        checkers=np.flatnonzero(rng.random(people) < settings.checkin_share),
        opt_outs=np.flatnonzero(rng.random(people) < settings.opt_out_share),
        settings=settings,
        seed=seed,
    )
