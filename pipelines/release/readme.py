"""``README.md`` of a release folder: what it promises and how to read it, in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipelines.release.figures import rounded_up
from pipelines.release.privacy import NOT_PROMISED, attestation, unit_sentence
from pipelines.release.registry import NOISE_NAMES
from pipelines.release.status import STATUSES
from pipelines.release.thresholds import ABSENT
from pipelines.schemas.levels import LEVELS, ZONE
from pipelines.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipelines.release.books import Booking
    from pipelines.release.derived_plan import PlannedDerived
    from pipelines.release.figures import Guarantee
    from pipelines.release.frames import Shape
    from pipelines.release.model import Plan

_FILES = """\
## Files
| file | what |
|---|---|
| `tables/*.parquet`, `tables/*.csv` | the tables; both forms hold the same rows |
| `measurements/*.parquet` | the raw noisy integers that the tables are computed from, by level |
| `zones.geojson` | the zones (WGS 84) |
| `datapackage.json` | every column: type, unit, meaning |
| `privacy.json` | the guarantee as data, with the fields of OpenDP's deployments registry |
| `manifest.json` | SHA-256 of every file, the spec, and where the ledger booked it |
"""

_THRESHOLDED = (
    "| `thresholded/*.parquet`, `*.csv` | tables of which only large cells have a row |\n"
)
_LEVEL_FILES = "| `levels/*.csv` | how rows of a table at several levels share noise |\n"
_LEVELS = (
    "Tables at several levels (below, those with a column `node`) are measured at zones, parents or"
    " the city, each with noise of its own, and then made consistent by least squares: a parent is"
    " exactly the sum of its zones, here and in `totals_*`. One factor per person holds at all"
    " levels. Their rows share noise: squares of `sd` do **not** add. Add their rows up with"
    " `pipelines.aggregate` or `r/murmuration.R`, which read `levels/`, or take the sums in"
    " `totals_*`. Independent noise is in `measurements/`."
)
_OUTAGES = "| `outages.csv` | declared outages: zone, from, to |\n"
_DARK = (
    "Outages are declared (`outages.csv`), never found from the records. A cell spans its time bin"
    " or day part, or the date where the table has none; it is as dark as the darkest of its zones."
    " A tower's outage dims the zones that it serves: dark where all their towers are out, else"
    " `partial`. Its value stays as measured: leave `no_data` out of sums, and do not read it as 0."
)
_LAYER = {
    "raw": "Of a table at several levels it reads the raw measurements of the table's own cells"
    " (`measurements/`), whose noise is independent.",
    "consistent": "Of a table at several levels it reads the consistent figures of `tables/`, with"
    " their exact variance.",
}
_REPORT = "| `report.html` | a page to look at first |\n"
_GUESS = 0.01
_SWAP = (
    'Telling two lives apart ("was she there on this day or on that one") is a swap: it costs twice'
    " the rho."
)
_SOURCES = """\
## Sources
- Definition and composition: M. Bun and T. Steinke, Concentrated Differential Privacy, TCC 2016
  (arXiv 1605.02065).
- Noise and conversion to epsilon: C. Canonne, G. Kamath and T. Steinke, The Discrete Gaussian for
  Differential Privacy, NeurIPS 2020 (arXiv 2004.00010).
