"""Earlier release folders as public inputs: their measurements, where they are of this epoch.

An epoch is a span with one zone set, trace parameters, table parameters, policy of dates and
version of the methods. Baselines never cross from one to another.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from dp.bounding import LevelWeighting
from dp.law import NoiseLaw
from dp.loss import Loss, Rho
from dp.tables import Noisy
from pipelines.errors import SourceError, VerifyError
from pipelines.release.levels import best_from, levels_of
from pipelines.release.manifest import MANIFEST, read_manifest, sha256_of
from pipelines.release.read import read_release
from pipelines.schemas.calendar import Calendar, MobilityDay
from pipelines.schemas.levels import ZONE
from pipelines.schemas.outages import Outage
from pipelines.tables import TABLES

if TYPE_CHECKING:
    from dp.keys import KeySet
    from dp.ledger import Policy
    from dp.postprocess import Best
    from pipelines.release.read import Release
    from pipelines.schemas.inputs import PublicInput
    from pipelines.schemas.world import World
    from pipelines.spec import ReleaseSpec

METHODS = 1
"""Version of what words like stay and trip mean here; a change of meaning starts an epoch."""
_NOT_MEANING = frozenset({"share", "noise", "table", "levels", "level_caps", "max_sd"})


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """What earlier releases offer.

    Attributes:
        days: Their dates by measured table, in date order; this release's own are left out.
        barred: By measured table, why a release is of another epoch.
        outages: What those releases declared.
    """

    days: Mapping[str, tuple[MobilityDay, ...]] = field(default_factory=dict)
    barred: Mapping[str, str] = field(default_factory=dict)
    outages: tuple[Outage, ...] = ()
    _homes: Mapping[tuple[str, dt.date], Release] = field(default_factory=dict, repr=False)

    def noisy(self, table: str, date: dt.date, *, world: World, params: Any) -> Noisy:
        """Return a measurement as an earlier release published it.

        Raises:
            VerifyError: the folder was changed, or its rows are not this epoch's keys.
        """
        keys = TABLES[table].keys(world, params, self._day(table, date))
        return self._level(table, date, keys=keys, level=ZONE)

    def best(self, table: str, date: dt.date, *, world: World, params: Any) -> Best:
        """Return the best figures of a table, consistent over the levels that were measured then.

        Raises:
            VerifyError: as ``noisy``.
        """
        keys = TABLES[table].keys(world, params, self._day(table, date))
        release = self._homes[(table, date)]
        entries: Sequence[dict[str, Any]] = release.manifest["spec"]["tables"]
        entry = next(one for one in entries if one["table"] == table)
        levels = levels_of(type(params).model_validate(entry), keys, world=world)
        drawn = (
            self._level(table, date, keys=level.keys(keys), level=level.name) for level in levels
        )
        return best_from(tuple(drawn), tuple(one.lift for one in levels if one.lift is not None))

    def _day(self, table: str, date: dt.date) -> MobilityDay:
        return next(one for one in self.days[table] if one.date == date)

    def _level(self, table: str, date: dt.date, *, keys: KeySet, level: str) -> Noisy:
        release = self._homes[(table, date)]
        frame = release.measurements(table, level)
        rows = frame[frame["date"] == np.datetime64(date)]
        drawn = rows[rows["noise"].astype(str) != "none"]
        if len(rows) != keys.size or len(drawn) != int(keys.measured.sum()):
            raise VerifyError(f"{release.folder}: {table} of {date} has other keys than expected")
        first = drawn.iloc[0]
        law = NoiseLaw(str(first["noise"]), float(first["scale"]), int(first["factor"]))  # type: ignore[arg-type]
        return Noisy(
            table=table,
            reads=(date,),
            keys=keys,
            law=law,
            loss=_loss(release, table, level),
            lattice=rows["lattice"].to_numpy(dtype=np.int64),
        )


def epoch_of(spec: ReleaseSpec, *, world: World, policy: Policy) -> dict[str, Any]:
    """Return what makes an epoch, besides the tables' own parameters: stated in every manifest."""
    public = spec.public()
    return {
        "methods": METHODS,
        "zones": world.zones.digest,
        "towers": [towers.digest for towers in world.towers],
        "traces": public["traces"],
        "time_zone": policy.time_zone,
        "day_starts": policy.day_starts,
    }


