"""The registry of derived tables: one module of this folder, one ``TABLE``, one name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pipelines.registry import declarations
from pipelines.schemas.derived import Derived
from pipelines.tables import TABLES


def discover(package: str, paths: Iterable[str]) -> Mapping[str, Derived]:
    """Return the derived tables of a folder by name; names that begin with "_" are helpers.

    Raises:
        TypeError: a module has no ``TABLE``, or one that is no ``Derived``.
        ValueError: two modules declare one name, or a measured table has it.
    """
    return declarations(package, paths, kind=Derived, attribute="TABLE", taken=TABLES)


DERIVED: Mapping[str, Derived] = discover(__name__, __path__)
"""Every derived table by name."""

__all__ = ["DERIVED", "discover"]
