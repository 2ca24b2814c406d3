"""Let these tests share ``zone_truth``: a lookup run in DuckDB, and zones worked out by hand."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def realdata() -> Path:
    """The folder of real data; a test that needs it is skipped where it is absent."""
    beside = Path(__file__).parents[4] / "shared" / "data"
    folder = Path(os.environ.get("MURMURATION_REALDATA", beside))
    if not folder.is_dir():
        pytest.skip(f"no real data: set MURMURATION_REALDATA (looked in {folder})")
    return folder
