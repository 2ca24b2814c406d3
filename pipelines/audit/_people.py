"""Simulated people on any public zones: their records, in memory, one date at a time.

The synthetic city's people (``pipelines.twin``) are moved onto the zones of a spec: they live where
zones are populous or large, work by a gravity law, and carry phones that report like real ones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import shapely

from pipelines.audit._chance import Generator, generator
from pipelines.twin import CitySettings
from pipelines.twin.day import make_day
from pipelines.twin.ground import Ground, degrees, metres
from pipelines.twin.people import make_people, make_phones
from pipelines.twin.pings import make_pings
from pipelines.twin.places import Places

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipelines.schemas.calendar import Calendar, MobilityDay
    from pipelines.schemas.zones import ZoneSet
    from pipelines.twin.people import People, Phones

    Floats = NDArray[np.float64]

_M_PER_DEGREE = 111_195.0
_PEOPLE, _DAYS = 0, 1


@dataclass(frozen=True, slots=True)
class Plane:
    """Metres east and north of the zones' centre, as the synthetic city counts them."""

    lon: float
    lat: float

    @classmethod
    def of(cls, zones: ZoneSet) -> Plane:
        """Return the plane of a zone set."""
        west, south, east, north = shapely.total_bounds(np.array(zones.frame.geometry.values))
        return cls(float(west + east) / 2.0, float(south + north) / 2.0)

    def city(self, lon_lat: Floats) -> Floats:
        """Turn WGS 84 degrees here into degrees of the synthetic city; shape (n, 2)."""
        return degrees((lon_lat - [self.lon, self.lat]) * self._scale)

    def here(self, city_lon_lat: Floats) -> Floats:
        """Turn degrees of the synthetic city into WGS 84 degrees here; shape (n, 2)."""
        turned: Floats = metres(city_lon_lat) / self._scale + [self.lon, self.lat]
        return turned

    @property
    def _scale(self) -> Floats:
        return _M_PER_DEGREE * np.array([math.cos(math.radians(self.lat)), 1.0])


@dataclass(frozen=True, kw_only=True, eq=False)
class Crowd:
    """Simulated people: the same arguments give the same records.

    Attributes:
        zones: The public zones that they move in.
        calendar: The dates.
        count: How many people.
        seed: Fixes everything about them.
        settings: How their phones report.
    """

    zones: ZoneSet
    calendar: Calendar
    count: int
    seed: int
    settings: CitySettings

    @property
    def ids(self) -> NDArray[np.str_]:
        """Their identifiers, shape (count,); everyone has one phone."""
        return self._phones.ids

    @cached_property
    def plane(self) -> Plane:
        """Metres of these zones."""
        return Plane.of(self.zones)

    def pings(self, day: MobilityDay) -> pa.Table:
        """Return one date's fixes: subscriber, ts (UTC seconds), lat, lon; rows phone by phone."""
        chance = generator(self.seed, _DAYS, day.index)
        away = self.settings.away_share
        spent = make_day(self._people, date=day.date, places=self._places, away=away, rng=chance)
        table = make_pings(spent, span=day, phones=self._phones, settings=self.settings, rng=chance)
        lon_lat = self.plane.here(np.column_stack([table["lon"], table["lat"]]))
        return pa.table(
            {
                "subscriber": table["subscriber"].cast(pa.string()),
                "ts": table["ts"],
                "lat": np.round(lon_lat[:, 1], 6),
                "lon": np.round(lon_lat[:, 0], 6),
            }
        )

    @cached_property
    def _places(self) -> Places:
        return Places(ground_of(self.zones, self.plane))

    @cached_property
    def _drawn(self) -> tuple[People, Phones]:
        chance: Generator = generator(self.seed, _PEOPLE)
        out = self.settings.outside_work_share
        people = make_people(self.count, places=self._places, out=out, rng=chance)
        return people, make_phones(self.count, settings=self.settings, rng=chance)

    @property
    def _people(self) -> People:
        return self._drawn[0]

    @property
    def _phones(self) -> Phones:
        return self._drawn[1]


def plain_settings(zones: int) -> CitySettings:
    """Return phones without faults of files: one phone each, nobody on a list, no bad rows."""
    return CitySettings(
        zones=max(4, min(zones, 5_000)),
        two_device_share=0.0,
        opt_out_share=0.0,
        checkin_share=0.0,
        dirty_share=0.0,
    )


def ground_of(zones: ZoneSet, plane: Plane) -> Ground:
    """Return any zones as a ground that the synthetic city's people can live on.

    Residents follow declared population where every zone has one, else the root of the area;
    jobs and errands lean towards the middle. Made up, and only for simulated people.
    """
    shapes = shapely.transform(np.array(zones.frame.geometry.values), plane.city)
    centres = metres(shapely.get_coordinates(shapely.point_on_surface(shapes)))
    area = np.sqrt(shapely.area(shapely.transform(shapes, metres)))
    declared = [n for n in zones.population if n is not None]
    residents = np.array(declared, dtype=np.float64) if len(declared) == len(zones) else area
    residents = np.maximum(residents, 1e-9 * max(float(residents.max()), 1e-9))
    far = np.hypot(*(centres - centres.mean(axis=0)).T)
    jobs = residents * np.exp(-far / max(float(far.max()), 1.0) * 2.0)
    return Ground(
        codes=zones.ids,
        names=zones.names,
        districts=zones.parents,
        shapes=tuple(shapes),
        centres_m=centres,
        residents=residents / residents.sum(),
        jobs=jobs / jobs.sum(),
        errands=np.sqrt(jobs * residents) / np.sqrt(jobs * residents).sum(),
    )
