"""Running commands, and a very small synthetic city."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parent))

from pipelines.cli.app import app


class Commands:
    """Run commands as a user would, and look at what they answer."""

    def __call__(self, *words: str | Path, code: int = 0) -> str:
        """Run a command, check its exit code, and return what it printed."""
        result = CliRunner().invoke(app, [str(word) for word in words])
        assert result.exit_code == code, result.output
        assert "Traceback" not in result.output
        return result.output

    def json(self, *words: str | Path, code: int = 0) -> Any:
        """Run a command with --json and return what it printed."""
        result = CliRunner().invoke(app, [*(str(word) for word in words), "--json"])
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)

    def lines(self, *words: str | Path, code: int) -> list[str]:
        """Run a command that fails and return its lines on standard error."""
        result = CliRunner().invoke(app, [str(word) for word in words])
        assert result.exit_code == code, result.output
        assert result.stdout == ""
        return result.stderr.splitlines()


@pytest.fixture
def run() -> Commands:
    return Commands()


@pytest.fixture(autouse=True)
def private_anchors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Anchors of tests stay out of the user's home."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.getbasetemp() / "anchors"
        patch.setenv("MURMURATION_ANCHORS", str(folder))
        yield folder


@pytest.fixture
def city(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A city of 150 people and two dates, in a folder with a space and other letters."""
    from pipelines.twin import CitySettings, make_city

    folder = tmp_path / "부천 도시"
    settings = CitySettings(zones=5, pings_per_person=20.0)
    start = dt.date(2026, 3, 2)
    make_city(folder, people=150, days=2, start=start, seed=3, settings=settings)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def edit(city: Path) -> Callable[..., None]:
    """Replace one part of a file of the city."""

    def edited(old: str, new: str, *, file: str = "release.toml") -> None:
        text = (city / file).read_text(encoding="utf-8")
        assert old in text, f"{old!r} is not in {file}: the test would change nothing"
        (city / file).write_text(text.replace(old, new, 1), encoding="utf-8")

    return edited
