"""Engines: one folder each, one contract, one conformance suite. ``get_engine`` finds one by name.

A new engine is a folder with a class in it and one line in ``_ENGINES``.
"""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING

from pipelines.errors import SpecError

if TYPE_CHECKING:
    from pipelines.engines.contract import Engine

_ENGINES = MappingProxyType(
    {
        "duckdb": ("pipelines.engines.duckdb.engine", "DuckDBEngine"),
        "spark": ("pipelines.engines.spark.engine", "SparkEngine"),
    }
)
ENGINE_NAMES = tuple(_ENGINES)
"""What a spec may write as ``[engine] name``."""


def get_engine(name: str) -> Engine:
    """Return the engine of that name.

    Raises:
        SpecError: there is none.
    """
    if name not in _ENGINES:
        known = ", ".join(f'"{known}"' for known in ENGINE_NAMES)
        raise SpecError(f'[engine]: no engine is named "{name}". Write name = one of {known}.')
    module, factory = _ENGINES[name]
    engine: Engine = getattr(import_module(module), factory)()
    return engine
