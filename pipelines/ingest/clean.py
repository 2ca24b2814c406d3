"""One source as clean records: one SELECT over its raw rows, every row kept and judged.

Raw rows come under fixed names (``raw_name``), so that nothing a user wrote stands in these
statements. Each layer is a subquery of the next.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pipelines.ingest import places
from pipelines.ingest.check import DROP, CheckedSource
from pipelines.ingest.clock import MARGIN_S, Period, clipped, date_number, second_of_date
from pipelines.ingest.lines import MALFORMED
from pipelines.ingest.people import EXCLUDED, ID_MAP, Ids, same_ids
from pipelines.ingest.quoting import literal
from pipelines.ingest.reasons import Reason
from pipelines.ingest.strata import STRATA
from pipelines.ingest.times import TimeColumn
from pipelines.ingest.towers import lot_sql, towers_relation
from pipelines.schemas.calendar import Calendar
from pipelines.schemas.strata import Stratum, unknown_code

_BASE_S = 2 * MARGIN_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What all sources of a job share while they are read.

    Attributes:
        calendar: The dates of the release.
        ids: Whether ids are compared as integers or as text.
        mapped: Whether the relation ``ID_MAP`` exists.
        excluding: Whether the relation ``EXCLUDED`` exists.
        declared: Whether any source is of visits, so that records have ends.
        strata: Classes of persons; with any, the relation ``STRATA`` exists and records carry their
            person's combination.
        split: Labels of the sources of which a tower stands for several zones.
        secret: The ledger's, for the lots that such towers need.
        categories: Place categories that records carry as numbers; none: no record carries any.
    """

    calendar: Calendar
    ids: Ids
    mapped: bool
    excluding: bool
    declared: bool
    categories: tuple[str, ...] = ()
    strata: tuple[Stratum, ...] = ()
    split: frozenset[str] = frozenset()
    secret: bytes = field(default=b"", repr=False)

    @property
    def extra(self) -> tuple[str, ...]:
        """Names of the columns that every record of this job carries besides the usual ones."""
        return (
            *(("category",) if self.categories else ()),
            *(("stratum",) if self.strata else ()),
        )

    @property
    def period(self) -> Period:
        """The span of all dates."""
        return Period.of(self.calendar)


def raw_name(role: str) -> str:
    """Return the name under which a role's column stands in a source's raw relation."""
    return f"raw_{role}"


def clean_sql(checked: CheckedSource, reading: Reading, *, raw: str) -> str:
    """Return a SELECT with one row for each row of the relation ``raw``.

    Columns: ``person`` (BIGINT or VARCHAR), ``d`` and ``t`` (INTEGER), with ``declared`` also
    ``d_end``, ``t_end`` (INTEGER: the last date that the record touches and where it ends there)
    and ``declared`` (BOOLEAN); ``lat_e7``, ``lon_e7`` (INTEGER); ``zone`` (INTEGER) if the source
    has zone ids; those in ``Reading.extra`` (INTEGER); ``reason`` (INTEGER): 0 for a good row, or
    else a ``Reason``. What else a row with a reason holds means nothing.

    Args:
        checked: The source.
        reading: What all sources share.
        raw: Name of the relation with the source's mapped columns under ``raw_name``.
    """
    layers = (_held, _timed, _owned, _judged, _dated)
    statement = _read(checked, reading, raw)
    for layer in layers:
        statement = layer(checked, reading, f"({statement}) AS r")
    return statement


def _times(checked: CheckedSource) -> dict[str, TimeColumn]:
    """Return the time columns by the short names of their values: a (start) and z (end)."""
    roles = {"a": "time", "z": "end"}
    return {
        short: TimeColumn.of(checked.source, checked.columns[role], name=raw_name(role))
        for short, role in roles.items()
        if role in checked.columns
    }