def earlier_of(spec: ReleaseSpec, *, world: World, policy: Policy) -> Earlier:
    """Return what the releases under [history] offer. Reads published folders alone.

    Raises:
        SourceError: a folder is not the one that the spec was loaded with.
        VerifyError: a folder is no release.
    """
    own = {day.date for day in world.calendar.dates}
    mine = epoch_of(spec, world=world, policy=policy)
    days: dict[str, dict[dt.date, MobilityDay]] = {}
    homes: dict[tuple[str, dt.date], Release] = {}
    barred: dict[str, str] = {}
    outages: dict[Outage, None] = {}
    for one in spec.history.folders:
        manifest = _manifest(one)
        release = read_release(one.path, check=True)
        outages |= dict.fromkeys(_outages(manifest))
        for params in spec.tables:
            if TABLES[params.table].spans or params.thresholded:
                continue
            why = _differs(manifest, params, mine, world=world)
            if why is not None:
                barred[params.table] = f"{manifest['release']} cannot serve: {why}."
                continue
            for day in _dates(manifest, world.calendar):
                if day.date not in own:
                    days.setdefault(params.table, {}).setdefault(day.date, day)
                    homes.setdefault((params.table, day.date), release)
    return Earlier(
        days={name: tuple(held[d] for d in sorted(held)) for name, held in days.items()},
        barred=barred,
        outages=tuple(outages),
        _homes=homes,
    )


def _manifest(one: PublicInput) -> dict[str, Any]:
    manifest = read_manifest(one.path)
    if sha256_of(one.path / MANIFEST) != one.sha256:
        raise SourceError(f"{one.path}: not the release that it was when the spec was loaded")
    return manifest


def _outages(manifest: Mapping[str, Any]) -> Iterator[Outage]:
    for told in manifest.get("outages", ()):
        start, end = (dt.datetime.fromisoformat(told[name]) for name in ("from", "to"))
        yield Outage(
            zone=told["zone"],
            start_s=int(start.timestamp()),
            end_s=int(end.timestamp()),
            part=told.get("extent") == "part",
        )


def _differs(
    manifest: Mapping[str, Any], params: Any, mine: Mapping[str, Any], *, world: World
) -> str | None:
    """Return in words why a table of a release is of another epoch; None where it is of this."""
    theirs = manifest.get("epoch", {})
    other = [name for name in mine if theirs.get(name) != mine[name]]
    if other:
        return f"its {' and '.join(other).replace('_', ' ')} differ from this spec's"
    entries: Sequence[dict[str, Any]] = manifest["spec"]["tables"]
    entry = next((e for e in entries if e["table"] == params.table), None)
    if entry is None:
        return f"it has no table {params.table}"
    theirs, here = _meaning(type(params).model_validate(entry), world), _meaning(params, world)
    changed = [name for name in {**here, **theirs} if here.get(name) != theirs.get(name)]
    return f"{params.table} has another {' and '.join(changed)} there" if changed else None


def _meaning(params: Any, world: World) -> dict[str, Any]:
    """Return what a value means: caps of levels weigh people down, how rho is split does not."""
    plain = {k: v for k, v in params.model_dump().items() if k not in _NOT_MEANING}
    rule = TABLES[params.table].rule(world, params, world.calendar.dates[0], None)
    return {**plain, "level_caps": rule.caps} if isinstance(rule, LevelWeighting) else plain


def _dates(manifest: Mapping[str, Any], calendar: Calendar) -> tuple[MobilityDay, ...]:
    said = manifest["spec"]["dates"]
    return Calendar(
        time_zone=calendar.time_zone,
        day_starts=calendar.day_starts,
        start=dt.date.fromisoformat(said["start"]),
        days=int(said["days"]),
        overnight_starts=calendar.overnight_starts,
    ).dates


def _loss(release: Release, table: str, level: str) -> Loss:
    told = release.privacy["guarantee"]["tables"]
    entry = next(entry for entry in told if entry["table"] == table)
    levels = {one["level"]: one["rho"] for one in entry.get("levels", ())}
    return Loss(Rho(Fraction(levels.get(level, entry["rho_per_date"]))))
