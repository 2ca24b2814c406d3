"""The public facts of a release: its policy, its dates and its zones. No record is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.release.outages import outages_of
from pipelines.schemas.world import World

if TYPE_CHECKING:
    from dp.ledger import Policy
    from pipelines.schemas.calendar import Calendar
    from pipelines.schemas.towers import Towers
    from pipelines.schemas.zones import ZoneSet
    from pipelines.spec import ReleaseSpec


def world_of(spec: ReleaseSpec, *, policy: Policy, zones: ZoneSet | None = None) -> World:
    """Return days and zones; the zone file or boundary is read unless ``zones`` is given.

    Raises:
        ZoneError: the zones cannot be used as declared.
        SpecError: the outages file names unknown zones, unreadable times or overlapping spans.
    """
    calendar, placed = spec.calendar(policy), zones or zones_of(spec)
    towers = towers_of(spec, calendar=calendar, zones=placed)
    outages = outages_of(
        spec.outages or (),
        calendar=calendar,
        zones=placed,
        towers=towers,
        alone=all(source.towers is not None for source in spec.declared),
    )
    return World(
        calendar=calendar,
        zones=placed,
        strata=spec.strata,
        towers=towers,
        outages=outages,
    )


def towers_of(spec: ReleaseSpec, *, calendar: Calendar, zones: ZoneSet) -> tuple[Towers, ...]:
    """Return the towers of each source that has some.

    Raises:
        ZoneError: a tower table cannot be used as declared.
    """
    from pipelines.zones.towers import load_towers

    return tuple(
        load_towers(
            said.towers.table,
            source=source.label,
            assign=said.assign or "containing",
            zones=zones,
            calendar=calendar,
        )
        for said, source in zip(spec.declared, spec.sources, strict=True)
        if said.towers is not None
    )


def zones_of(spec: ReleaseSpec) -> ZoneSet:
    """Return the zones that a spec declares: a polygon file, a grid or hexagons.

    Raises:
        ZoneError: the zones cannot be used as declared.
    """
    said = spec.zones
    if said.grid is not None:
        from pipelines.zones import grid_zones

        return grid_zones(said.grid.boundary, cell_m=said.grid.cell_m, sensitive=said.sensitive)
    if said.h3 is not None:
        from pipelines.zones import h3_zones

        return h3_zones(said.h3.boundary, resolution=said.h3.resolution, sensitive=said.sensitive)
    from pipelines.zones import load_zones

    assert said.file is not None, "a spec without grid and h3 has a file"
    assert said.id is not None, "a zone file comes with its id column"
    return load_zones(
        said.file,
        id=said.id,
        name=said.name,
        parent=said.parent,
        population=said.population,
        sensitive=said.sensitive,
    )
