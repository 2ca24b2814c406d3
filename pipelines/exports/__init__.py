"""The registry of export formats: one module of this folder, one ``EXPORT``, one name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pipelines.exports._export import Export
from pipelines.registry import declarations


def discover(package: str, paths: Iterable[str]) -> Mapping[str, Export]:
    """Return the formats of a folder by name, sorted; names that begin with "_" are helpers.

    Raises:
        TypeError: a module has no ``EXPORT``, or one that is no ``Export``.
        ValueError: two modules declare one name.
    """
    return declarations(package, paths, kind=Export, attribute="EXPORT")


EXPORTS: Mapping[str, Export] = discover(__name__, __path__)
"""Every export format by name."""

__all__ = ["EXPORTS", "Export", "discover"]
