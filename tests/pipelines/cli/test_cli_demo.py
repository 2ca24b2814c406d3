"""The demo: from nothing to a release, and again without doing it twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.cli import demo


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(demo, "_PEOPLE", 200)
    monkeypatch.setattr(demo, "_DAYS", 1)
    monkeypatch.setattr(demo, "_CITY", {"people": 200})
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_demo_ends_with_what_to_open_and_can_be_run_again(run: Any, small: Path) -> None:
    text = run("demo")
    (folder,) = (small / "murmuration-demo" / "releases").iterdir()
    assert "What is measured on each date" in text
    assert f"open      {Path('murmuration-demo') / 'releases' / folder.name}" in text
    assert (folder / "report.html").is_file()
    manifest = (folder / "manifest.json").read_bytes()
    again = run("demo")
    assert "found" in again
    assert "charged   nothing" in again
    assert (folder / "manifest.json").read_bytes() == manifest
    assert len(list(folder.parent.iterdir())) == 1


def test_a_demo_that_stopped_half_way_is_made_again(run: Any, small: Path) -> None:
    folder = small / "half"
    folder.mkdir()
    demo._mark(folder, complete=False)
    (folder / "zones.geojson").write_text("{", encoding="utf-8")
    run("demo", "--folder", "half")
    assert any((folder / "releases").iterdir())


@pytest.mark.parametrize("mark", [None, "{}", "[]", "no json", '{"city": {"people": 7}}'])
def test_a_folder_of_something_else_is_refused_and_left_alone(
    run: Any, small: Path, mark: str | None
) -> None:
    folder = small / "mine"
    folder.mkdir()
    (folder / "thesis.txt").write_text("mine", encoding="utf-8")
    if mark is not None:
        (folder / "demo.json").write_text(mark, encoding="utf-8")
    before = sorted(folder.iterdir())
    (line,) = run.lines("demo", "--folder", "mine", code=2)
    assert line == (
        "error: mine exists and is not this demo. Write another folder with --folder, or remove it."
    )
    assert sorted(folder.iterdir()) == before
