"""Registries: a folder is the list of its declarations, one a module, found by importing them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Protocol, TypeVar


class Named(Protocol):
    """A declaration: it has the name that users write."""

    @property
    def name(self) -> str:
        """The name."""
        ...


Declared = TypeVar("Declared", bound=Named)


def declarations(
    package: str,
    paths: Iterable[str],
    *,
    kind: type[Declared],
    attribute: str,
    taken: Collection[str] = (),
) -> Mapping[str, Declared]:
    """Return what the modules of a folder declare, by name, sorted; "_modules" are helpers.

    Args:
        package: Name of the folder's package.
        paths: Where its modules are.
        kind: What each declares.
        attribute: Under which name.
        taken: Names that other registries have.

    Raises:
        TypeError: a module has no such attribute, or one of another kind.
        ValueError: two modules declare one name, or it is taken.
    """
    found: dict[str, Declared] = {}
    for module in sorted(info.name for info in pkgutil.iter_modules(list(paths))):
        if module.startswith("_"):
            continue
        declared = getattr(importlib.import_module(f"{package}.{module}"), attribute, None)
        if not isinstance(declared, kind):
            raise TypeError(
                f"{package}.{module} must declare {attribute} = {kind.__name__}(...); a module that"
                f" only helps others is named _{module}"
            )
        if declared.name in found or declared.name in taken:
            raise ValueError(
                f"{package}.{module} declares {declared.name!r}, which another module has declared:"
                " each name once"
            )
        found[declared.name] = declared
    return MappingProxyType(dict(sorted(found.items())))
