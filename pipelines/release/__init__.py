"""From a plan to a release folder: plan, run, derive, write, read, verify.

The package is callable: ``from pipelines import release`` and ``pipelines.release.run.release``
are the same work, whichever of the two was imported first.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.progress import Progress
    from pipelines.release.model import Plan
    from pipelines.spec import ReleaseSpec


class _Callable(ModuleType):
    """A package that is also the function it is named after."""

    def __call__(
        self,
        spec: ReleaseSpec | Plan,
        *,
        engine: str | None = None,
        progress: Progress | None = None,
    ) -> Path:
        """Make or finish the release; see ``pipelines.release.run.release``."""
        from pipelines.release.run import release

        return release(spec, engine=engine, progress=progress)


sys.modules[__name__].__class__ = _Callable
