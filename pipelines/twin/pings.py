"""GPS-like fixes of one date, with the gaps and the faults of real phones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipelines.twin.ground import degrees

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipelines.schemas.calendar import MobilityDay
    from pipelines.twin.day import Day
    from pipelines.twin.people import Phones
    from pipelines.twin.settings import CitySettings

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_HOUR_S = 3600.0
_PROFILE_BY_HOUR = (
    0.24, 0.28, 0.5, 0.9, 1.2, 1.1, 1.0, 1.1, 1.3, 1.2, 1.1, 1.1,
    1.1, 1.3, 1.5, 1.5, 1.4, 1.3, 1.2, 1.0, 0.65, 0.38, 0.28, 0.24,
)  # fmt: skip
_STRAY_SD_M = 450.0
_GAP_MEAN_H, _POOR_GAP_MEAN_H = 1.2, 4.5
_KEPT = 0.9
"""About this part of the fixes survives gaps and silent dates."""


def make_pings(
    day: Day,
    *,
    span: MobilityDay,
    phones: Phones,
    settings: CitySettings,
    rng: np.random.Generator,
) -> pa.Table:
    """Return the fixes of one date: subscriber, ts (UTC, whole seconds), lat, lon; WGS 84.

    Rows come phone by phone and unsorted within a phone. Bad rows are not here yet.
    """
    phone, t = _moments(phones, length_s=span.length_s, settings=settings, rng=rng)
    place = day.at(phones.owner[phone], t)
    noise = rng.standard_normal(place.shape, dtype=np.float32)
    stray = rng.random(len(t), dtype=np.float32) < settings.stray_share
    place += noise * np.where(stray, _STRAY_SD_M, settings.gps_sd_m)[:, None]
    lon_lat = degrees(place)
    return pa.table(
        {
            "subscriber": pa.DictionaryArray.from_arrays(
                pa.array(phone.astype(np.int32)), pa.array(phones.ids)
            ),
            "ts": (pa.array(span.start_s + t.astype(np.int64)).cast(pa.timestamp("s", tz="UTC"))),
            "lat": np.round(lon_lat[:, 1], 6),
            "lon": np.round(lon_lat[:, 0], 6),
        }
    )


def _moments(
    phones: Phones, *, length_s: int, settings: CitySettings, rng: np.random.Generator
) -> tuple[Ints, Floats]:
    """Return which phone reports and when, in seconds since the date's start."""
    count = len(phones.owner)
    people = count / (1.0 + settings.two_device_share)
    wanted = settings.pings_per_person / _KEPT * people / phones.rate.sum()
    speaks = rng.random(count) >= settings.silent_share
    fixes = rng.poisson(phones.rate * wanted) * speaks
    phone = np.repeat(np.arange(count), fixes)
    hours = np.linspace(0.0, length_s / _HOUR_S, len(_PROFILE_BY_HOUR) + 1)
    steps = np.concatenate([[0.0], np.cumsum(_PROFILE_BY_HOUR)])
    t = np.interp(rng.random(len(phone)) * steps[-1], steps, hours * _HOUR_S)
    mean_s = np.where(phones.poor, _POOR_GAP_MEAN_H, _GAP_MEAN_H) * _HOUR_S
    starts = rng.random(count) * length_s
    ends = starts + rng.exponential(mean_s)
    heard = (t < starts[phone]) | (t >= ends[phone])
    return phone[heard], t[heard]
