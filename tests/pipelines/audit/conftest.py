"""What the audits' tests share: a small stage, built once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.audit._build import Size, simulated_stage
from pipelines.audit._stage import Stage
from pipelines.progress import Silent
from pipelines.spec import load_spec
from pipelines.twin import CitySettings, make_city

START = dt.date(2026, 3, 2)


@pytest.fixture(scope="session")
def spec_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the spec of a city of nine zones, whose records are never read."""
    folder = tmp_path_factory.mktemp("audited")
    settings = CitySettings(zones=9)
    return make_city(folder, people=1, days=1, start=START, seed=1, settings=settings).spec


@pytest.fixture(scope="session")
def stage(spec_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """Return 150 people on two dates."""
    spec = load_spec(spec_file, check_data=False)
    size = Size(people=150, apart=150, dates=2, runs=1_000)
    work = tmp_path_factory.mktemp("stage") / "work"
    return simulated_stage(spec, work=work, size=size, progress=Silent())


@pytest.fixture
def edited(spec_file: Path, tmp_path: Path) -> Callable[[str, str], Path]:
    """Return a copy of the spec beside it with a piece of text replaced."""

    def edit(old: str, new: str) -> Path:
        text = spec_file.read_text(encoding="utf-8")
        assert old in text, old
        copy = spec_file.with_name(f"{tmp_path.name}.toml")
        copy.write_text(text.replace(old, new), encoding="utf-8")
        return copy

    return edit
