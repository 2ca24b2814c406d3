"""What may be computed from noisy tables at no further cost."""

from __future__ import annotations

from dp.postprocess.intervals import intervals

__all__ = ["intervals"]
