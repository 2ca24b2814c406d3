"""A loaded release spec: every path resolved, every value checked."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import unicodedata
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.engines.contract import Resources
from pipelines.estimates.weights import WeightRow, weights_text
from pipelines.ingest.source import Source
from pipelines.schemas.calendar import Calendar
from pipelines.schemas.derived import DerivedParams
from pipelines.schemas.measured import TableParams
from pipelines.schemas.outages import DeclaredOutage
from pipelines.schemas.strata import Stratum
from pipelines.schemas.traces import TraceParams
from pipelines.spec.estimates import EstimatesSection, LayersSection
from pipelines.spec.history import HistorySection
from pipelines.spec.records import SourceSection
from pipelines.spec.sections import (
    DatesSection,
    PeopleSection,
    ReleaseSection,
    SeriesSection,
    ZonesSection,
)

if TYPE_CHECKING:
    from dp.ledger import Policy

_SLUG_LETTERS = 40


@dataclass(frozen=True, kw_only=True)
class ReleaseSpec:
    """What one release is, as its spec says.

    Attributes:
        path: The spec file.
        title: Public words.
        dates: First date and number of dates.
        issue: Number of the restatement, 0 at first.
        series: Ledger path, policy path, rho per date, restated policy fields.
        zones: Where the public zones come from.
        sources: Declared sources, paths resolved.
        outages: Rows of the outages file as written; None where none is declared.
        people: Paths of the id map and the exclusions.
        traces: Parameters of positions, stays and trips.
        tables: One entry per measured table, each of its declaration's params model.
        derived: The same for derived tables that the spec asks for.
        history: Earlier releases and declared epochs.
        estimates: Where the weights of population estimates come from; None where none are made.
        weight_rows: The rows of the weights file; none where there is no file.
        layers: What is made unasked beside the tables.
        release: Folders, precision limit, report.
        engine_name: Which engine.
        engine: What it may use.
    """

    path: Path
    title: str
    dates: DatesSection
    issue: int
    series: SeriesSection
    zones: ZonesSection
    sources: tuple[Source, ...]
    people: PeopleSection
    traces: TraceParams
    tables: tuple[TableParams, ...]
    derived: tuple[DerivedParams, ...]
    history: HistorySection
    estimates: EstimatesSection | None
    weight_rows: tuple[WeightRow, ...]
    layers: LayersSection
    release: ReleaseSection
    engine_name: str
    engine: Resources
    declared: tuple[SourceSection, ...] = field(repr=False)
    outages: tuple[DeclaredOutage, ...] | None = None

    @property
    def base(self) -> Path:
        """The spec's folder: relative paths start here."""
        return self.path.parent

    @property
    def id_map(self) -> Path | None:
        """File of raw ids and persons, or None."""
        return self.people.id_map

    @property
    def exclusions(self) -> Path | None:
        """File of ids whose persons are dropped, or None."""
        return self.people.exclusions

    @property
    def strata(self) -> tuple[Stratum, ...]:
        """Declared classes of persons, in the spec's order."""
        return self.people.strata.strata if self.people.strata else ()

    @cached_property
    def slug(self) -> str:
        """The title as a short name for folders: ASCII letters, digits and hyphens.

        >>> slug("Daily mobility, Zürich")
        'daily-mobility-zurich'
        """
        return slug(self.title)

    def calendar(self, policy: Policy) -> Calendar:
        """Return the release's dates under the policy's time zone and day start."""
        return Calendar(
            time_zone=policy.time_zone,
            day_starts=dt.time.fromisoformat(policy.day_starts),
            start=self.dates.start,
            days=self.dates.days,
        )

    def public(self) -> dict[str, Any]:
        """Return everything that may be published: no path, nothing about the machine.

        Policy fields are the ledger's and stand in the manifest; restating them changes nothing.
        """
        return {
            "title": self.title,
            "dates": {"start": self.dates.start.isoformat(), "days": self.dates.days},
            "issue": self.issue,
            "rho_per_date": _plain(self.series.rho_per_date),
            "zones": _plain(self.zones),
            "sources": [_plain(source) for source in self.declared],
            "people": {
                "id_map": self.id_map is not None,
                "exclusions": self.exclusions is not None,
                **(
                    {"strata": {s.name: list(s.values) for s in self.strata}} if self.strata else {}
                ),
            },
            **({} if self.outages is None else {"outages": True}),
            "traces": _plain(self.traces),
            "tables": [_plain(params) for params in self.tables],
            "derived": [_plain(params) for params in self.derived],
            "history": _plain(self.history),
            "estimates": self._weights(),
            "layers": _plain(self.layers),
            "release": _plain(self.release),
        }

    def _weights(self) -> dict[str, str] | None:
        """Return what the weights are: other weights give another folder, at no cost."""
        if self.estimates is None:
            return None
        if not self.weight_rows:
            return {"weights": str(self.estimates.weights)}
        text = weights_text(self.weight_rows)
        return {"weights": "file", "sha256": hashlib.sha256(text.encode()).hexdigest()}

    @cached_property
    def digest(self) -> str:
        """A hash of ``public()``: equal specs, wherever their files lie, have equal digests."""
        text = json.dumps(self.public(), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def slug(title: str) -> str:
    """Return a title as ASCII letters, digits and hyphens; "release" when nothing is left.

    >>> slug("부천 유동인구"), slug("Daily mobility, Zürich")
    ('release', 'daily-mobility-zurich')
    """
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain)[:_SLUG_LETTERS].strip("-")
    return words or "release"


def _plain(value: Any) -> Any:
    """Return a model as JSON values: fractions as text, without paths and what was left out."""
    if hasattr(value, "model_dump"):
        value = value.model_dump()
    if isinstance(value, dict):
        kept = {k: v for k, v in value.items() if v is not None and not isinstance(v, Path)}
        return {key: _plain(item) for key, item in kept.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value if not isinstance(item, Path)]
    if isinstance(value, Fraction):
        return str(value)
    return value.isoformat() if isinstance(value, dt.date | dt.time) else value
