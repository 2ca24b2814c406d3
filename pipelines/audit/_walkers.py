"""People whose every time bin is recorded, for attacks on paths: the hardest records to protect.

Each has fixes around the middle of every bin, so that the production path places everybody in
every bin. Gaps in real records only make paths harder to recover.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from pipelines.audit._chance import generator
from pipelines.audit._made_up import contributions, fixes
from pipelines.audit._people import Plane, ground_of
from pipelines.tables._stretches import PresenceParams
from pipelines.twin.day import make_day
from pipelines.twin.ground import degrees
from pipelines.twin.people import make_people
from pipelines.twin.places import Places

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from pipelines.audit._stage import Stage
    from pipelines.schemas.calendar import MobilityDay
    from pipelines.twin.ground import Ground
    from pipelines.twin.people import People

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

TABLE = "presence"
_PEOPLE, _DAYS, _COURIERS = 1, 2, 3
_NIGHT_FROM_H, _NIGHT_TO_H = 22, 6
_BUSY_SHARE, _FEWEST_BUSY = 0.3, 2
_AROUND = np.array([-0.25, 0.0, 0.25])


@dataclass(frozen=True, kw_only=True, eq=False)
class Walkers:
    """A crowd, and couriers who are each out all night while it sleeps.

    Attributes:
        stage: Where they walk: its zones, tables, bounds and noise.
        count: How many people the crowd has; the first rows.
        couriers: How many couriers there are; the last rows.
        dates: How many dates they are seen on.
    """

    stage: Stage
    count: int
    couriers: int
    dates: int

    @property
    def columns(self) -> Ints:
        """Columns of presence, by date, bin and zone."""
        return self.stage.layout.columns(dates=range(self.dates), table=TABLE)

    @cached_property
    def vectors(self) -> csr_array:
        """What each adds to presence, by the production path; shape (people, columns)."""
        count = self.count + self.couriers
        rows, _ = contributions(self.stage, self._records(), count=count, dates=self.dates)
        return rows[:, self.columns]

    @cached_property
    def paths(self) -> Ints:
        """Which cell each person is in, as published; shape (people, slots of all dates)."""
        found = self.vectors.tocoo()
        paths = np.full((self.count + self.couriers, self.dates * self.slots), self.cells - 1)
        person, column = found.coords
        slot, zone = np.divmod(column, self.cells - 1)
        paths[person, slot] = zone
        return paths

    @property
    def slots(self) -> int:
        """Time bins of one date."""
        return self._spans[0].bins(self._bin_s)

    @property
    def cells(self) -> int:
        """Zones, and one more cell for whoever is in no zone."""
        return len(self.stage.plan.world.zones) + 1

    @property
    def places(self) -> Floats:
        """A point of each cell in metres, shape (cells, 2)."""
        centres = self._ground.centres_m
        return np.vstack([centres, centres.mean(axis=0)])

    @cached_property
    def night(self) -> Bools:
        """Which bins of a date are at night, by local time; shape (slots,)."""
        starts = self.stage.plan.world.calendar.bin_starts(self._spans[0], self._bin_s)
        return np.array([one.hour >= _NIGHT_FROM_H or one.hour < _NIGHT_TO_H for one in starts])

    def _records(self) -> Iterator[pa.Table]:
        at = ((np.arange(self.slots)[:, None] + 0.5 + _AROUND) * self._bin_s).ravel()
        for day in self._spans:
            where = np.concatenate([self._crowd(day, at), self._out_at_night(day)])
            yield fixes(where, day=day, at=at)

    def _crowd(self, day: MobilityDay, at: Floats) -> Floats:
        """Return where everybody is at these seconds, WGS 84; shape (people, seconds, 2)."""
        chance = generator(self.stage.seed, _DAYS, day.index)
        spent = make_day(self._people, date=day.date, places=self._room, away=0.0, rng=chance)
        where = spent.at(np.repeat(np.arange(self.count), at.size), np.tile(at, self.count))
        return self._plane.here(degrees(where)).reshape(self.count, at.size, 2)

    def _out_at_night(self, day: MobilityDay) -> Floats:
        """Return where couriers are: every night bin in another of the most populous zones."""
        chance = generator(self.stage.seed, _COURIERS, day.index)
        ground = self._ground
        most = max(_FEWEST_BUSY, round(_BUSY_SHARE * len(ground)))
        busy = np.argsort(-ground.residents, kind="stable")[:most]
        paths = np.empty((self.couriers, self.slots), dtype=np.int64)
        for courier in range(self.couriers):
            here = int(chance.integers(busy.size))
            for slot in range(self.slots):
                if self.night[slot]:
                    here = (here + 1 + int(chance.integers(busy.size - 1))) % busy.size
                paths[courier, slot] = busy[here]
        points = self._plane.here(degrees(ground.centres_m))
        return np.repeat(points[paths], _AROUND.size, axis=1)

    @property
    def _bin_s(self) -> int:
        params = self.stage.plan.of(TABLE)[0].params
        assert isinstance(params, PresenceParams), "the table is presence"
        return params.bin_s

    @property
    def _spans(self) -> tuple[MobilityDay, ...]:
        return self.stage.plan.world.calendar.dates[: self.dates]

    @cached_property
    def _plane(self) -> Plane:
        return Plane.of(self.stage.plan.world.zones)

    @cached_property
    def _ground(self) -> Ground:
        return ground_of(self.stage.plan.world.zones, self._plane)

    @cached_property
    def _room(self) -> Places:
        return Places(self._ground)

    @cached_property
    def _people(self) -> People:
        chance = generator(self.stage.seed, _PEOPLE)
        return make_people(self.count, places=self._room, out=0.0, rng=chance)