- Samplers and cost of each measurement: the OpenDP library.
"""


def readme_text(plan: Plan, booking: Booking, shapes: Mapping[str, Shape]) -> str:
    """Return the README as Markdown; the same bytes for the same plan and booking."""
    dates = plan.world.calendar.dates
    parts = [
        f"# {plan.spec.title}",
        (
            f"Release `{booking.release}`: {dates[0].date} to {dates[-1].date}"
            f" ({len(dates)} {'date' if len(dates) == 1 else 'dates'}),"
            f" {len(plan.world.zones)} zones."
            + (f" Issue {plan.spec.issue}: a restatement." if plan.spec.issue else "")
        ),
        *_promise(plan),
        *_reading(plan),
        *_tables(plan, shapes),
        *_derived(plan),
        _FILES
        + (_THRESHOLDED if plan.thresholded else "")
        + (_LEVEL_FILES if _levelled(plan) else "")
        + (_OUTAGES if plan.world.outages else "")
        + (_REPORT if plan.spec.release.report else ""),
        *_notes(plan),
        _SOURCES + _definitions(plan),
    ]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _promise(plan: Plan) -> Iterator[str]:
    yield "## The promise"
    yield (
        "These tables limit what anyone can learn about a person's movements *because that person's"
        " records were used*: how much likelier any outcome can be with them than without is"
        " bounded by the figures below. What is protected as one unit:"
        f" {unit_sentence(plan)[0].lower()}{unit_sentence(plan)[1:]}. {attestation(plan)}"
    )
    yield (
        "The loss is counted as rho of zero-concentrated differential privacy (smaller is safer)."
        " Epsilon is the customary figure that follows from it; it is only meaningful with its unit"
        " and its delta. The last column says it in other words: whatever an attacker would have"
        " guessed right about a person with a chance of 1%, had the records not been used, they"
        " guess right with at most that chance."
    )
    yield "\n".join(
        [
            "| span of one unit | rho | epsilon | delta | a 1% guess becomes at most |",
            "|---|---|---|---|---|",
        ]
        + [_span(one) for one in plan.guarantees() if _told(one, plan.policy.unit.window_days)]
    )
    yield "\n".join(
        ["What it does not promise:", ""]
        + [f"- {line}" for line in (*NOT_PROMISED, _attack(plan), _SWAP)]
    )


def _told(one: Guarantee, window: int | None) -> bool:
    """Of what the ledger has booked, a reader needs the policy's window and the whole series."""
    return one.basis == "rate" or one.dates in {None, window}


def _span(one: Guarantee) -> str:
    told = one.as_dict()
    words = {
        "rate": f"{one.span}, every date charged as here",
        "ledger": f"{one.span}, the worst that the ledger has booked",
    }[one.basis]
    words = "the whole series so far" if one.dates is None else words
    rho, epsilon = rounded_up(told["rho_float"], places=4), rounded_up(told["epsilon"], places=3)
    guess = f"{rounded_up(100 * one.attack(_GUESS), places=1):g}%"
    return f"| {words} | {rho:g} | {epsilon:g} | {told['delta']:g} | {guess} |"


def _attack(plan: Plan) -> str:
    series = plan.guarantees()[-1]
    return (
        "An attack may still succeed by luck or by knowing people. Over the whole series so far,"
        " one that would succeed with probability 1% without a person's records succeeds with at"
        f" most {rounded_up(100 * series.attack(_GUESS), places=1):g}% because they were used."
    )


def _reading(plan: Plan) -> Iterator[str]:
    limit = plan.spec.release.max_relative_sd
    yield "## How to read a row"
    yield (
        "`value` is a count with random noise added. It is right on average for the panel after"
        " bounding, and it may be negative: keep negative values when you add up. `sd` is the"
        " standard deviation of the noise. `lo95` and `hi95` hold the value without noise with 95%"
        " probability; they do not cover the clipping of very active people or who is missing from"
        " the panel. To add rows, add their `value` and add the squares of their `sd`: the noise of"
        " different rows is independent"
        + (", but for tables at several levels. Every key" if _levelled(plan) else ". Every key")
        + " is present in every table of `tables/`, each with a `status`:"
    )
    yield "\n".join(
        ["| status | meaning |", "|---|---|"]
        + [
            f"| `{name}` | {meaning}"
            + (f" (here: sd at most {limit:g} x value)" if name == "ok" else "")
            + " |"
            for name, meaning in STATUSES.items()
        ]
    )
    if _levelled(plan):
        yield _LEVELS
    if plan.world.outages:
        yield _DARK


def _levelled(plan: Plan) -> bool:
    return any(len(plan.levels(name)) > 1 for name in plan.tables)


