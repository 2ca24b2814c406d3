"""Which derived tables a release has: those that the spec asks for, and those that need no asking.

Planned from public facts; a table that cannot be made is refused here, with what to add.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.derived import DERIVED
from pipelines.errors import SpecError
from pipelines.release.earlier import Earlier
from pipelines.schemas.calendar import HOUR_S
from pipelines.schemas.derived import Derived, DerivedParams, Facts, OfParams
from pipelines.tables import TABLES

if TYPE_CHECKING:
    from pipelines.schemas.world import World
    from pipelines.spec import ReleaseSpec

MAX_UNASKED_ROWS = 250_000
"""Rows of one date from which a derived table is only made when the spec asks for it."""


@dataclass(frozen=True, slots=True)
class PlannedDerived:
    """One derived table of a release.

    Attributes:
        declaration: What it is.
        params: Its entry in the spec, or the one that it gets unasked.
    """

    declaration: Derived
    params: DerivedParams

    @property
    def name(self) -> str:
        """Name of its files."""
        return self.params.output


def public_facts(spec: ReleaseSpec, *, world: World, earlier: Earlier) -> Facts:
    """Return the public facts that derived tables may depend on."""
    return Facts(
        world=world,
        tables={params.table: params for params in spec.tables if not params.thresholded},
        thresholded=frozenset(params.table for params in spec.tables if params.thresholded),
        max_relative_sd=spec.release.max_relative_sd,
        spans=frozenset(p.table for p in spec.tables if TABLES[p.table].spans),
        epochs=tuple(sorted(spec.history.epochs)),
        earlier=earlier.days,
        barred=earlier.barred,
        outages=(*world.outages, *earlier.outages),
    )


def derived_of(spec: ReleaseSpec, facts: Facts) -> tuple[PlannedDerived, ...]:
    """Return the derived tables in the order in which they are written: by name.

    Raises:
        SpecError: with one line for each entry of the spec that cannot be made.
    """
    found: dict[str, PlannedDerived] = {}
    faults: list[str] = []
    for i, params in enumerate(spec.derived):
        wrong = _faults(DERIVED[params.table], params, facts)
        if params.output in found:
            wrong = ["the same table is asked for twice. Remove one of the two entries."]
        faults += [f"{spec.path}, derived[{i}] ({params.table}): {fault}" for fault in wrong]
        found.setdefault(params.output, PlannedDerived(DERIVED[params.table], params))
    if faults:
        raise SpecError("\n".join(faults))
    if spec.release.derived:
        for one in _unasked(facts):
            found.setdefault(one.name, one)
    return tuple(found[name] for name in sorted(found))


def _unasked(facts: Facts) -> Iterator[PlannedDerived]:
    for declaration in DERIVED.values():
        if not declaration.automatic:
            continue
        if issubclass(declaration.params, OfParams):
            entries: list[Mapping[str, str]] = [{"of": name} for name in facts.tables]
        else:
            entries = [{}]
        for entry in entries:
            params = declaration.params.model_validate({"table": declaration.name, **entry})
            if not _faults(declaration, params, facts) and _small(declaration, params, facts):
                yield PlannedDerived(declaration, params)


def _small(declaration: Derived, params: DerivedParams, facts: Facts) -> bool:
    """Return whether a table is small enough to be made without being asked for."""
    day = facts.world.calendar.dates[0]
    rows = math.prod(
        len(key.labels) or day.bins(key.bin_s or HOUR_S)
        for key in declaration.columns(facts, params)
    )
    return rows <= MAX_UNASKED_ROWS


def _faults(declaration: Derived, params: DerivedParams, facts: Facts) -> list[str]:
    needs = declaration.needs | params.reads
    missing = sorted(needs - set(facts.tables))
    unknown = [name for name in missing if name not in TABLES]
    if unknown:
        return [
            f"{unknown[0]} is no measured table. Write one of {', '.join(facts.tables)}."
            if unknown[0] in params.reads
            else f"it needs {unknown[0]}, which this version does not measure. Remove the entry."
        ]
    few = [name for name in missing if name in facts.thresholded]
    if few:
        why = f'it needs every key of {few[0]}, of which keys = "threshold" publishes large cells'
        return [f'{why} alone. Write keys = "all" there, over coarser zones, or remove the entry.']
    if missing:
        added = ", ".join(f'table = "{name}"' for name in missing)
        return [f"it needs {' and '.join(missing)}. Add [[tables]] with {added}."]
    return declaration.check(facts, params)