def _read(checked: CheckedSource, reading: Reading, raw: str) -> str:
    """Ids, ticks and degrees."""
    columns = [f"{same_ids(raw_name('person'), checked.columns['person'].kind, reading.ids)} AS id"]
    for short, time in _times(checked).items():
        role = "time" if short == "a" else "end"
        name = raw_name(role)
        there = f"NULLIF({name}, '')" if checked.columns[role].kind.text else name
        columns += [f"{there} IS NULL AS {short}_missing", f"{time.ticks} AS {short}_ticks"]
        columns += [f"{time.offset} AS {short}_offset"] if time.offset else []
    if "zone" in checked.columns:
        columns.append(f"CAST({raw_name('zone')} AS VARCHAR) AS zone_id")
    if checked.source.drop:
        columns.append(f"{_dropped(checked)} AS dropped")
    if reading.categories:
        columns.append(f"{_category(checked, reading.categories)} AS category")
    for role in ("lat", "lon"):
        if role in checked.columns:
            text = checked.columns[role].kind.text
            columns.append(f"{places.degrees(raw_name(role), text=text)} AS {role}")
    if not checked.table.layout.typed:
        columns.append(f"{MALFORMED} AS malformed")
    return _select(columns, raw)


def _dropped(checked: CheckedSource) -> str:
    """Return SQL: whether a rule of the source leaves the record out; never NULL.

    Each record is judged by itself. To drop a person for a record of another date would let that
    date reach this one; a column that is the same for all of an id's records drops the id whole.
    """
    tests = []
    for i, drop in enumerate(checked.source.drop):
        text = f"CAST({raw_name(f'{DROP}{i}')} AS VARCHAR)"
        tests += [f"SUBSTR({text}, 1, {len(p)}) = {literal(p)}" for p in drop.prefixes]
    return f"COALESCE({' OR '.join(f'COALESCE({test}, FALSE)' for test in tests)}, FALSE)"


def _category(checked: CheckedSource, listed: tuple[str, ...]) -> str:
    """Return SQL for a category's number: that after the last for others, -1 for none."""
    if "category" not in checked.columns:
        return "-1"
    said = f"CAST({raw_name('category')} AS VARCHAR)"
    cases = "".join(f"WHEN {said} = {literal(name)} THEN {i} " for i, name in enumerate(listed))
    return f"CASE WHEN COALESCE({said}, '') = '' THEN -1 {cases}ELSE {len(listed)} END"


def _held(checked: CheckedSource, reading: Reading, rows: str) -> str:
    """Ticks held to the period's surroundings: no sum below can overflow."""
    columns = ["*"]
    for short, time in _times(checked).items():
        held = clipped(f"{short}_ticks", reading.period, scale=time.scale)
        columns.append(f"{held} AS {short}_held")
    return _select(columns, rows)


def _timed(checked: CheckedSource, reading: Reading, rows: str) -> str:
    """Whole seconds since the period's start, rounded down."""
    columns = ["*"]
    for short, time in _times(checked).items():
        moment = time.instant(f"{short}_held", f"{short}_offset", reading.period)
        # From a base far enough back, so that nothing negative is divided.
        base = (reading.period.start_s - _BASE_S) * time.scale
        whole = f"({moment} - {base}) // {time.scale} - {_BASE_S}"
        columns.append(f"CAST({whole} AS INTEGER) AS {short}_s")
    return _select(columns, rows)


def _owned(checked: CheckedSource, reading: Reading, rows: str) -> str:
    """The mapped person, whether excluded, and the zone of a zone id."""
    person = "COALESCE(m.person, r.id)" if reading.mapped else "r.id"
    columns = ["r.*", f"{person} AS person"]
    if reading.mapped:
        rows += f" LEFT JOIN {ID_MAP} AS m ON r.id = m.id"
    if reading.excluding:
        columns.append("x.person IS NOT NULL AS excluded")
        rows += f" LEFT JOIN {EXCLUDED} AS x ON {person} = x.person"
    if reading.strata:
        columns.append(f"COALESCE(q.stratum, {unknown_code(reading.strata)}) AS stratum")
        rows += f" LEFT JOIN {STRATA} AS q ON {person} = q.person"
    if "zone" in checked.columns:
        columns.append("p.zone, p.lat_e7, p.lon_e7")
        rows += _place_join(checked, reading, person)
    return _select(columns, rows)


