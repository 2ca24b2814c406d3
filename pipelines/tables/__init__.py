"""The registry of measured tables: one module of this folder, one ``TABLE``, one name.

What one person can add to each is proven in ``bounds.md``; a table that is new has a line there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from dp.tables import Sensitive
from pipelines.registry import declarations
from pipelines.schemas.measured import Measured, TableParams
from pipelines.schemas.world import World
from pipelines.tables._levels import levelled
from pipelines.tables._strata import RELATION, stratified


def discover(package: str, paths: Iterable[str]) -> Mapping[str, Measured]:
    """Return the tables of a folder by name, sorted; names that begin with "_" are helpers.

    Raises:
        TypeError: a module has no ``TABLE``, or one that is no ``Measured``.
        ValueError: two modules declare one name.
    """
    found = declarations(package, paths, kind=Measured, attribute="TABLE")
    return MappingProxyType({name: levelled(stratified(table)) for name, table in found.items()})


TABLES: Mapping[str, Measured] = discover(__name__, __path__)
"""Every measured table by name."""


def needed(params: TableParams) -> frozenset[str]:
    """Return the relations that a table's statement reads under these parameters."""
    return TABLES[params.table].needs | ({RELATION} if params.strata else set())


def sensitive(measured: Measured, world: World, params: Any) -> Sensitive:
    """Return a table's contributions as a statement: the same for all dates.

    Args:
        measured: The table.
        world: Public days and zones.
        params: An instance of ``measured.params``.
    """
    return Sensitive(
        table=measured.name,
        statement=measured.statement(world, params),
        aggregated=measured.aggregated,
        once=measured.once,
        stretched=measured.stretched,
    )


__all__ = ["TABLES", "discover", "needed", "sensitive"]
