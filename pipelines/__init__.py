"""Mobility: from raw location records to a release folder.

Names that Python users need are re-exported here, each imported when it is first asked for:

    from pipelines import load_spec, plan, release, read_release, aggregate, draws, export
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipelines.exports._run import export
    from pipelines.release.aggregate import aggregate
    from pipelines.release.draws import draws
    from pipelines.release.plan import plan
    from pipelines.release.read import Release, read_release
    from pipelines.release.run import release
    from pipelines.release.verify import verify_release
    from pipelines.spec import load_spec

__all__ = [
    "Release",
    "aggregate",
    "draws",
    "export",
    "load_spec",
    "plan",
    "read_release",
    "release",
    "verify_release",
]

_HOMES = {
    "Release": "pipelines.release.read",
    "aggregate": "pipelines.release.aggregate",
    "draws": "pipelines.release.draws",
    "export": "pipelines.exports._run",
    "load_spec": "pipelines.spec",
    "plan": "pipelines.release.plan",
    "read_release": "pipelines.release.read",
    "verify_release": "pipelines.release.verify",
}


def __getattr__(name: str) -> Any:
    if name == "release":  # the package of that name is callable, so both meanings are one object
        return importlib.import_module("pipelines.release")
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'pipelines' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
