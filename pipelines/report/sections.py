"""The words of the page: the promise, what is not promised, how precise the numbers are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from dp.law import NoiseLaw
from pipelines.release.figures import rounded_up
from pipelines.release.read import Release
from pipelines.release.status import STATUSES
from pipelines.release.thresholds import ABSENT
from pipelines.report.folded import Z95, fold
from pipelines.report.html import element, figure, items, table
from pipelines.schemas.levels import LEVELS, ZONE

_CHANCE = 0.01
_GLOSSARY = {
    "value": "A count with random noise added. Right on average for the panel; it may be negative,"
    " and negative values belong in every sum.",
    "sd": "Standard deviation of the noise alone. The noise of different rows is independent: to"
    " add rows, add their values and the squares of their sd. Not so in tables at several levels"
    " (zones, parents, city), which are consistent and share noise: take their sums from totals_"
    " tables, or add their rows with aggregate.",
    "95% interval": "Holds the number without noise with 95% probability. It does not cover the"
    " clipping of very active people, nor who is missing from the panel. For sums and means it is"
    " 1.96 sd on each side.",
    "panel": "The people whose phones are in the data. Not the population: nothing on this page is"
    " scaled up.",
    "overnight zone": "Where a person spent most of the known time between 20:00 and the end of"
    " the date. Not a home address.",
    "presence": "How many people are in a zone at the middle of a time bin, as far as it is known:"
    " where phones are silent, as at night and around the start of a date, a person counts nowhere"
    " and presence falls. Compare it with the panel or with the same hour of other dates.",
    "trip": "Two stays in a row in different zones, counted at the departure's date.",
    "epsilon, delta, rho": "Measures of what one person can lose; smaller is safer. They mean"
    " nothing without their unit: per person per how many dates.",
}


@dataclass(frozen=True, slots=True)
class Precision:
    """How many numbers a table publishes and how precise they are. All of it is public.

    Attributes:
        table, summary, counts: From the table's declaration.
        cells: Published rows.
        half: Half-width of a row's 95% interval.
        sound: Share of rows with the status ``ok`` among those that carry noise.
    """

    table: str
    summary: str
    counts: str
    cells: int
    half: float
    sound: float


def precisions_of(folder: Path, facts: Mapping[str, Any]) -> list[Precision]:
    """Return the precision of one table and of each level above its cells."""
    own = precision_of(folder, facts)
    path = folder / "tables" / f"totals_{facts['table']}.parquet"
    levels = [one for one in facts.get("levels", ()) if one["level"] != ZONE]
    if not levels or not path.is_file():
        return [own]
    counted = fold(path, ("level", "status"))
    rows = {
        (level, status): int(counted.rows[i, j])
        for i, level in enumerate(counted.labels[0])
        for j, status in enumerate(counted.labels[1])
    }
    return [own, *(_at_level(own, one, rows) for one in levels)]


def _at_level(
    own: Precision, told: Mapping[str, Any], rows: Mapping[tuple[str, str], int]
) -> Precision:
    level = str(told["level"])
    sound, noisy = (
        sum(n for (name, status), n in rows.items() if name == level and status in among)
        for among in (("ok",), ("ok", "low_precision"))
    )
    return replace(
        own,
        table=f"totals_{own.table}",
        summary=f"The same at the level {level}: {LEVELS[level]}.",
        cells=sum(n for (name, _), n in rows.items() if name == level),
        half=Z95 * float(told["consistent_sd"]),
        sound=sound / noisy if noisy else 0.0,
    )


def precision_of(folder: Path, facts: Mapping[str, Any]) -> Precision:
    """Return the precision of one table; ``facts`` is its entry in ``privacy.json``."""
    path = folder / "tables" / f"{facts['table']}.parquet"
    by_status = fold(path, ("status",))
    rows = dict(zip(by_status.labels[0], by_status.rows.tolist(), strict=True))
    law = NoiseLaw(facts["mechanism"], float(facts["scale"]), int(facts["factor"]))
    noisy = rows.get("ok", 0) + rows.get("low_precision", 0)
    return Precision(
        table=facts["table"],
        summary=facts["summary"],
        counts=facts["counts"],
        cells=pq.ParquetFile(path).metadata.num_rows,
        half=Z95 * float(facts["sd"]) if facts.get("levels") else law.half_width(0.95),
        sound=rows.get("ok", 0) / noisy if noisy else 0.0,
    )


def promise(guarantee: Mapping[str, Any]) -> str:
    """Return the promise in plain words, with every epsilon beside its unit."""
    subject = str(guarantee["subject"])
    return "".join(
        [
            element(
                "p",
                "With or without the records of any one "
                f"{subject}, nearly the same numbers come out. So they limit what anyone can learn"
                f" about a {subject}'s movements because those records were used.",
            ),
            element("p", f"Protected as one unit: {_lower(guarantee['unit_details'])}"),
            element("p", str(guarantee["attestation"])),
        ]
    )


def losses(guarantee: Mapping[str, Any]) -> str:
    """Return what the unit can lose per 1, 7, 30 and 365 dates and so far, each with its unit."""
    subject, spans = str(guarantee["subject"]), list(guarantee["spans"])
    rated = {span["dates"]: span for span in spans if span["basis"] == "rate"}
    booked = {span["dates"]: span for span in spans if span["basis"] == "ledger"}
    rows = [
        (
            "the series so far"
            if dates is None
            else str((rated.get(dates) or booked[dates])["span"]),
            _loss(rated.get(dates), subject),
            _guess(rated.get(dates)),
            _loss(booked.get(dates), subject),
            _guess(booked.get(dates)),
        )
        for dates in dict.fromkeys([*rated, *booked])
    ]
    deltas = " or ".join(sorted({f"{float(span['delta']):.0e}" for span in spans})).replace(
        "e-0", "e-"
    )
    head = (
        "span",
        "epsilon, if every date is charged as here",
        "a 1% guess becomes",
        "epsilon, worst span booked so far",
        "a 1% guess becomes",
    )
    caption = f"What one {subject} can lose, at most; epsilon at delta {deltas}"
    note = (
        "A 1% guess: an attack that would be right 1% of the time without those records is right at"
        " most this often because they were used. Telling two lives apart (was she there on this"
        " day or on that one) is a swap: it costs twice the rho."
    )
    return table(head, rows, caption=caption, stacks=True) + element("p", note, class_="note")


def not_promised(guarantee: Mapping[str, Any]) -> str:
    """Return what the promise leaves out."""
    return items(str(line) for line in guarantee["not_promised"])


def precision(rows: Sequence[Precision]) -> str:
    """Return how many numbers each table has and how precise one of them is."""
    return table(
        ("table", "one number counts", "numbers", "95% noise of one number", "precise alone"),
        [
            (
                f"{row.table}: {_lower(row.summary)}",
                row.counts,
                f"{row.cells:,}",
                f"\N{PLUS-MINUS SIGN}{figure(row.half)}",
                _share(row.sound),
            )
            for row in rows
        ],
        caption="One row a table of the release",
        stacks=True,
    )


def statuses(limit: float) -> str:
    """Return the legend of statuses."""
    said = {
        name: f"{meaning} (here: sd at most {limit:g} of the value)" if name == "ok" else meaning
        for name, meaning in STATUSES.items()
    }
    return _terms(said.items())


def glossary() -> str:
    """Return the glossary."""
    return _terms(_GLOSSARY.items())


def thresholded(told: Iterable[Mapping[str, Any]]) -> str:
    """Return what to know of each table of which only large cells have a row."""
    return "".join(
        element(
            "p",
            f"{one['table']} is in thresholded/ and not on this page: only cells of"
            f" {one['released_from']:,.4g} {one['counts']} or more have a row. {ABSENT}",
        )
        for one in told
    )


def files(folder: Path, release: Release) -> str:
    """Return links to the files beside the page."""
    known = {
        "README.md": "the promise and how to read the tables",
        "privacy.json": "the guarantee as data",
        "datapackage.json": "every column: type, unit, meaning",
        "manifest.json": "hashes of all files, the spec, the ledger entry",
        "zones.geojson": "the zones",
    }
    for name in release:
        stem = f"{release.place(name)}/{name}"
        known[f"{stem}.csv"] = f"{name}, as text"
        known[f"{stem}.parquet"] = f"{name}, the same rows"
    lines = [
        f"<li>{element('a', name, href=name)} {element('span', said)}</li>"
        for name, said in known.items()
        if (folder / name).is_file()
    ]
    return f'<ul class="files">{"".join(lines)}</ul>'


def headline(guarantee: Mapping[str, Any]) -> tuple[str, str]:
    """Return the epsilon of the policy's window at this release's rate, and its unit."""
    window = guarantee["window_days"]
    spans = list(guarantee["spans"])
    rated = [s for s in spans if s["basis"] == "rate" and s["dates"] == window]
    chosen = rated[0] if rated else spans[-1]
    return f"\N{GREEK SMALL LETTER EPSILON} {_epsilon(chosen)}", _unit(chosen, guarantee["subject"])


def _loss(span: Mapping[str, Any] | None, subject: str) -> str:
    if span is None:
        return ""
    return f"{_epsilon(span)} {_unit(span, subject)} (rho {_rho(span):g})"


def _rho(span: Mapping[str, Any]) -> float:
    return rounded_up(float(span["rho_float"]), places=4)


def _guess(span: Mapping[str, Any] | None) -> str:
    found = [one for one in span["attack_bound"] if one["p_out"] == _CHANCE] if span else []
    return f"{100 * rounded_up(found[0]['p_in_at_most'], places=3):g}%" if found else ""


def _unit(span: Mapping[str, Any], subject: str) -> str:
    return f"per {subject} per {'whole series' if span['dates'] is None else span['span']}"


def _epsilon(span: Mapping[str, Any]) -> str:
    return f"{rounded_up(float(span['epsilon']), places=3):g}"


def _share(part: float) -> str:
    text = f"{part:.0%}"
    return {"0%": "under 1%", "100%": "over 99%"}.get(text, text) if 0 < part < 1 else text


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _terms(pairs: Iterable[tuple[str, str]]) -> str:
    rows = "".join(f"<div>{element('dt', t)}{element('dd', said)}</div>" for t, said in pairs)
    return f"<dl>{rows}</dl>"
