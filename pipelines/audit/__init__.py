"""The registry of audits: one module of this folder, one ``AUDIT``, one name."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from pipelines.audit._audit import Audit


def discover(package: str, paths: Iterable[str]) -> Mapping[str, Audit]:
    """Return the audits of a folder by name, sorted; names that begin with "_" are helpers.

    Raises:
        TypeError: a module has no ``AUDIT``, or one that is no ``Audit``.
        ValueError: two modules declare one name.
    """
    found: dict[str, Audit] = {}
    for module in sorted(info.name for info in pkgutil.iter_modules(list(paths))):
        if module.startswith("_"):
            continue
        declared = getattr(importlib.import_module(f"{package}.{module}"), "AUDIT", None)
        if not isinstance(declared, Audit):
            raise TypeError(
                f"{package}.{module} must declare AUDIT = Audit(...); a module that only helps "
                f"others is named _{module}"
            )
        if declared.name in found:
            raise ValueError(
                f"{package}.{module} declares the audit {declared.name!r}, which another module "
                "has declared: each name once"
            )
        found[declared.name] = declared
    return MappingProxyType(dict(sorted(found.items())))


def audits() -> Mapping[str, Audit]:
    """Return every audit by name."""
    return discover(__name__, __path__)


__all__ = ["Audit", "audits", "discover"]
