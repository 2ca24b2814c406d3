"""Let these tests share ``reference``, ``harness``, ``table_reference`` and the bad shapes."""

from __future__ import annotations

import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]
for folder in (TESTS / "pipelines" / "traces", TESTS / "pipelines" / "tables", TESTS / "laws"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