def _place_join(checked: CheckedSource, reading: Reading, person: str) -> str:
    """Return the join that gives a zone id's or a tower's place: at most one row of it."""
    if not checked.towers:
        return f" LEFT JOIN {places.ZONE_PLACES} AS p ON r.zone_id = p.id"
    held = "r.zone_id = p.id AND r.a_s >= p.from_s AND r.a_s < p.to_s"
    if checked.source.label in reading.split:
        lot = lot_sql(person, "r.zone_id", reading.secret)
        held += f" AND {lot} >= p.low AND {lot} < p.high"
    return f" LEFT JOIN {towers_relation(checked.number)} AS p ON {held}"


def _judged(checked: CheckedSource, reading: Reading, rows: str) -> str:
    """The reason to set a row aside, 0 for none, and the end in seconds."""
    length = reading.period.length_s
    times = _times(checked)
    tests = [("malformed", Reason.LINE_MALFORMED)] if not checked.table.layout.typed else []
    tests += [("person IS NULL", Reason.PERSON_MISSING)]
    tests += [("excluded", Reason.PERSON_EXCLUDED)] if reading.excluding else []
    tests += [("dropped", Reason.PREFIX_DROPPED)] if checked.source.drop else []
    tests += [("a_missing", Reason.TIME_MISSING)]
    for short, time in times.items():
        there = "" if short == "a" else f"NOT {short}_missing AND "
        no_zone = time.naive and time.zone is None
        lost = Reason.TIME_WITHOUT_ZONE if no_zone else Reason.TIME_SKIPPED_BY_CLOCK_CHANGE
        tests += [(f"{there}{short}_ticks IS NULL", Reason.TIME_UNREADABLE)]
        tests += [(f"{there}{short}_s IS NULL", lost)]
    begun, end = "a_s >= 0", "a_s"
    if "z" in times:
        end = "CASE WHEN z_missing THEN a_s ELSE z_s END"
        tests += [("z_s < a_s", Reason.END_BEFORE_START)]
        begun = "(a_s >= 0 OR COALESCE(z_s, a_s) > 0)"
    tests += [(f"NOT ({begun} AND a_s < {length})", Reason.OUTSIDE_PERIOD)]
    if "zone" in checked.columns:
        missing = Reason.TOWER_UNKNOWN if checked.towers else Reason.ZONE_UNKNOWN
        tests += [("zone IS NULL", missing)]
    else:
        tests += [(f"NOT {places.possible('lat', 'lon')}", Reason.PLACE_IMPOSSIBLE)]
    cases = " ".join(f"WHEN {test} THEN {int(reason)}" for test, reason in tests)
    return _select(["*", f"{end} AS end_s", f"CASE {cases} ELSE 0 END AS reason"], rows)


def _dated(checked: CheckedSource, reading: Reading, rows: str) -> str:
    """Numbers of dates, seconds of dates, whole-number places."""
    calendar, length = reading.calendar, reading.period.length_s
    visits = checked.source.kind == "visits"
    start = "GREATEST(a_s, 0)" if visits else "a_s"
    columns = ["person", *_spot(start, calendar, names=("d", "t"))]
    if reading.declared:
        # The last second that the record holds: an end at a day's start belongs to the day before.
        held = f"LEAST(end_s, {length})" if visits else "end_s"
        last = f"GREATEST({held} - 1, {start})"
        d_end, t_last = _spot(last, calendar, names=("d_end", ""))
        columns += [d_end, f"{t_last} + CASE WHEN {held} > {start} THEN 1 ELSE 0 END AS t_end"]
        columns += [f"{'TRUE' if visits else 'FALSE'} AS declared"]
    if "zone" in checked.columns:
        columns += ["lat_e7", "lon_e7", "zone"]
    else:
        columns += [
            f"CASE WHEN reason = 0 THEN {places.e7(c)} END AS {c}_e7" for c in ("lat", "lon")
        ]
    return _select([*columns, *reading.extra, "reason"], rows)


def _spot(second: str, calendar: Calendar, *, names: tuple[str, str]) -> tuple[str, str]:
    """Return SQL for date and second; of a row with a reason they mean nothing, and cannot fail."""
    values = (date_number(second, calendar), second_of_date(second, calendar))
    date, time = (
        f"{value}{f' AS {name}' if name else ''}" for value, name in zip(values, names, strict=True)
    )
    return date, time


def _select(columns: list[str], rows: str) -> str:
    return f"SELECT {', '.join(columns)} FROM {rows}"
