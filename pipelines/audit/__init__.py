"""The registry of audits: one module of this folder, one ``AUDIT``, one name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pipelines.audit._audit import Audit
from pipelines.registry import declarations


def discover(package: str, paths: Iterable[str]) -> Mapping[str, Audit]:
    """Return the audits of a folder by name, sorted; names that begin with "_" are helpers.

    Raises:
        TypeError: a module has no ``AUDIT``, or one that is no ``Audit``.
        ValueError: two modules declare one name.
    """
    return declarations(package, paths, kind=Audit, attribute="AUDIT")


def audits() -> Mapping[str, Audit]:
    """Return every audit by name."""
    return discover(__name__, __path__)


__all__ = ["Audit", "audits", "discover"]
