"""Let the ledger's tests share ``_ledgers``, and keep their anchors apart."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from _ledgers import policy_of  # noqa: E402  # found through the path above

from dp.ledger import Ledger  # noqa: E402  # after the line that it is grouped with


@pytest.fixture
def tmp_path(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: thousands of waits for a disk would test nothing."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


@pytest.fixture
def anchors(tmp_path: Path) -> Path:
    return tmp_path / "anchors"


@pytest.fixture
def ledger(tmp_path: Path, anchors: Path) -> Ledger:
    (tmp_path / "series").mkdir()
    return Ledger.create(tmp_path / "series" / "bucheon.ledger", policy_of(), anchors=anchors)