def _tables(plan: Plan, shapes: Mapping[str, Shape]) -> Iterator[str]:
    yield "## Tables"
    rows = plan.rows()
    for row in (row for row in rows if row["level"] == ZONE):
        measured, shape = TABLES[row["table"]], shapes[row["table"]]
        keys = ", ".join(
            f"`{column.name}` ({column.meaning})" for column in shape.columns if column.key
        )
        kind = NOISE_NAMES[row["noise"]]
        norm = "l1" if row["noise"] == "discrete_laplace" else "l2"
        yield (
            f"### {row['table']}\n\n{measured.summary} It counts {measured.counts}.\n\n"
            f"- Keys: {keys}.\n"
            f"- {_cells(row)} Noise: {kind}, sd {row['sd']:.4g}, 95% within"
            f" {row['half_width95']:.4g}; values from {row['ok_from']:.4g} on are `ok`.\n"
            f"- One {plan.policy.unit.subject} moves {_moved(row)} by at most"
            f" {row[norm]:.4g} ({norm.upper()}), and loses rho {row['rho']:.4g} by it."
            + "".join(_level(one) for one in rows if one["table"] == row["table"])
        )


def _moved(row: Mapping[str, Any]) -> str:
    """Return what one unit moves, in words."""
    if row["reads"] == 1:
        return "the table of one date"
    return (
        f"the table, which reads all {row['reads']} dates at once (other records on some of them"
        " may move a person to another cell)"
    )


def _cells(row: Mapping[str, Any]) -> str:
    """Return which cells of a table have a row."""
    if "released_from" not in row:
        return f"Cells{'' if row['reads'] > 1 else ' a date'}: {row['cells']:,}."
    return (
        f"In `thresholded/`, not in `tables/`: of {row['cells']:,} possible cells a date only those"
        f" have a row whose noisy value is {row['released_from']:.4g} or more. {ABSENT} Do not add"
        " rows up, and do not read a missing one as 0. This costs a delta of"
        f" {row['delta']:.2g} a date. No derived table, estimate or model input is made of it."
    )


def _level(row: Mapping[str, Any]) -> str:
    """Return the line of a level above the zones, "" for the zones themselves."""
    if row["level"] == ZONE:
        return ""
    dates = "" if row["reads"] > 1 else " a date"
    return (
        f"\n- Level {row['level']} ({LEVELS[row['level']]}): {row['cells']:,} cells{dates}, sd"
        f" {row['sd']:.4g} in `totals_{row['table']}` (its own noise {row['noise_sd']:.4g}), for"
        f" rho {row['rho']:.4g}."
    )


def _derived(plan: Plan) -> Iterator[str]:
    if not plan.derived:
        return
    yield "## Derived tables"
    yield (
        "Computed from the tables above and public facts: they cost no privacy and hold no other"
        " noise. Their rows are not independent of each other: do not add their variances. A status"
        " of `unbounded` marks a ratio whose denominator cannot be told from 0. Missing values are"
        " `no_data` and `not_released`; `structural_zero` is 0."
    )
    for told in dict.fromkeys(one.declaration for one in plan.derived):
        yield (
            f"### {told.name}\n\n{told.summary}\n\n"
            + "".join(
                f"- `{one.name}` from {_read(one)}; a value counts"
                f" {told.counts(plan.facts, one.params)}.\n"
                for one in plan.derived
                if one.declaration is told
            )
            + f"- Bias: {told.bias}\n- Interval: {told.interval}"
            + (f"\n- {_LAYER[told.layer]}" if _levelled(plan) else "")
        )


def _read(one: PlannedDerived) -> str:
    return ", ".join(f"`{name}`" for name in sorted(one.declaration.needs | one.params.reads))


def _notes(plan: Plan) -> Iterator[str]:
    notes = plan.world.zones.notes
    if notes:
        yield "## Notes on the zones"
        yield "\n".join(f"- {note}" for note in notes)


def _definitions(plan: Plan) -> str:
    return "".join(
        f"- {name}: {source}\n"
        for name, source in (
            *((p.table, TABLES[p.table].source) for p in plan.spec.tables),
            *dict.fromkeys((d.declaration.name, d.declaration.source) for d in plan.derived),
        )
        if source
    )
