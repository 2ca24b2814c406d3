"""The registry of export formats: one module of this folder, one ``EXPORT``, one name."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from pipelines.exports._export import Export


def discover(package: str, paths: Iterable[str]) -> Mapping[str, Export]:
    """Return the formats of a folder by name, sorted; names that begin with "_" are helpers.

    Raises:
        TypeError: a module has no ``EXPORT``, or one that is no ``Export``.
        ValueError: two modules declare one name.
    """
    found: dict[str, Export] = {}
    for module in sorted(info.name for info in pkgutil.iter_modules(list(paths))):
        if module.startswith("_"):
            continue
        declared = getattr(importlib.import_module(f"{package}.{module}"), "EXPORT", None)
        if not isinstance(declared, Export):
            raise TypeError(
                f"{package}.{module} must declare EXPORT = Export(...); a module that only helps "
                f"others is named _{module}"
            )
        if declared.name in found:
            raise ValueError(
                f"{package}.{module} declares the format {declared.name!r}, which another module "
                "has declared: each name once"
            )
        found[declared.name] = declared
    return MappingProxyType(dict(sorted(found.items())))


EXPORTS: Mapping[str, Export] = discover(__name__, __path__)
"""Every export format by name."""

__all__ = ["EXPORTS", "Export", "discover"]
