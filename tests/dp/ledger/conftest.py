"""Let the ledger's tests share ``_ledgers``, and keep their anchors apart."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from _ledgers import policy_of  # noqa: E402  # found through the path above

from dp.ledger import Ledger  # noqa: E402  # after the line that it is grouped with


@pytest.fixture
def anchors(tmp_path: Path) -> Path:
    return tmp_path / "anchors"


@pytest.fixture
def ledger(tmp_path: Path, anchors: Path) -> Ledger:
    (tmp_path / "series").mkdir()
    return Ledger.create(tmp_path / "series" / "bucheon.ledger", policy_of(), anchors=anchors)
