"""The registry of derived tables: one module of this folder, one ``TABLE``, one name."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from pipelines.schemas.derived import Derived
from pipelines.tables import TABLES


def discover(package: str, paths: Iterable[str]) -> Mapping[str, Derived]:
    """Return the derived tables of a folder by name; names that begin with "_" are helpers.

    Raises:
        TypeError: a module has no ``TABLE``, or one that is no ``Derived``.
        ValueError: two modules declare one name, or a measured table has it.
    """
    found: dict[str, Derived] = {}
    for module in sorted(info.name for info in pkgutil.iter_modules(list(paths))):
        if module.startswith("_"):
            continue
        table = getattr(importlib.import_module(f"{package}.{module}"), "TABLE", None)
        if not isinstance(table, Derived):
            raise TypeError(
                f"{package}.{module} must declare TABLE = Derived(...); a module that only helps "
                f"others is named _{module}"
            )
        if table.name in found or table.name in TABLES:
            raise ValueError(
                f"{package}.{module} declares the table {table.name!r}, which another module has "
                "declared: each name once"
            )
        found[table.name] = table
    return MappingProxyType(dict(sorted(found.items())))


DERIVED: Mapping[str, Derived] = discover(__name__, __path__)
"""Every derived table by name."""

__all__ = ["DERIVED", "discover"]
