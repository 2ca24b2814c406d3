"""Simulated people: where they live, what they do by day, and the phones that they carry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipelines.twin.places import Places

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipelines.twin.settings import CitySettings

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

HOUSEHOLD_SIZES = (1, 2, 3, 4, 5)
_HOUSEHOLD_SHARES = (0.34, 0.29, 0.19, 0.15, 0.03)
STAYS_HOME, WORKS, STUDIES, NIGHT_SHIFT = 0, 1, 2, 3
_ROLE_SHARES = (0.27, 0.54, 0.16, 0.03)
_COMMUTE_REACH_M = 3_500.0
_SCHOOL_REACH_M = 900.0
_IDS, _STRIDE = 16**8, 2_654_435_769  # an odd stride visits every id once
_OUT_OF_TOWN_M = (14_000.0, 30_000.0)


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """One entry a person in every attribute.

    Attributes:
        home_zone: Position of the zone in which the person lives.
        home_m: Home, metres from the city's centre, shape (people, 2); a household shares it.
        role: ``STAYS_HOME``, ``WORKS``, ``STUDIES`` or ``NIGHT_SHIFT``.
        day_zone: Zone of the workplace or school; the home zone of those who stay.
        day_m: The workplace or school, shape (people, 2); some lie out of town.
        habit: How fond of going out, mean 1.
    """

    home_zone: Ints
    home_m: Floats
    role: Ints
    day_zone: Ints
    day_m: Floats
    habit: Floats

    def __len__(self) -> int:
        return len(self.role)


@dataclass(frozen=True, slots=True, eq=False)
class Phones:
    """One entry a phone: the first ``people`` are everybody's, then come second phones.

    Attributes:
        ids: Subscriber ids as text.
        owner: The person who carries it.
        rate: Relative number of fixes, mean about 1.
        poor: Whether it reports rarely and with long gaps.
    """

    ids: NDArray[np.str_]
    owner: Ints
    rate: Floats
    poor: NDArray[np.bool_]


def make_people(count: int, *, places: Places, out: float, rng: np.random.Generator) -> People:
    """Return ``count`` people; ``out`` is the share of workers whose workplace is out of town."""
    size = rng.choice(HOUSEHOLD_SIZES, size=count, p=_HOUSEHOLD_SHARES)
    household = np.repeat(np.arange(count), size)[:count]
    zone = rng.choice(len(places), size=count, p=places.residents)
    home = places.inside(zone, rng)
    home_zone, home_m = zone[household], home[household]
    role = rng.choice(len(_ROLE_SHARES), size=count, p=_ROLE_SHARES)
    work = places.drawn(home_zone, pull=places.jobs, reach_m=_COMMUTE_REACH_M, rng=rng)
    school = places.drawn(home_zone, pull=places.residents, reach_m=_SCHOOL_REACH_M, rng=rng)
    day_zone = np.select([role == STAYS_HOME, role == STUDIES], [home_zone, school], work)
    day_m = np.where((role == STAYS_HOME)[:, None], home_m, places.inside(day_zone, rng))
    leaves = (role == WORKS) & (rng.random(count) < out)
    day_m = np.where(leaves[:, None], out_of_town(count, rng), day_m)
    habit = rng.gamma(4.0, 0.25, size=count)
    return People(home_zone, home_m, role.astype(np.int64), day_zone, day_m, habit)


def make_phones(people: int, *, settings: CitySettings, rng: np.random.Generator) -> Phones:
    """Return everybody's phone and the second phones of some."""
    second = np.flatnonzero(rng.random(people) < settings.two_device_share)
    owner = np.concatenate([np.arange(people), second])
    numbers = (np.arange(len(owner)) * _STRIDE + rng.integers(_IDS)) % _IDS
    ids = np.array([f"s{number:08x}" for number in numbers])
    poor = rng.random(len(owner)) < settings.poor_phone_share
    rate = rng.lognormal(-0.08, 0.4, size=len(owner)) * np.where(poor, 0.45, 1.18)
    rate[people:] *= 0.5
    return Phones(ids, owner, rate, poor)


def out_of_town(count: int, rng: np.random.Generator) -> Floats:
    """Return places beyond the city's edge in any direction; shape (count, 2), metres."""
    angle = rng.random(count) * 2.0 * np.pi
    far = rng.uniform(*_OUT_OF_TOWN_M, size=count)
    return np.column_stack([np.cos(angle), np.sin(angle)]) * far[:, None]
